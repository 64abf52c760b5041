"""Whatever a file holds: records and rejections come out, or one SourceFormatError."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.models import Paper
from subscriptions.sources import (
    Found,
    PaperRecord,
    Rejection,
    SourceFormatError,
    Withdrawal,
    read_file,
)

from .strategies import FIELDS, JSON, entries, forms, hf_entries, values

DAY = dt.date(2025, 10, 6)
LIMITS = {
    field.name: field.max_length
    for field in Paper._meta.fields
    if field.max_length and field.name not in ("hidden", "title_key")
}


@contextmanager
def file_of(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{DAY}.json"
        path.write_bytes(content)
        yield path


def read(content: bytes, form: str) -> list[Found]:
    with file_of(content) as path:
        return list(read_file(path, form, DAY))


def check(found: Found) -> None:
    """A record that the tables can hold, or a rejection that says something."""
    if isinstance(found, Rejection):
        assert found.number >= 1
        assert found.reason
        found.reason.encode()
        assert found.reason.isprintable()
        return
    if isinstance(found, Withdrawal):
        assert found.arxiv_id
        return
    assert isinstance(found, PaperRecord)
    assert found.arxiv_id or found.doi or found.own_id
    for name, limit in LIMITS.items():
        text = getattr(found, name) or ""
        text.encode()
        assert "\x00" not in text
        assert len(text) <= limit
    assert found.title
    assert all(isinstance(name, str) and name for name in found.authors)
    assert found.announced is None or 1900 <= found.announced.year <= 2199
    assert found.votes is None or 0 <= found.votes < 2**31


@given(forms, st.lists(values | entries, min_size=1, max_size=3))
def test_any_json_value_as_a_line_or_an_entry(form: str, rows: list[object]) -> None:
    content = json.dumps(rows) if form == "hf-daily" else "\n".join(map(json.dumps, rows))
    try:
        found = read(content.encode(), form)
    except SourceFormatError:
        assert not any(isinstance(row, dict) for row in rows)
        return
    assert len(found) == len(rows)
    for one in found:
        check(one)


@given(st.lists(hf_entries, max_size=3), values)
def test_any_paper_of_hugging_face(rows: list[object], day: object) -> None:
    for content in (rows, {"data": rows, "date": day}):
        found = read(json.dumps(content).encode(), "hf-daily")
        assert len(found) == len(rows)
        for one in found:
            check(one)


@given(forms, st.lists(st.text() | st.binary(), max_size=30))
def test_any_text_or_bytes_as_lines(form: str, lines: list[str | bytes]) -> None:
    content = b"\n".join(
        line if isinstance(line, bytes) else line.encode(errors="surrogatepass") for line in lines
    )
    try:
        for one in read(content, form):
            check(one)
    except SourceFormatError as error:
        assert str(error).startswith(("is ", "cannot "))


@pytest.mark.parametrize("form", JSON)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("depth", [1, 500, 900, 960, 990, 1_000, 100_000])
def test_a_field_nested_however_deep(form: str, field: str, depth: int) -> None:
    """Around the depth where Python gives up, reading may pass and showing the value not."""
    nested = "[" * depth + "]" * depth
    entry = f'{{"title": "Ein Titel", "id": "2310.01234", "{field}": {nested}}}'
    content = f'[{{"paper": {entry}}}, {{"paper": {{}}}}]' if form == "hf-daily" else entry + "\n{}"
    try:
        for one in read(content.encode(), form):
            check(one)
    except SourceFormatError as error:
        assert form == "hf-daily"
        assert "is not JSON" in str(error)


@pytest.mark.parametrize("form", JSON)
def test_a_number_too_long_for_python(form: str) -> None:
    row = '{"votes": ' + "9" * 5000 + "}"
    content = f"[{row}]" if form == "hf-daily" else f"{row}\n{{}}"
    try:
        assert all(isinstance(one, Rejection) for one in read(content.encode(), form))
    except SourceFormatError as error:
        assert "is not JSON" in str(error)
