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

from . import records
from .lines import parse_each, read_lines
from .records import Found, PaperRecord, RejectedRecord
from .seam import Format


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one file."""

    def parse(entry: dict[str, Any]) -> PaperRecord:
        texts = records.texts(entry.get("title"), entry.get("abstract"), entry.get("authors"))
        return PaperRecord(
            **texts,
            **_ids(entry, texts["title"], *texts["authors"][:1]),
            categories=records.arxiv_categories(entry.get("categories")),
            submitted=records.date(entry.get("submitted"), "submitted"),
            announced=records.date(entry.get("listed"), "listed")
            or records.date(entry.get("date"), "date")
            or today,
            url=_url(entry.get("url")),
            votes=records.votes(entry.get("votes"), "votes"),
        )

    return parse_each(read_lines(path), parse)


def _ids(entry: dict[str, Any], title: str, author: str = "") -> dict[str, Any]:
    named, doi, general = (_given(entry, key) for key in ("arxiv_id", "doi", "id"))
    if named is not None and not records.arxiv_id(named):
        raise RejectedRecord(f"arxiv_id is not an arXiv id: {records.shown(named)}")
    if doi is not None and not records.doi(doi):
        raise RejectedRecord(f"doi is not a DOI: {records.shown(doi)}")
    ids: dict[str, Any] = {}
    for value in (named, doi, general):
        if "arxiv_id" not in ids and (arxiv := records.arxiv_id(value)):
            ids["arxiv_id"], ids["version"] = arxiv
        if "doi" not in ids and (found := records.doi(value)):
            ids["doi"] = found
    if not ids or not (general is None or records.arxiv_id(general) or records.doi(general)):
        ids["own_id"] = records.own_id(general, title, author, "file")
    return ids


def _given(entry: dict[str, Any], key: str) -> Any:
    return None if entry.get(key) == "" else entry.get(key)


def _url(value: Any) -> str:
    if (url := records.address(value)) is None:
        raise RejectedRecord(
            f"url is not an http address of at most 500 characters: {records.shown(value)}"
        )
    return url


FORMAT = Format("jsonl", Source.FILE, read)
