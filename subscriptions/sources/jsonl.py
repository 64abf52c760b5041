"""Paper Round's own format: JSON Lines, described in docs/operator.md.

``title`` is required. ``arxiv_id`` and ``doi`` name the paper, or ``id``, which may be either
or an id of one's own; without any, its title does. ``listed`` (or ``date``) is the day it was
announced, by default today.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from subscriptions.models import Source

from . import ids, records
from .lines import parse_each, read_lines
from .records import Found, PaperRecord, RejectedRecord
from .seam import Format


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one file."""

    def parse(entry: dict[str, Any]) -> PaperRecord:
        texts = records.texts(entry.get("title"), entry.get("abstract"), entry.get("authors"))
        return PaperRecord(
            **texts,
            **ids.ids_of(
                _given(entry, "arxiv_id"),
                _given(entry, "doi"),
                _given(entry, "id"),
                texts["title"],
                next(iter(texts["authors"]), ""),
            ),
            categories=records.arxiv_categories(entry.get("categories")),
            submitted=records.date(entry.get("submitted"), "submitted"),
            announced=records.date(entry.get("listed"), "listed")
            or records.date(entry.get("date"), "date")
            or today,
            url=_url(entry.get("url")),
            votes=records.votes(entry.get("votes"), "votes"),
        )

    return parse_each(read_lines(path), parse)


def _given(entry: dict[str, Any], key: str) -> Any:
    return None if entry.get(key) == "" else entry.get(key)


def _url(value: Any) -> str:
    if (url := records.address(value)) is None:
        raise RejectedRecord(
            f"url is not an http address of at most 500 characters: {records.shown(value)}"
        )
    return url


FORMAT = Format("jsonl", Source.FILE, read)
