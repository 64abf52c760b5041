"""What every source yields: clean, frozen records, or the reason why one was refused."""

import datetime as dt
import hashlib
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

MAX_TITLE, MAX_ABSTRACT, MAX_NAME = 500, 10_000, 200
MAX_AUTHORS, MAX_CATEGORIES = 2_000, 20
MAX_VOTES = 2**31 - 1

_ARXIV = re.compile(
    r"(?:arxiv:|https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/"
    r"|(?:doi:|https?://(?:dx\.)?doi\.org/)?10\.48550/arxiv\.)?"
    r"(?:(?P<new>\d\d(?:0[1-9]|1[0-2])\.\d{4,5})"
    r"|(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/(?P<old>\d\d(?:0[1-9]|1[0-2])\d{3}))"
    r"(?:v(?P<version>\d{1,3}))?(?:\.pdf)?",
    re.IGNORECASE | re.ASCII,
)
_DOI = re.compile(
    r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[!-~]{1,180})", re.IGNORECASE | re.ASCII
)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")
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
    is None for news of a paper that was announced before. ``votes`` is the count that
    ``announced``'s listing had when the source was read.
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
    url: str = ""
    votes: int | None = None


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


def title_of(value: Any) -> str:
    """A title that has a letter or digit, since one without would be the same as any other.

    Raises RejectedRecord for anything else.
    """
    title = clean(value, MAX_TITLE)
    if not title:
        raise RejectedRecord("title is missing: every paper needs one")
    if not any(map(str.isalnum, title)):
        raise RejectedRecord(f"title has no letter or digit: {shown(title)}")
    return title


def names(values: Any) -> tuple[str, ...]:
    """A list of names, or of objects with a ``name``; what is neither is left out."""
    if not isinstance(values, list):
        return ()
    raw = [item.get("name") if isinstance(item, dict) else item for item in values[:MAX_AUTHORS]]
    return tuple(name for name in (clean(item, MAX_NAME) for item in raw) if name)


def arxiv_categories(values: Any) -> tuple[str, ...]:
    """arXiv's own categories; the MSC and ACM classes that listings mix in are left out."""
    if isinstance(values, str):
        values = values.split()
    if not isinstance(values, list):
        return ()
    found = (clean(item, 40) for item in values)
    kept = dict.fromkeys(item for item in found if _CATEGORY.fullmatch(item))
    return tuple(kept)[:MAX_CATEGORIES]


def arxiv_id(value: Any) -> tuple[str, int | None] | None:
    """``(id without version, version)`` of an arXiv id in any of its usual forms, or None.

    An old id goes without the class that some write: math.AG/0601001 is math/0601001.
    """
    match = _ARXIV.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    found = match["new"] or f"{match['archive'].lower()}/{match['old']}"
    return found, int(match["version"]) if match["version"] else None


def doi(value: Any) -> str | None:
    """A DOI in lower case (they are compared so), or None."""
    match = _DOI.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1].lower() if match else None


def own_id(value: Any, title: str, prefix: str) -> str:
    """A source's own id; without one, an id made from the title's words.

    Raises RejectedRecord for an id that is neither text nor a whole number.
    """
    if value is None:
        words = "".join(char for char in title.casefold() if char.isalnum())
        return f"title:{hashlib.sha256(words.encode()).hexdigest()[:32]}"
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise RejectedRecord(f"id is not text: {shown(value)}")
    own = clean(str(value), 150)
    if not own:
        raise RejectedRecord(f"id has no character that can be kept: {shown(value)}")
    return f"{prefix}:{own}"


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


def _utc_day(moment: dt.datetime) -> dt.date:
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()


def votes(value: Any, field: str) -> int | None:
    """A count of upvotes, None where the source gives none.

    Raises RejectedRecord for what is not a whole number from 0 up.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_VOTES:
        raise RejectedRecord(f"{field} is not a whole number from 0 up: {shown(value)}")
    return value


def date_in(name: str) -> dt.date | None:
    """The first date like 2025-10-06 in a file's name."""
    for found in re.findall(r"\d{4}-\d{2}-\d{2}", name):
        with suppress(RejectedRecord):
            return date(found, "name")
    return None
