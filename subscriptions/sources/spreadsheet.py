"""Tables of papers as CSV (RFC 4180), with commas, semicolons or tabs: Zotero's and one's own.

Columns are found by their names, whatever their case and order; what has no meaning here is
passed over. ``id`` may be an arXiv id, a DOI or an id of one's own. Only ``listed`` makes a
paper news: a library is none.
"""

import csv
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from subscriptions.models import Source

from . import ids, records
from .lines import MAX_FILE_BYTES, MAX_LINE
from .records import Found, PaperRecord, RejectedRecord, Rejection, SourceFormatError
from .seam import Format

_ALIASES = {
    "title": ("title", "article title"),
    "abstract": ("abstract", "abstract note", "summary"),
    "authors": ("authors", "author"),
    "arxiv_id": ("arxiv id", "arxiv"),
    "url": ("url", "link"),
    "date": ("date", "publication date"),
    "zotero": ("item type",),
} | {name: (name,) for name in ("doi", "id", "categories", "submitted", "listed", "votes", "extra")}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SUFFIX = re.compile(r"(?:Jr|Sr|I{2,3}|IV)\.?")


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one file; one that is refused has the number of the line it begins in."""
    table = rows(read_text(path))
    number, header = next(table, (1, []))
    if isinstance(header, csv.Error):
        raise SourceFormatError(f"is not CSV, in line {number}: {header}")
    names = [re.sub(r"[\W_]+", " ", name).strip().casefold() for name in header]
    places = {
        field: names.index(found)
        for field, aliases in _ALIASES.items()
        if (found := next(filter(names.__contains__, aliases), None))
    }
    if header and "title" not in places:
        shown = records.shown(", ".join(filter(None, names)) or "nothing")
        raise SourceFormatError(f"is not a table of papers: no column is title, but {shown}")
    for number, row in table:
        try:
            if isinstance(row, csv.Error):
                raise RejectedRecord(f"is not CSV: {row}".replace("\t", "tab"))
            if len(row) != len(header):
                raise RejectedRecord(f"has {len(row)} cells, and the first line {len(header)}")
            yield _paper({field: row[place].strip() for field, place in places.items()})
        except RejectedRecord as error:
            yield Rejection(number, str(error))


def read_text(path: Path) -> str:
    """A file of text in UTF-8, with a byte order mark or not.

    Raises SourceFormatError for anything else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise SourceFormatError(f"is larger than {MAX_FILE_BYTES >> 20} MB")
    if b"\0" in content:
        raise SourceFormatError("is not text in UTF-8: it has a NUL character")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceFormatError(f"is not text in UTF-8, in line {line}: save it so") from error


class _Lines:
    """Lines for csv.reader, which would keep a row of any length in memory."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE.finditer(text)
        self.number = self.size = self.quotes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)[0]
        self.number += 1
        self.size += len(line)
        self.quotes += line.count('"')
        if self.size > MAX_LINE:
            raise csv.Error(f"row larger than {MAX_LINE >> 20} MB")
        return line

    def begin_row(self) -> int:
        """The number of the line that comes next."""
        self.size = self.quotes = 0
        return self.number + 1

    def end_row(self) -> None:
        """Pass over the rest of a row: its last line is where its quotes are even."""
        while self.quotes % 2 and (line := next(self.lines, None)):
            self.number += 1
            self.quotes += line[0].count('"')


def rows(text: str) -> Iterator[tuple[int, Any]]:
    """Rows with the number of their first line; instead of one that breaks off, its error."""
    lines = _Lines(text)
    first = next((line[0] for line in _LINE.finditer(text) if line[0].strip()), "")
    bare = re.sub(r'"[^"]*"?', "", first[:MAX_LINE])
    delimiter = max(",;\t", key=bare.count)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        number = lines.begin_row()
        try:
            row = next(reader, None)
        except csv.Error as error:
            if "larger" in str(error):
                lines.end_row()
            yield number, error
            continue
        if row is None:
            return
        if any(map(str.strip, row)):
            yield number, row


def _paper(cells: dict[str, str]) -> PaperRecord:
    given = {field: cell or None for field, cell in cells.items()}
    authors = _authors(cells.get("authors", ""), "zotero" in cells)
    texts = records.texts(given.get("title"), given.get("abstract"), authors)
    url, votes = records.address(given.get("url")), given.get("votes")
    if url is None:
        shown = records.shown(given["url"])
        raise RejectedRecord(f"url is not an http address of at most 500 characters: {shown}")
    extra = re.search(r"arxiv:\s*+([\w./-]+)", given.get("extra") or "", re.IGNORECASE)
    return PaperRecord(
        **texts,
        **ids.ids_of(
            given.get("arxiv_id"),
            given.get("doi"),
            given.get("id"),
            texts["title"],
            next(iter(texts["authors"]), ""),
            given.get("url"),
            extra and extra[1],
        ),
        categories=records.arxiv_categories(re.sub("[,;]", " ", cells.get("categories", ""))),
        submitted=records.date(given.get("submitted"), "submitted") or _own_date(cells),
        announced=records.date(given.get("listed"), "listed"),
        url=url,
        votes=records.votes(
            int(votes) if votes and re.fullmatch("[0-9]{1,10}", votes) else votes, "votes"
        ),
    )


def _own_date(cells: dict[str, str]) -> dt.date | None:
    """The paper's own date where it is a whole one: a year alone is none."""
    with suppress(RejectedRecord):
        return records.date(cells.get("date"), "date")
    return None


def _authors(cell: str, zotero: bool) -> list[str]:
    """Names between ";", else between " and ", else between commas.

    "Last, First" is one name between ";" and in Zotero's tables. Elsewhere commas stand between
    names, unless one side of a single comma is one word.
    """
    if ";" in cell or zotero:
        return [_turned(name) for name in cell.split(";")]
    pieces = re.split(r"\s+and\s+", cell)
    if all(len(parts := piece.split(",")) == 2 and _is_turned(parts) for piece in pieces):
        return [_turned(piece) for piece in pieces]
    return records.names_in(cell)


def _is_turned(parts: list[str]) -> bool:
    return any(len(part.split()) == 1 for part in parts)


def _turned(name: str) -> str:
    """ "Last, First", with a suffix after either, as it is read."""
    parts = list(filter(None, map(str.strip, name.split(","))))
    names = [part for part in parts if not _SUFFIX.fullmatch(part)]
    suffixes = [part for part in parts if _SUFFIX.fullmatch(part)]
    return " ".join([*names[::-1], *suffixes]) if len(names) < 3 else name


FORMAT = Format("csv", Source.FILE, read, (".csv", ".tsv"))
