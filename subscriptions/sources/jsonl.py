"""Paper Round's own format: JSON Lines, described in docs/operator.md.

``title`` is required. ``id`` (or ``arxiv_id``, ``doi``) names the paper; without one, its
title does. ``listed`` (or ``date``) is the day it was announced, by default today.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import records
from .lines import parse_each, read_lines
from .records import PaperRecord, RejectedRecord, Rejection


def read(path: Path, today: dt.date) -> Iterator[PaperRecord | Rejection]:
    """Records of one file."""

    def parse(entry: dict[str, Any]) -> PaperRecord:
        title = records.title_of(entry.get("title"))
        ids = records.identity(_first(entry, "arxiv_id", "doi", "id"), title, "file")
        if (other := records.doi(entry.get("doi"))) is not None:
            ids["doi"] = other
        return PaperRecord(
            **ids,
            title=title,
            abstract=records.clean(entry.get("abstract"), records.MAX_ABSTRACT),
            authors=records.names(entry.get("authors")),
            categories=records.arxiv_categories(entry.get("categories")),
            submitted=records.date(entry.get("submitted"), "submitted"),
            announced=records.date(_first(entry, "listed", "date"), "listed") or today,
            url=_url(entry.get("url")),
            votes=records.votes(entry.get("votes")),
        )

    return parse_each(read_lines(path), parse)


def _first(entry: dict[str, Any], *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) not in (None, "")), None)


def _url(value: Any) -> str:
    url = records.clean(value, 500)
    if url and (urlsplit(url).scheme not in ("http", "https") or url.endswith("…")):
        raise RejectedRecord(f"url is not an http address of at most 500 characters: {url[:40]!r}")
    return url
