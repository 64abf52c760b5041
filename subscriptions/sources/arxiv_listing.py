"""arXiv's listing of one day's new papers, as JSON Lines; the day is in the file's name."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from subscriptions.models import Source

from . import ids, records
from .lines import parse_each, read_lines
from .records import Found, PaperRecord, RejectedRecord, SourceFormatError
from .seam import Format


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one day's file. Raises SourceFormatError where its name has no day."""
    day = records.date_in(path.name)
    if day is None:
        raise SourceFormatError("has no day in its name; call it like 2025-10-06.jsonl")

    def parse(entry: dict[str, Any]) -> PaperRecord:
        found = ids.arxiv_id(entry.get("id"))
        if found is None:
            raise RejectedRecord(f"id is not an arXiv id: {records.shown(entry.get('id'))}")
        return PaperRecord(
            arxiv_id=found[0],
            version=found[1],
            **records.texts(entry.get("title"), entry.get("summary"), entry.get("authors")),
            categories=records.arxiv_categories(entry.get("categories")),
            announced=day,
        )

    return parse_each(read_lines(path), parse)


FORMAT = Format("arxiv-listing", Source.ARXIV, read)
