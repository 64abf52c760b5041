"""arXiv's listing of one day's new papers, as JSON Lines; the day is in the file's name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import records
from .lines import parse_each, read_lines
from .records import PaperRecord, RejectedRecord, Rejection, SourceFormatError


def read(path: Path) -> Iterator[PaperRecord | Rejection]:
    """Records of one day's file. Raises SourceFormatError where its name has no day."""
    day = records.date_in(path.name)
    if day is None:
        raise SourceFormatError("has no day in its name; call it like 2025-10-06.jsonl")

    def parse(entry: dict[str, Any]) -> PaperRecord:
        found = records.arxiv_id(entry.get("id"))
        if found is None:
            raise RejectedRecord(f"id is not an arXiv id: {records.shown(entry.get('id'))}")
        return PaperRecord(
            arxiv_id=found[0],
            version=found[1],
            title=records.title_of(entry.get("title")),
            abstract=records.clean(entry.get("summary"), records.MAX_ABSTRACT),
            authors=records.names(entry.get("authors")),
            categories=records.arxiv_categories(entry.get("categories")),
            announced=day,
        )

    return parse_each(read_lines(path), parse)
