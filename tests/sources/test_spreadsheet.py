"""Tables of papers: Zotero's and one's own, and rows that must not stop the rest."""

import csv
import datetime as dt
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.sources import Found, PaperRecord, Rejection, SourceFormatError, read_file
from subscriptions.sources.ids import own_id
from subscriptions.sources.lines import MAX_FILE_BYTES, MAX_LINE

from .strategies import json_lines
from .test_any_input import check, file_of

DAY = dt.date(2025, 10, 6)
ZOTERO = (
    "Key", "Item Type", "Publication Year", "Author", "Title", "DOI", "Url", "Abstract Note",
    "Date", "Extra",
)  # fmt: skip


def read(path: Path, text: str | bytes) -> list[Found]:
    path = path / "papers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_file(path, "csv", DAY))


def table(path: Path, *rows: dict[str, str], delimiter: str = ",") -> list[Found]:
    """What is read of rows with these cells."""
    file = io.StringIO()
    columns = list({name: None for row in rows for name in row})
    writer = csv.DictWriter(file, columns, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return read(path, file.getvalue())


def paper(path: Path, **cells: str) -> PaperRecord:
    (found,) = table(path, {"title": "Ein Titel"} | cells)
    assert isinstance(found, PaperRecord), found
    return found


def titles(found: list[Found]) -> list[str]:
    return [one.title for one in found if isinstance(one, PaperRecord)]


def rejections(found: list[Found]) -> list[tuple[int, str]]:
    return [(one.number, one.reason) for one in found if isinstance(one, Rejection)]


FULL = {
    "title": "Ein Titel",
    "arxiv_id": "2310.01234v2",
    "doi": "10.1000/A",
    "id": "own",
    "abstract": "Zwei Monde,\nein Meer",
    "authors": "A. Rook, B. Lind and C. Tide",
    "categories": "cs.CL, cs.LG",
    "submitted": "2023-10-02",
    "listed": "2025-10-03",
    "url": "https://example.org/a",
    "votes": "12",
}
RECORD = PaperRecord(
    "Ein Titel", dt.date(2025, 10, 3), arxiv_id="2310.01234", version=2, doi="10.1000/a",
    own_id="file:own", abstract="Zwei Monde, ein Meer", authors=("A. Rook", "B. Lind", "C. Tide"),
    categories=("cs.CL", "cs.LG"), submitted=dt.date(2023, 10, 2), url="https://example.org/a",
    votes=12,
)  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_fields_of_our_own_format(tmp_path: Path, delimiter: str) -> None:
    assert table(tmp_path, FULL, delimiter=delimiter) == [RECORD]


def test_column_names_in_any_case_and_order(tmp_path: Path) -> None:
    row = {f" {name.upper().replace('_', ' ')}": value for name, value in reversed(FULL.items())}
    assert table(tmp_path, {"": "", "Shelf": "7"} | row) == [RECORD]


def test_a_table_of_zotero(tmp_path: Path) -> None:
    cells = (
        "AB12", "journalArticle", "2023", "van der Berg, Jan Piet; Rook, Ada; Tide Society",
        'Tides of "Mars"', "10.1000/T", "http://example.org/t", "Two moons\npull.", "2023-10-02",
        "Read; twice",
    )  # fmt: skip
    assert table(tmp_path, dict(zip(ZOTERO, cells, strict=True))) == [
        PaperRecord(
            'Tides of "Mars"', None, doi="10.1000/t", abstract="Two moons pull.",
            authors=("Jan Piet van der Berg", "Ada Rook", "Tide Society"),
            submitted=dt.date(2023, 10, 2), url="http://example.org/t",
        )
    ]  # fmt: skip


def test_the_key_of_zotero_is_no_id(tmp_path: Path) -> None:
    cells = ("AB12", "book", "2023", "García Márquez, Ana María", "T", *[""] * 5)
    (found,) = table(tmp_path, dict(zip(ZOTERO, cells, strict=True)))
    assert isinstance(found, PaperRecord)
    assert found.authors == ("Ana María García Márquez",)
    assert found.own_id == own_id(None, "T", "Ana María García Márquez", "file")
    assert (found.arxiv_id, found.doi, found.announced) == (None, None, None)


@pytest.mark.parametrize("extra", ["arXiv:2310.01234 [cs]", "Tides\narXiv: 2310.01234 [cs.CL]"])
def test_the_arxiv_id_that_zotero_has_in_extra(tmp_path: Path, extra: str) -> None:
    assert paper(tmp_path, Extra=extra).arxiv_id == "2310.01234"


@pytest.mark.parametrize(
    "cells",
    [
        {"id": "2310.01234v2"},
        {"id": "10.1000/A"},
        {"id": "7"},
        {"id": "own", "doi": "10.1000/a"},
        {"id": "2310.01234", "doi": "10.1000/a"},
        {"arxiv_id": "2310.01234", "id": "own"},
        {"doi": "10.48550/arXiv.2310.01234"},
        {"doi": "", "id": "", "arxiv_id": "", "authors": "Ada Rook"},
        {"arxiv_id": "2310"},
        {"doi": "n/a"},
    ],
)
def test_ids_are_those_of_a_line_of_json(tmp_path: Path, cells: dict[str, str]) -> None:
    line = {"title": "Ein Titel"} | cells
    if "authors" in cells:
        same = read_file(
            json_lines(tmp_path / "papers.jsonl", line | {"authors": [cells["authors"]]}),
            "jsonl", DAY,
        )  # fmt: skip
    else:
        same = read_file(json_lines(tmp_path / "papers.jsonl", line), "jsonl", DAY)
    (found,), (expected,) = table(tmp_path, line), same
    if isinstance(expected, PaperRecord):
        assert isinstance(found, PaperRecord)
        for name in ("arxiv_id", "doi", "own_id", "version"):
            assert getattr(found, name) == getattr(expected, name)
    else:
        assert isinstance(expected, Rejection)
        assert found == Rejection(2, expected.reason)


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("http://arxiv.org/abs/2310.01234v2", ("2310.01234", None)),
        ("https://doi.org/10.1000/A", (None, "10.1000/a")),
    ],
)
def test_an_address_can_name_a_paper(
    tmp_path: Path, url: str, ids: tuple[str | None, str | None]
) -> None:
    found = paper(tmp_path, link=url)
    assert (found.arxiv_id, found.doi) == ids
    assert found.own_id is None
    assert found.url == url


@pytest.mark.parametrize(
    ("cell", "authors"),
    [
        ("Rook, Ada; Lind, Bo; OpenAI", ["Ada Rook", "Bo Lind", "OpenAI"]),
        ("Ada Rook; Bo Lind", ["Ada Rook", "Bo Lind"]),
        ("King, Ada, Jr.; Lind, Jr., Bo;", ["Ada King Jr.", "Bo Lind Jr."]),
        ("Tide, Mars, Moon, Inc; Rook, Ada", ["Tide, Mars, Moon, Inc", "Ada Rook"]),
        ("Ada Rook and Bo Lind", ["Ada Rook", "Bo Lind"]),
        ("Rook, Ada and van der Berg, Jan", ["Ada Rook", "Jan van der Berg"]),
        ("Rook, Ada", ["Ada Rook"]),
        ("Rook, Ada B. C.", ["Ada B. C. Rook"]),
        ("A. Rook, B. Lind, and C. Tide", ["A. Rook", "B. Lind", "C. Tide"]),
        ("A. Rook, B. Lind", ["A. Rook", "B. Lind"]),
        ("Rook, Lind, Tide", ["Rook", "Lind", "Tide"]),
        ("Sandra Anderson", ["Sandra Anderson"]),
        ("", []),
        (" ; ,;", []),
    ],
)
def test_authors_by_semicolons_and_or_commas(tmp_path: Path, cell: str, authors: list[str]) -> None:
    assert list(paper(tmp_path, authors=cell).authors) == authors


@pytest.mark.parametrize(
    ("cells", "day"),
    [
        ({"date": "2023-10-02"}, dt.date(2023, 10, 2)),
        ({"Date": "2023-10-02 10:00:00"}, dt.date(2023, 10, 2)),
        ({"date": "2023"}, None),
        ({"date": "2023-10"}, None),
        ({"date": "October 2, 2023"}, None),
        ({"year": "2023"}, None),
        ({"submitted": "2023-10-01", "date": "2023-10-02"}, dt.date(2023, 10, 1)),
    ],
)
def test_a_date_is_the_papers_own_and_no_news(
    tmp_path: Path, cells: dict[str, str], day: dt.date | None
) -> None:
    found = paper(tmp_path, **cells)
    assert found.submitted == day
    assert found.announced is None


def test_listed_is_the_day_it_counts_in_where_it_is_filled(tmp_path: Path) -> None:
    found = table(tmp_path, {"title": "A", "listed": "2025-10-03"}, {"title": "B", "listed": ""})
    assert [one.announced for one in found if isinstance(one, PaperRecord)] == [
        dt.date(2025, 10, 3), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("title", ""), ("title", "---"), ("arxiv_id", "2310"), ("doi", "n/a"),
        ("submitted", "gestern"), ("listed", "06.10.2025"), ("votes", "-1"), ("votes", "1.5"),
        ("votes", "9" * 5000), ("votes", "²"), ("url", "javascript:alert(1)"), ("url", "http://[::1"),
        ("url", f"https://example.org/{'x' * 500}"), ("id", "\u200b"),
    ],
)  # fmt: skip
def test_a_refused_row_names_its_line_and_field(tmp_path: Path, field: str, cell: str) -> None:
    good = {"title": "Ein\nTitel", field: FULL[field]}
    found = table(tmp_path, good, FULL | {field: cell}, good)
    assert [type(one) for one in found] == [PaperRecord, Rejection, PaperRecord]
    ((number, reason),) = rejections(found)
    assert number == (3 if field == "title" else 4)
    assert reason.startswith(f"{field} ")


def test_rows_of_another_length_and_blank_ones(tmp_path: Path) -> None:
    found = read(tmp_path, "\n title,doi\r\nA,\r\nB\r\n\r\n , \r\nC,,\r\nD,10.1000/d")
    assert titles(found) == ["A", "D"]
    assert rejections(found) == [
        (4, "has 1 cells, and the first line 2"),
        (7, "has 3 cells, and the first line 2"),
    ]


def test_what_follows_a_quoted_cell_costs_its_row(tmp_path: Path) -> None:
    found = read(tmp_path, 'title,doi\n"A" x,\nB,\n"C ""c""", "10.1000/c"\nD,"never\nends,\n')
    assert titles(found) == ["B", 'C "c"']
    assert rejections(found) == [
        (2, "is not CSV: ',' expected after '\"'"),
        (5, "is not CSV: unexpected end of data"),
    ]
    (found_by_tab,) = read(tmp_path, 'title\tdoi\n"A" x\t\n')
    assert found_by_tab == Rejection(2, "is not CSV: 'tab' expected after '\"'")


def test_a_byte_order_mark_and_any_line_endings(tmp_path: Path) -> None:
    for ending in ("\n", "\r\n", "\r"):
        found = read(tmp_path, f"\ufefftitle{ending}{ending}A{ending}---{ending}B".encode())
        assert titles(found) == ["A", "B"]
        assert [number for number, _ in rejections(found)] == [4]


def test_other_signs_that_end_lines_elsewhere_do_not_here(tmp_path: Path) -> None:
    assert titles(read(tmp_path, "title,doi\nA\u2028B\x0bC,\nD,")) == ["A B C", "D"]


def test_the_delimiter_is_that_of_the_first_line(tmp_path: Path) -> None:
    assert titles(read(tmp_path, '"a, b, c";title;doi\nx;A, B, C, D;\n')) == ["A, B, C, D"]
    assert titles(read(tmp_path, "title\nA; B\n")) == ["A; B"]


@pytest.mark.parametrize("text", ["", "\n\r\n", "\ufeff", "title,doi\n", ",,\n"])
def test_an_empty_table_has_no_papers(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == []


def test_a_table_without_titles_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(SourceFormatError, match="of papers: no column is title, but 'name, year'"):
        read(tmp_path, "Name,,Year\nA,,2023\n")
    with pytest.raises(SourceFormatError, match="is not a table of papers"):
        read(tmp_path, '{"title": "A"}\n')


def test_a_first_line_that_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(SourceFormatError, match="is not CSV, in line 1: unexpected end of data"):
        read(tmp_path, '"title,doi\nA,\n')
    with pytest.raises(SourceFormatError, match="is not CSV, in line 1: row larger than 1 MB"):
        read(tmp_path, "title," * MAX_LINE)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x" * 200_000 + ",", "field larger than field limit"),
        ('"' + "x\n" * 100_000 + '",', "field larger than field limit"),
        ("," * (MAX_LINE + 1), "row larger than 1 MB"),
        ('"\n",' * (MAX_LINE // 2), "row larger than 1 MB"),
        (f'"{"A," * 70_000}\nno,row\n{"x" * MAX_LINE}\nnone,\n",', "field larger than field limit"),
    ],
)
def test_a_row_that_is_too_large_is_refused(tmp_path: Path, row: str, why: str) -> None:
    limit = csv.field_size_limit()
    found = read(tmp_path, f"title,doi\nA,\n{row}\nB,")
    assert titles(found) == ["A", "B"]
    ((number, reason),) = rejections(found)
    assert number == 3
    assert why in reason
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    "cell", [" and " * 20_000, "," * 100_000, "a, " * 30_000, ";" * 100_000, "(" * 100_000,
             "arxiv:" * 20_000, "arxiv:" + " " * 100_000]
)  # fmt: skip
def test_a_cell_of_any_shape_is_read(tmp_path: Path, cell: str) -> None:
    """None of them in more than a moment: what is quadratic would take minutes."""
    check(paper(tmp_path, authors=cell, abstract=cell, categories=cell, Extra=cell))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("title\nÄ\n".encode("latin-1"), "is not text in UTF-8, in line 2"),
        ("title\nA\n".encode("utf-16"), "is not text in UTF-8"),
        (b"title\nA\0\n", "a NUL character"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is not text in UTF-8"),
        (b" " * (MAX_FILE_BYTES + 1), "is larger than 64 MB"),
    ],
)
def test_what_is_not_text_says_so(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SourceFormatError, match=why):
        read(tmp_path, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceFormatError, match="cannot be read: No such file"):
        list(read_file(tmp_path / "none.csv", "csv", DAY))


CELLS = st.text(max_size=20) | st.sampled_from(
    ["A title", "2310.01234", "10.1000/a", "https://example.org", "2025-10-06", "Rook, Ada; Lind",
     "A and B, C", '"', '""', "\r", "\n", "\u200d", "9" * 30, "arXiv:2310.01234"]
)  # fmt: skip
NAMES = [*FULL, *ZOTERO]


@given(st.data(), st.sampled_from(",;\t"))
def test_whatever_the_cells_hold(data: st.DataObject, delimiter: str) -> None:
    names = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=8, unique=True))
    row = st.lists(CELLS, min_size=len(names), max_size=len(names) + 1).map(delimiter.join)
    lines = [delimiter.join(names), *data.draw(st.lists(row, max_size=4))]
    whatever("\n".join(lines).encode())


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_a_table_is(content: bytes) -> None:
    whatever(content)
    whatever(b"title,authors\n" + content)


def whatever(content: bytes) -> None:
    with file_of(content) as path:
        try:
            for one in read_file(path, "csv", DAY):
                check(one)
        except SourceFormatError as error:
            assert str(error).startswith(("is ", "cannot "))
            str(error).encode()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\\$`~-"), max_size=20)))
def test_what_is_written_is_read(rows: list[str]) -> None:
    """As many papers and rejections as rows that say something, and the titles of jsonl."""
    rows = [row for row in rows if row.strip()]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["title", "doi"], *([row, ""] for row in rows)])
    with file_of(file.getvalue().encode()) as path:
        found = list(read_file(path, "csv", DAY))
        json_lines(path, *({"title": row} for row in rows))
        same = list(read_file(path, "jsonl", DAY))
    assert len(found) == len(rows)
    assert titles(found) == titles(same)
