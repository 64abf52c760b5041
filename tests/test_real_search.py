"""Search among real papers: whether those on one subject come before those of a fortnight."""

import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from lxml import html

from subscriptions.flows.intake import open_run, take_in
from subscriptions.models import Paper, Source
from subscriptions.sources import PaperRecord
from subscriptions.tasks import tick

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FIRST = 50


@pytest.mark.parametrize(("encoder", "least"), [("none", 22), ("default", 35)])
def test_papers_on_model_error_come_first(
    db: None, client: Client, settings: Any, real_data: Path, encoder: str, least: int
) -> None:
    settings.ENCODER = encoder
    with time_machine.travel(MONDAY, tick=False):
        seed = _seed(real_data / "seed" / "papers.jsonl")
        days = sorted(map(str, (real_data / "hf-daily").glob("*.json")))
        call_command("import_papers", *days, form="hf-daily", now=MONDAY, stdout=StringIO())
        tick()
        assert len(seed) == 85 and Paper.objects.count() > 390
        found = [link for page in (1, 2, 3) for link in _found(client, "model error", page)][:FIRST]
    assert sum(link in seed for link in found) >= least


def _seed(path: Path) -> set[str]:
    """The paths of the papers that a search for the subject brought elsewhere."""
    with path.open(encoding="utf-8") as lines:
        records = [
            PaperRecord(own_id=f"seed:{n}", announced=MONDAY.date() - dt.timedelta(3), **fields)
            for n, fields in enumerate(map(json.loads, lines))
        ]
    take_in(records, open_run(Source.FILE, "seed", MONDAY), rejected=lambda rejection: None)
    return {paper.get_absolute_url() for paper in Paper.objects.all()}


def _found(client: Client, text: str, page: int) -> list[str]:
    answer = client.get(f"/search/?q={text}&page={page}")
    return [str(link) for link in html.fromstring(answer.content).xpath("//h3/a/@href")]
