"""Hugging Face Daily Papers: responses of ``/api/daily_papers?date=``, one file a day.

The schema drifted over the years; each field is read from wherever it is found.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import records
from .lines import parse_each, read_json
from .records import PaperRecord, RejectedRecord, Rejection, SourceFormatError


def read(path: Path) -> Iterator[PaperRecord | Rejection]:
    """Records of one day's file, a list or ``{"data": list}``.

    Raises SourceFormatError where the file holds no list of papers.
    """
    content = read_json(path)
    entries = content.get("data") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise SourceFormatError("is not a response of daily_papers: it has no list of papers")
    if entries and not any(isinstance(entry, dict) for entry in entries):
        raise SourceFormatError(
            "is not a response of daily_papers: its entries are text or numbers, not JSON objects"
        )
    wrapped = content.get("date") if isinstance(content, dict) else None
    day = records.date_in(wrapped if isinstance(wrapped, str) else "")
    day = day or records.date_in(path.name)

    def parse(entry: dict[str, Any]) -> PaperRecord:
        paper = entry.get("paper")
        if not isinstance(paper, dict):
            raise RejectedRecord("paper is missing: an entry has its paper in an object")
        found = records.arxiv_id(paper.get("id"))
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
            title=records.title_of(paper.get("title") or entry.get("title")),
            abstract=records.clean(
                paper.get("summary") or entry.get("summary"), records.MAX_ABSTRACT
            ),
            authors=records.names(paper.get("authors")),
            submitted=records.date(paper.get("publishedAt"), "paper.publishedAt"),
            announced=announced,
            votes=records.votes(paper.get("upvotes"), "paper.upvotes"),
        )

    return parse_each(enumerate(entries, 1), parse)
