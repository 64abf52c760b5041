"""A file of readers as text, and its rows: any bytes are a table, or refused in words."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from subscriptions.sources import spreadsheet

MAX_BYTES = 20 * 2**20
MAX_ROWS = 200_000
MAX_COLUMNS = 100

_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_RISKY = re.compile(r"(^|[;\t\r\n])('*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_QUOTED = re.compile(r"(^|[;\t\r\n])'('*[=+\-@\uff1d\uff0b\uff0d\uff20])")


class UnreadableFile(ValueError):
    """A file that is no table of readers; the message says what it is and what to do."""


@dataclass(frozen=True)
class Row:
    """The cells of a row, and the number of the line it begins in; or why it has none."""

    line: int
    cells: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """What a file says."""

    text: str
    encoding: str
    names: tuple[str, ...]
    """Of the columns: the first row, or ``Column 1`` and so on where that is a reader's."""
    headed: bool

    def rows(self) -> Iterator[Row]:
        """Each row but that of the names. Raises UnreadableFile where there are too many."""
        rows = spreadsheet.rows(self.text)
        for n, (line, found) in enumerate(islice(rows, int(self.headed), None)):
            if n == MAX_ROWS:
                raise UnreadableFile(f"has more than {MAX_ROWS:,} rows: divide it.")
            yield self._row(line, found)

    def _row(self, line: int, found: list[str] | csv.Error) -> Row:
        if isinstance(found, csv.Error):
            why = f"This is no row of a CSV file: {found}."
            if "unexpected end" in str(found):
                why = "A quotation mark opens here that no other closes: the rest was not read."
            return Row(line, (), why)
        cells = [plain(cell.strip()) for cell in found]
        while len(cells) > len(self.names) and not cells[-1]:
            cells.pop()
        wrong = len(cells) != len(self.names)
        told = f"The first row has {len(self.names)} cells, and this one {len(cells)}."
        return Row(line, tuple(cells[:MAX_COLUMNS]), told if wrong else "")


def read(content: bytes) -> Table:
    """A file as it came. Raises UnreadableFile for one that is no table of text."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"is larger than {MAX_BYTES >> 20} MB: divide it.")
    if content.startswith(_EXCEL):
        raise UnreadableFile("is a workbook: save its sheet as CSV.")
    text, encoding = _decoded(content)
    line, first = next(spreadsheet.rows(text), (1, []))
    if isinstance(first, csv.Error):
        raise UnreadableFile(f"is not CSV, in line {line}: {first}.")
    headed = not any("@" in cell for cell in first)
    while headed and first and not first[-1].strip():
        first.pop()
    if not first:
        raise UnreadableFile("has no row.")
    if len(first) > MAX_COLUMNS:
        raise UnreadableFile(f"has more than {MAX_COLUMNS} columns: leave out what is not needed.")
    names = tuple(
        (headed and " ".join(cell.split())[:100]) or f"Column {n}"
        for n, cell in enumerate(first, 1)
    )
    return Table(text, encoding, names, headed)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text, and the name of its encoding: as its mark says, else UTF-8 or Windows-1252."""
    marked = next((name for mark, name in _BOMS.items() if content.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, encoding
    raise UnreadableFile("is not text in UTF-8, UTF-16 or Windows-1252: save it as CSV in UTF-8.")


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula, whichever separator it looks for."""
    return _RISKY.sub(r"\1'\2", cell)


def plain(cell: str) -> str:
    """What ``safe`` made of it, undone."""
    return _QUOTED.sub(r"\1\2", cell)
