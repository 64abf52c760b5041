"""Hugging Face Daily Papers: responses of ``/api/daily_papers``, by date, week or month.

The schema drifted over the years; each field is read from wherever it is found.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from subscriptions.models import Source

from . import ids, records
from .lines import json_of, parse_each, read_json
from .records import Checkpoint, Found, PaperRecord, RejectedRecord, SourceFormatError
from .seam import Feed, Format, Window

if TYPE_CHECKING:
    from .http import Http

PAGE = 100
"""The most entries that the server puts on a page."""
LEAST = 50
"""Where there are fewer, there is no other page; the server may cap them at less than asked."""
MAX_PAGES = 50
SPANS = {"": "%Y-%m-%d", "date": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
"""What one request can ask for, and how it is written."""


def fetch(http: "Http", window: Window) -> Iterator[Found | Checkpoint]:
    """The days of a window, the newest first; with a part of ``week`` or ``month``, by these."""
    if window.part not in SPANS:
        raise SourceFormatError(f"can be asked by date, week or month, not {window.part!r}")
    days = (window.until - window.since).days + 1
    spans = dict.fromkeys(
        (window.until - dt.timedelta(n)).strftime(SPANS[window.part]) for n in range(days)
    )
    left = list(spans)
    while left:
        if not window.cursor or left[0] <= window.cursor:
            yield from _span(http, window.part or "date", left[0])
        left.pop(0)
        if left:
            yield Checkpoint(left[0])


def _span(http: "Http", name: str, value: str) -> Iterator[Found]:
    seen: set[str] = set()
    day = records.date_in(value)
    for page in range(MAX_PAGES):
        with http.get({name: value, "limit": str(PAGE), "p": str(page)}) as file:
            entries = _entries(json_of(file))[0]
        fresh = [entry for entry in entries if _key(entry) not in seen]
        yield from _parsed(fresh, day)
        if len(fresh) < LEAST:  # also where the server knows no pages, and gives the same again
            return
        seen.update(map(_key, entries))
    raise SourceFormatError(f"has more than {MAX_PAGES} pages for {value}")


def _key(entry: Any) -> str:
    paper = entry.get("paper") if isinstance(entry, dict) else None
    return str(paper.get("id")) if isinstance(paper, dict) else repr(entry)


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one day's file, a list or ``{"data": list}``.

    Raises SourceFormatError where the file holds no list of papers.
    """
    entries, day = _entries(read_json(path))
    yield from _parsed(entries, day or records.date_in(path.name))


def _entries(content: Any) -> tuple[list[Any], dt.date | None]:
    """The entries of a response, and the day it says it is of."""
    entries = content.get("data") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise SourceFormatError("is not a response of daily_papers: it has no list of papers")
    if entries and not any(isinstance(entry, dict) for entry in entries):
        raise SourceFormatError(
            "is not a response of daily_papers: its entries are text or numbers, not JSON objects"
        )
    wrapped = content.get("date") if isinstance(content, dict) else None
    return entries, records.date_in(wrapped if isinstance(wrapped, str) else "")


def _parsed(entries: list[Any], day: dt.date | None) -> Iterator[Found]:
    def parse(entry: dict[str, Any]) -> PaperRecord:
        paper = entry.get("paper")
        if not isinstance(paper, dict):
            raise RejectedRecord("paper is missing: an entry has its paper in an object")
        found = ids.arxiv_id(paper.get("id"))
        if found is None:
            raise RejectedRecord(f"paper.id is not an arXiv id: {records.shown(paper.get('id'))}")
        featured = records.date(paper.get("submittedOnDailyAt"), "paper.submittedOnDailyAt")
        announced = featured or day or records.date(entry.get("publishedAt"), "publishedAt")
        if announced is None:
            raise RejectedRecord(
                "its day is unknown: neither submittedOnDailyAt nor the file's name has one"
            )
        return PaperRecord(
            arxiv_id=found[0],
            version=found[1],
            **records.texts(
                paper.get("title") or entry.get("title"),
                paper.get("summary") or entry.get("summary"),
                paper.get("authors"),
            ),
            submitted=records.date(paper.get("publishedAt"), "paper.publishedAt"),
            announced=announced,
            code_url=records.address(paper.get("githubRepo")) or "",
            tldr=records.clean(paper.get("ai_summary"), records.MAX_TLDR),
            votes=records.votes(paper.get("upvotes"), "paper.upvotes"),
        )

    return parse_each(enumerate(entries, 1), parse)


FORMAT = Format("hf-daily", Source.HUGGING_FACE, read)
FEEDS = [
    Feed(
        name="hf-daily",
        source=Source.HUGGING_FACE,
        label="Hugging Face Daily Papers",
        base_url="https://huggingface.co/api/daily_papers",
        fetch=fetch,
        every=dt.timedelta(hours=3),
        again=dt.timedelta(days=14),  # while upvotes still come in
        country="US",
    )
]
