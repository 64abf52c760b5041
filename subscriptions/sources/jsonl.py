"""Paper Round's own format: JSON Lines, described in docs/operator.md.

``title`` is required. ``arxiv_id`` and ``doi`` name the paper, or ``id``, which may be either
or an id of one's own; without any, its title does. ``listed`` (or ``date``) is the day it was
announced, by default today.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import suppress
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
        return PaperRecord(
            **_ids(entry, title),
            title=title,
            abstract=records.clean(entry.get("abstract"), records.MAX_ABSTRACT),
            authors=records.names(entry.get("authors")),
            categories=records.arxiv_categories(entry.get("categories")),
            submitted=records.date(entry.get("submitted"), "submitted"),
            announced=records.date(entry.get("listed"), "listed")
            or records.date(entry.get("date"), "date")
            or today,
            url=_url(entry.get("url")),
            votes=records.votes(entry.get("votes"), "votes"),
        )

    return parse_each(read_lines(path), parse)


def _ids(entry: dict[str, Any], title: str) -> dict[str, Any]:
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
        ids["own_id"] = records.own_id(general, title, "file")
    return ids


def _given(entry: dict[str, Any], key: str) -> Any:
    return None if entry.get(key) == "" else entry.get(key)


def _url(value: Any) -> str:
    if value is None or value == "":
        return ""
    with suppress(ValueError):
        url = records.clean(value, 500)
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.netloc and not url.endswith("…"):
            return url
    raise RejectedRecord(
        f"url is not an http address of at most 500 characters: {records.shown(value)}"
    )
