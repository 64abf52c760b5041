import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from subscriptions.flows.choices import Choices
from subscriptions.flows.intake import open_run, take_in
from subscriptions.flows.subscribe import confirm, sign_up
from subscriptions.management.arguments import add_now
from subscriptions.models import Edition, Source, Subscriber, Topic
from subscriptions.sources import Found, PaperRecord, read_file

DATA = Path(__file__).resolve().parents[2] / "data"
MONDAY = dt.date(2026, 1, 19)
"""The Monday after the sample's two weeks, which are moved to lie before the one asked for."""


class Command(BaseCommand):
    help = (
        "Load two weeks of invented papers, up to the Monday of the week of --now, and twelve "
        "invented readers who confirmed the day before --now. Needs load_topics first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_now(parser)

    def handle(self, *, now: dt.datetime, **options: Any) -> None:
        monday = now.date() - dt.timedelta(days=now.weekday())
        shift = monday - MONDAY
        Edition.objects.roll(now - dt.timedelta(days=14))  # the site opened as the sample begins
        entries = read_file(DATA / "sample_papers.jsonl", "jsonl", now.date())
        with tqdm(unit=" papers", disable=None, leave=False) as bar:
            run = take_in(
                (_moved(entry, shift) for entry in entries),
                open_run(Source.FILE, "sample_papers.jsonl", now),
                rejected=lambda r: self.stderr.write(f"record {r.number}: {r.reason}"),
                progress=bar.update,
            )
        readers = json.loads((DATA / "sample_subscribers.json").read_text(encoding="utf-8"))
        for reader in readers:
            _sign_up(reader, now - dt.timedelta(days=1))
        self.stdout.write(f"{run.new} new papers of two weeks, {len(readers)} readers")


def _moved(entry: Found, shift: dt.timedelta) -> Found:
    if not isinstance(entry, PaperRecord):
        return entry
    submitted = entry.submitted and entry.submitted + shift
    return replace(
        entry, announced=entry.announced and entry.announced + shift, submitted=submitted
    )


def _sign_up(reader: dict[str, Any], at: dt.datetime) -> None:
    if Subscriber.objects.with_email(reader["email"]).exists():
        return
    topics = Topic.objects.filter(slug__in=reader["topics"])
    choices = Choices(
        topics=tuple(topics.values_list("pk", flat=True)),
        phrases=tuple(reader["phrases"]),
        muted=tuple(reader["muted"]),
        cadence=reader["cadence"],
        weekday=reader["weekday"],
        hour=reader["hour"],
        timezone=reader["timezone"],
    )
    if confirmed := confirm(sign_up(reader["email"], choices, at).pk, at):
        confirmed.next_digest_at = confirmed.next_slot(at)  # as if the first had come already
        confirmed.save()
