"""What every source yields: clean, frozen records, or the reason why one was refused."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .readable import readable

MAX_TITLE, MAX_ABSTRACT, MAX_NAME, MAX_URL, MAX_TLDR = 500, 10_000, 200, 500, 500
MAX_AUTHORS, MAX_CATEGORIES = 2_000, 20
MAX_VOTES = 2**31 - 1

_WITHDRAWN = re.compile(
    r"(?:^|[.;:!]\s)\W*(?:withdrawn\b(?=\s*(?:$|[:.;,(]|by|due|because|as|since))"
    r"|(?:this|the|our) (?:paper|article|manuscript|preprint|submission|work)(?: and abstract)? "
    r"(?:has|have|is|was)(?: now| since)?(?: been)?(?: now)? withdrawn\b(?! from))",
    re.IGNORECASE,
)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")
_ODD = re.compile(r"[\\$~`{]|--|  |^ | $")
_JOINERS = "\u200c\u200d"  # Persian and Indic words and some emoji need them
_KINDS = {bool: "true or false", list: "a list", dict: "an object", type(None): "nothing"}


class SourceFormatError(Exception):
    """A file or response that is not what it claims to be."""


class RejectedRecord(ValueError):
    """One record that cannot be taken in; the message names the field and what is wrong."""


@dataclass(frozen=True)
class Rejection:
    """A refused record: its place in the file (from 1) and why."""

    number: int
    reason: str


@dataclass(frozen=True)
class PaperRecord:
    """What a source says of one paper, cleaned.

    At least one of ``arxiv_id`` (without version), ``doi`` and ``own_id`` is set. ``announced``
    is None for news of a paper that was announced before; with ``once`` it counts only where
    its source has not announced the paper yet. ``votes`` is the count that ``announced``'s
    listing had when the source was read. ``raw`` has the texts as the source wrote them, by
    field, where ours say it otherwise.
    """

    title: str
    announced: dt.date | None
    arxiv_id: str | None = None
    doi: str | None = None
    own_id: str | None = None
    version: int | None = None
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    submitted: dt.date | None = None
    updated: dt.date | None = None
    url: str = ""
    code_url: str = ""
    tldr: str = ""
    votes: int | None = None
    once: bool = False
    withdrawn: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Withdrawal:
    """That a source took a paper back, without a word more."""

    arxiv_id: str


@dataclass(frozen=True)
class Checkpoint:
    """Where a run that breaks off after this goes on."""

    cursor: str


Found = PaperRecord | Withdrawal | Rejection
"""What one record of a source is."""


def texts(title: Any, abstract: Any = None, authors: Any = None) -> dict[str, Any]:
    """The fields ``title``, ``abstract``, ``authors`` and ``raw`` of a record.

    ``authors`` is a list of names, or of objects with a ``name``; what is neither is left out.
    Raises RejectedRecord for a title without a letter or digit: it would be any other's.
    """
    if not isinstance(authors, list):
        authors = []
    listed = [item.get("name") if isinstance(item, dict) else item for item in authors]
    pairs = [_text(name, MAX_NAME) for name in listed[:MAX_AUTHORS]]
    pairs = [(name, given) for name, given in pairs if name]
    (title, given_title), (abstract, given_abstract) = (
        _text(title, MAX_TITLE), _text(abstract, MAX_ABSTRACT),
    )  # fmt: skip
    if not title:
        raise RejectedRecord("title is missing: every paper needs one")
    if not any(map(str.isalnum, title)):
        raise RejectedRecord(f"title has no letter or digit: {shown(title)}")
    raw: dict[str, Any] = {}
    if given_title:
        raw["title"] = given_title
    if given_abstract:
        raw["abstract"] = given_abstract
    if any(given for _, given in pairs):
        raw["authors"] = [given or name for name, given in pairs]
    return {
        "title": title,
        "abstract": abstract,
        "authors": tuple(name for name, _ in pairs),
        "raw": raw,
    }


def _text(value: Any, limit: int) -> tuple[str, str]:
    """A text made readable, and as it was given where more than white space differs."""
    if not isinstance(value, str):
        return "", ""
    if len(value) <= limit and value.isascii() and value.isprintable() and not _ODD.search(value):
        return value, ""  # as most names and abstracts are
    value = value[: limit * 4]
    text = clean(readable(value), limit)
    if text == " ".join(value.split()) or text == (given := clean(value, limit * 2)):
        return text, ""
    return text, given


def clean(value: Any, limit: int) -> str:
    """Text on one line: NFC, no control, invisible or direction-changing characters, at most
    ``limit``.
    """
    if not isinstance(value, str):
        return ""
    text = " ".join(value[: limit * 4].split())
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char in _JOINERS)
        text = " ".join(text.split())
    text = unicodedata.normalize("NFC", text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shown(value: Any) -> str:
    """A refused value for a message: the beginning of a text or number, else what it is."""
    if isinstance(value, str):
        return repr(value[:40])
    return _KINDS.get(type(value)) or str(value)[:40]


def names_in(text: Any) -> list[str]:
    """The names in a line like "A. Rook (1), B. Lind and C. Tide ((1) Testtown)".

    What stands in parentheses is left out, whatever it is.
    """
    line, depth = [], 0
    for char in clean(text, MAX_AUTHORS * 60):
        depth += char == "("
        if not depth:
            line.append(char)
        depth -= char == ")" and depth > 0
    found = re.split(r"\s*(?:,\s*and\s|[,;]|\sand\s)\s*", "".join(line))
    names: list[str] = []
    for name in filter(None, map(str.strip, found)):
        if names and re.fullmatch(r"(?:Jr|Sr|I{2,3}|IV)\.?", name):
            names[-1] += f" {name}"
        else:
            names.append(name)
    return names


def arxiv_categories(values: Any) -> tuple[str, ...]:
    """arXiv's own categories; the MSC and ACM classes that listings mix in are left out."""
    if isinstance(values, str):
        values = values.split()
    if not isinstance(values, list):
        return ()
    found = (clean(item, 40) for item in values)
    kept = dict.fromkeys(item for item in found if _CATEGORY.fullmatch(item))
    return tuple(kept)[:MAX_CATEGORIES]


def date(value: Any, field: str) -> dt.date | None:
    """The day of an ISO 8601 date or time in UTC; None where there is none.

    Raises RejectedRecord for anything else, and for years outside 1900 to 2199.
    """
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise ValueError
        day = (
            dt.date.fromisoformat(value)
            if len(value) <= 10
            else _utc_day(dt.datetime.fromisoformat(value))
        )
    except (ValueError, OverflowError):
        raise RejectedRecord(f"{field} is not a date like 2025-10-06: {shown(value)}") from None
    if not 1900 <= day.year <= 2199:
        raise RejectedRecord(f"{field} is out of range: {day}")
    return day


def mail_date(value: str, field: str) -> dt.date | None:
    """As ``date``, of a date as in mail (RFC 5322): Mon, 6 Oct 2025 09:00:00 GMT."""
    try:
        return date(parsedate_to_datetime(value).isoformat(), field) if value else None
    except (ValueError, OverflowError):
        raise RejectedRecord(
            f"{field} is not a date like Mon, 6 Oct 2025 09:00:00 GMT: {shown(value)}"
        ) from None


def _utc_day(moment: dt.datetime) -> dt.date:
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()


def says_withdrawn(*remarks: str) -> bool:
    """Whether an arXiv comment or abstract says that its paper has been withdrawn."""
    return any(_WITHDRAWN.search(remark[:1_000]) for remark in remarks)


def votes(value: Any, field: str) -> int | None:
    """A count of upvotes, None where the source gives none.

    Raises RejectedRecord for what is not a whole number from 0 up.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_VOTES:
        raise RejectedRecord(f"{field} is not a whole number from 0 up: {shown(value)}")
    return value


def address(value: Any) -> str | None:
    """An http address; empty where there is none, None for anything else.

    Line breaks within are left out, as browsers do.
    """
    if value is None or value == "":
        return ""
    with suppress(ValueError):
        url = clean(re.sub(r"[\t\r\n]", "", value) if isinstance(value, str) else value, MAX_URL)
        parts = urlsplit(url)
        whole = " " not in url and not url.endswith("…")
        if parts.scheme in ("http", "https") and parts.netloc and whole:
            return url
    return None


def date_in(name: str) -> dt.date | None:
    """The first date like 2025-10-06 in a file's name."""
    for found in re.findall(r"\d{4}-\d{2}-\d{2}", name):
        with suppress(RejectedRecord):
            return date(found, "name")
    return None
