"""What every source yields: clean, frozen records, or the reason why one was refused."""

import datetime as dt
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

MAX_TITLE, MAX_ABSTRACT, MAX_NAME = 500, 10_000, 200
MAX_AUTHORS, MAX_CATEGORIES = 2_000, 20
MAX_VOTES = 2**31 - 1

_ARXIV = re.compile(
    r"(?:arxiv:|https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/)?"
    r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v(\d{1,3}))?(?:\.pdf)?",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S{1,180})", re.IGNORECASE)
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")
_UNSAFE = {"Cc", "Cs", "Co", "Cn"}
_BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
    """One announcement of one paper, cleaned.

    At least one of ``arxiv_id`` (without version), ``doi`` and ``own_id`` is set. ``votes``
    is the count that ``announced``'s listing had when the source was read.
    """

    title: str
    announced: dt.date
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
    """Text on one line: NFC, no control or direction-changing characters, at most ``limit``."""
    if not isinstance(value, str):
        return ""
    value = unicodedata.normalize("NFC", value[: limit * 4])
    kept = (
        " " if char.isspace() else char
        for char in value
        if char.isspace() or (unicodedata.category(char) not in _UNSAFE and char not in _BIDI)
    )
    text = " ".join("".join(kept).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def title_of(value: Any) -> str:
    title = clean(value, MAX_TITLE)
    if not title:
        raise RejectedRecord("title is missing: every paper needs one")
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
    """``(id without version, version)`` of an arXiv id in any of its usual forms, or None."""
    match = _ARXIV.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    return match[1].lower() if "/" not in match[1] else match[1], int(match[2]) if match[
        2
    ] else None


def doi(value: Any) -> str | None:
    """A DOI in lower case (they are compared so), or None."""
    match = _DOI.fullmatch(value.strip()) if isinstance(value, str) else None
    return clean(match[1], 200).lower() if match else None


def identity(value: Any, title: str, prefix: str) -> dict[str, Any]:
    """The id fields of a record; without an id, one made from the title's words.

    Raises RejectedRecord for an id that is not text.
    """
    if value is None or value == "":
        words = "".join(char for char in title.casefold() if char.isalnum())
        return {"own_id": f"title:{hashlib.sha256(words.encode()).hexdigest()[:32]}"}
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise RejectedRecord(f"id is {type(value).__name__}, not text")
    value = str(value)
    if found := arxiv_id(value):
        return {"arxiv_id": found[0], "version": found[1]}
    if found_doi := doi(value):
        return {"doi": found_doi}
    own = clean(value, 150)
    if not own:
        raise RejectedRecord("id has no character that can be kept")
    return {"own_id": f"{prefix}:{own}"}


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
        raise RejectedRecord(
            f"{field} is not a date like 2025-10-06: {str(value)[:40]!r}"
        ) from None
    if not 1900 <= day.year <= 2199:
        raise RejectedRecord(f"{field} is out of range: {day}")
    return day


def _utc_day(moment: dt.datetime) -> dt.date:
    return (moment.astimezone(dt.UTC) if moment.tzinfo else moment).date()


def votes(value: Any) -> int | None:
    """A count of upvotes, None where the source gives none.

    Raises RejectedRecord for what is not a whole number from 0 up.
    """
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_VOTES:
        raise RejectedRecord(f"upvotes is not a whole number from 0 up: {str(value)[:40]!r}")
    return value


def date_in(name: str) -> dt.date | None:
    """The first YYYY-MM-DD in a file's name."""
    for found in re.findall(r"\d{4}-\d{2}-\d{2}", name):
        try:
            return dt.date.fromisoformat(found)
        except ValueError:
            return None
    return None
