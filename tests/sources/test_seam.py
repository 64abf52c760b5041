"""A new source is one file in ``sources/``: nothing else has to know of it."""

import datetime as dt
import textwrap
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from subscriptions import sources
from subscriptions.models import Listing, Paper, SourceRun
from subscriptions.tasks import tick
from tests.conftest import MONDAY
from tests.replay import serving

MODULE = """
import datetime as dt

from . import records
from .records import Checkpoint, PaperRecord, Rejection
from .seam import Feed, Format

def _records(text):
    for number, line in enumerate(text.splitlines(), 1):
        name, _, title = line.partition(" ")
        try:
            texts = records.texts(title)
            yield PaperRecord(
                **texts, own_id=f"gazette:{name}", announced=dt.date(2025, 10, 10),
            )
        except records.RejectedRecord as error:
            yield Rejection(number, str(error))

def fetch(http, window):
    with http.get({"since": str(window.since)}) as file:
        yield from _records(file.read().decode())
    yield Checkpoint("there")

def read(path, today):
    yield from _records(path.read_text())

FORMAT = Format("gazette", "gazette", read, (".txt",))
FEEDS = [Feed("gazette", "gazette", "The Gazette", "URL", fetch, dt.timedelta(hours=1))]
"""

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


@pytest.fixture
def gazette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another file in the package; the address of its server."""
    with serving(lambda path, query: b"1 Robots that knit\n2 \n3 Tides of \\'ebauche") as server:
        module = textwrap.dedent(MODULE).replace("URL", server.url)
        (tmp_path / "gazette.py").write_text(module)
        monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
        for kept in (sources.feeds, sources.formats):
            kept.cache_clear()
        yield server.url
    for kept in (sources.feeds, sources.formats):
        kept.cache_clear()


@pytest.mark.usefixtures("gazette")
def test_it_can_be_fetched_imported_scheduled_and_shown(
    tmp_path: Path, client: Client, settings: Any
) -> None:
    out, error = StringIO(), StringIO()
    call_command("fetch_papers", source="gazette", now=MONDAY, stdout=out, stderr=error)
    assert out.getvalue() == "2 new, 0 updated, 0 unchanged, 1 rejected\n"
    assert error.getvalue().startswith("record 2: title is missing")

    (tmp_path / "papers.txt").write_text("4 Kettles")
    call_command("import_papers", str(tmp_path), form="gazette", now=MONDAY, stdout=StringIO())
    assert Paper.objects.count() == 3
    assert Paper.objects.filter(title="Tides of ébauche").exists()

    settings.SOURCES = ["gazette"]
    with time_machine.travel(MONDAY + dt.timedelta(hours=2), tick=False):
        tick.delay()
        assert list(client.get("/readyz").json()["sources"]) == ["gazette"]
        page = client.get(Listing.objects.first().paper.get_absolute_url()).content.decode()  # type: ignore[union-attr]
    assert SourceRun.objects.filter(feed="gazette", status="ok").count() == 2
    assert "The Gazette" in page
    call_command("sources", stdout=out, now=MONDAY + dt.timedelta(hours=2))
    assert "gazette  quiet" in out.getvalue()


def test_every_source_that_comes_with_it_is_found() -> None:
    assert {"arxiv-api", "arxiv-feed", "arxiv-oai", "arxiv-oai-raw", "hf-daily"} == set(
        sources.feeds()
    )
    assert {"arxiv-listing", "bibtex", "csv", "jsonl"} <= set(sources.formats())
    announcing = {feed.source for feed in sources.feeds().values()}
    announcing |= {form.source for form in sources.formats().values()}
    assert announcing == {"arxiv", "hugging-face", "file"}
