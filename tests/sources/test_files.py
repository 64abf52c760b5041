"""Files as they are found on a disk, and the fields each format reads."""

import datetime as dt
import json
import os
from pathlib import Path

import pytest

from subscriptions.sources import (
    Found,
    PaperRecord,
    Rejection,
    SourceFormatError,
    read_file,
)

from .strategies import JSON, json_lines

DAY = dt.date(2025, 10, 6)
PAPER = {"title": "Ein Titel", "id": "2310.01234"}


def read(path: Path, form: str = "jsonl") -> list[Found]:
    return list(read_file(path, form, DAY))


def numbers(found: list[Found]) -> list[int]:
    return [one.number for one in found if isinstance(one, Rejection)]


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "papers.jsonl"
    line = json.dumps(PAPER)
    path.write_bytes(f"\ufeff{line}\r\n\r\n   \n{line}\nnot JSON\n".encode())
    found = read(path)
    assert [type(one) for one in found] == [PaperRecord, PaperRecord, Rejection]
    assert numbers(found) == [5]


def test_a_byte_order_mark_before_json(tmp_path: Path) -> None:
    path = tmp_path / f"{DAY}.json"
    path.write_text(json.dumps([{"paper": PAPER}]), encoding="utf-8-sig")
    assert len(read(path, "hf-daily")) == 1


def test_a_line_that_is_too_long_is_one_rejection(tmp_path: Path) -> None:
    """Whatever its tail looks like, it is not read as a line of its own."""
    path = tmp_path / "papers.jsonl"
    line = json.dumps(PAPER)
    filler = '{"title": "' + "x" * (2**20 - 10)
    path.write_text(f"{filler}{line}{'y' * 2**20}\n{line}\nnot JSON", encoding="utf-8")
    found = read(path)
    assert [type(one) for one in found] == [Rejection, PaperRecord, Rejection]
    assert numbers(found) == [1, 3]
    assert "longer than 1 MB" in str(found[0])


def test_a_long_line_at_the_end_of_a_file(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "papers.jsonl", PAPER)
    with path.open("a") as file:
        file.write("x" * (2**21 + 2))
    assert numbers(read(path)) == [2]


@pytest.mark.parametrize("form", ["jsonl", "arxiv-listing"])
def test_an_empty_file_of_lines_has_no_papers(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"{DAY}.jsonl"
    path.touch()
    assert read(path, form) == []


@pytest.mark.parametrize("content", ["", "{}", '{"data": {}}', '"text"', "7", "null", "[", "[7]"])
def test_json_that_is_not_a_response_of_daily_papers(tmp_path: Path, content: str) -> None:
    path = tmp_path / f"{DAY}.json"
    path.write_text(content)
    with pytest.raises(SourceFormatError, match=r"^is not (JSON|a response of daily_papers)"):
        read(path, "hf-daily")


@pytest.mark.parametrize("form", JSON)
@pytest.mark.parametrize(
    "content",
    [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, b"\x00" * 100, "Übersicht".encode("utf-16")],
)
def test_binary_is_not_json(tmp_path: Path, form: str, content: bytes) -> None:
    path = tmp_path / f"{DAY}.jsonl"
    path.write_bytes(content)
    with pytest.raises(SourceFormatError, match="is not JSON"):
        read(path, form)


@pytest.mark.parametrize("form", JSON)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, form: str) -> None:
    with pytest.raises(SourceFormatError, match="cannot be read: No such file"):
        read(tmp_path / f"{DAY}.json", form)
    folder = tmp_path / "2025-10-07.json"
    folder.mkdir()
    with pytest.raises(SourceFormatError, match="cannot be read: Is a directory"):
        read(folder, form)


@pytest.mark.parametrize("form", JSON)
def test_a_file_one_may_not_read_says_so(tmp_path: Path, form: str) -> None:
    path = json_lines(tmp_path / f"{DAY}.jsonl", PAPER)
    path.chmod(0)
    with_rights = os.geteuid()
    if with_rights == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(SourceFormatError, match="cannot be read: Permission denied"):
            read(path, form)
    finally:
        os.seteuid(with_rights)


@pytest.mark.parametrize(
    ("form", "other"),
    [("jsonl", "hf-daily"), ("arxiv-listing", "hf-daily"), ("hf-daily", "jsonl")],
)
def test_the_wrong_format_is_noticed(tmp_path: Path, form: str, other: str) -> None:
    path = tmp_path / f"{DAY}.json"
    if form == "hf-daily":
        path.write_text(json.dumps([{"paper": PAPER}] * 30, indent=1))
    else:
        json_lines(path, *[PAPER] * 30)
    with pytest.raises(SourceFormatError, match="is not"):
        read(path, other)


def test_a_listing_without_a_day_in_its_name(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "papers.jsonl", PAPER)
    with pytest.raises(SourceFormatError, match="no day in its name"):
        read(path, "arxiv-listing")


def test_every_field_of_hugging_face_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "2025-10-07.json"
    new = {
        "paper": {
            "id": "2510.01234",
            "title": "Neu",
            "summary": "Zusammen\ngefasst",
            "authors": [{"name": "Ada Rook", "hidden": False}],
            "publishedAt": "2025-10-03T22:00:00.000Z",
            "submittedOnDailyAt": "2025-10-06T01:30:00.000Z",
            "upvotes": 12,
        }
    }
    old = {"title": "Alt", "summary": "Kurz", "paper": {"id": "2405.01234v2"}}
    path.write_text(json.dumps([new, old]))
    assert read(path, "hf-daily") == [
        PaperRecord(
            "Neu", dt.date(2025, 10, 6), arxiv_id="2510.01234", abstract="Zusammen gefasst",
            authors=("Ada Rook",), submitted=dt.date(2025, 10, 3), votes=12,
        ),
        PaperRecord(
            "Alt", dt.date(2025, 10, 7), arxiv_id="2405.01234", version=2, abstract="Kurz"
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "ids"),
    [
        ({"id": "2310.01234v2"}, ("2310.01234", None, None, 2)),
        ({"id": "10.1000/A"}, (None, "10.1000/a", None, None)),
        ({"id": 7}, (None, None, "file:7", None)),
        ({"id": 0}, (None, None, "file:0", None)),
        ({"id": "own", "doi": "10.1000/a"}, (None, "10.1000/a", "file:own", None)),
        ({"id": "2310.01234", "doi": "10.1000/a"}, ("2310.01234", "10.1000/a", None, None)),
        ({"arxiv_id": "2310.01234", "id": "own"}, ("2310.01234", None, "file:own", None)),
        ({"doi": "10.48550/arXiv.2310.01234"},
         ("2310.01234", "10.48550/arxiv.2310.01234", None, None)),
    ],
)  # fmt: skip
def test_the_ids_of_a_line(
    tmp_path: Path, entry: dict[str, object], ids: tuple[str | int | None, ...]
) -> None:
    (found,) = read(json_lines(tmp_path / "papers.jsonl", {"title": "Ein Titel"} | entry))
    assert isinstance(found, PaperRecord)
    assert (found.arxiv_id, found.doi, found.own_id, found.version) == ids


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 7), ("id", 1.5), ("arxiv_id", "2310"), ("arxiv_id", 2310.01234), ("doi", "n/a"),
        ("submitted", "gestern"), ("listed", []), ("date", "06.10.2025"), ("votes", -1),
        ("url", "javascript:alert(1)"), ("url", "http://[::1"), ("url", "http://"),
        ("url", f"https://example.org/{'x' * 500}"), ("url", 7),
    ],
)  # fmt: skip
def test_a_refused_line_names_the_field(tmp_path: Path, field: str, value: object) -> None:
    (found,) = read(json_lines(tmp_path / "papers.jsonl", PAPER | {field: value}))
    assert isinstance(found, Rejection)
    assert found.reason.startswith(f"{field} ")


@pytest.mark.parametrize(
    ("row", "what"),
    [(True, "true or false"), (7, "7"), ("text", "'text'"), ([], "a list"), (None, "nothing")],
)
def test_a_line_that_is_no_object_says_what_it_is(tmp_path: Path, row: object, what: str) -> None:
    _, found = read(json_lines(tmp_path / "papers.jsonl", PAPER, row))
    assert found == Rejection(2, f"is not a JSON object but {what}")
