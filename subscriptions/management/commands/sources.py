import datetime as dt
import textwrap
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from subscriptions.flows.health import State, source_health
from subscriptions.management.arguments import add_now
from subscriptions.models import SourceRun
from subscriptions.sources import feeds

WIDTH = 96


class Command(BaseCommand):
    help = (
        "How each source does that is fetched by the clock, its newest run, and what else there is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_now(parser)

    def handle(self, *, now: dt.datetime, **options: Any) -> None:
        found = source_health(now)
        wide = max((len(health.name) for health in found), default=0)
        for health in found:
            self.stdout.write(
                f"{health.name:{wide}}  {self._colored(health.state)}  {health.detail}"
            )
            for line in textwrap.wrap(_last_run(health.run), WIDTH):
                self.stdout.write(f"{'':{wide}}  {line}")
        if not found:
            self.stdout.write("No source is fetched by the clock: SOURCES names none.")
        others = feeds().keys() - {entry.partition(":")[0] for entry in settings.SOURCES}
        self.stdout.write(f"Others for SOURCES: {', '.join(sorted(others)) or 'none'}")

    def _colored(self, state: State) -> str:
        word = f"{state.value:6}"
        if state in (State.FRESH, State.QUIET):
            return self.style.SUCCESS(word)
        return self.style.WARNING(word) if state is State.LATE else self.style.ERROR(word)


def _last_run(run: SourceRun | None) -> str:
    if run is None:
        return "never fetched; the next tick does"
    begun = f"run of {run.started_at:%Y-%m-%d %H:%M} UTC for {run.since} to {run.until}"
    counts = (
        f"{run.new} new, {run.updated} updated, {run.unchanged} unchanged, "
        f"{run.rejected} rejected; {run.requests} requests, {run.octets:,} bytes"
    )
    if run.status == SourceRun.Status.RUNNING:
        return f"{begun}, still running: {counts}"
    later = f"; asked to come again at {run.retry_at:%H:%M} UTC" if run.retry_at else ""
    failed = f"; failed: {run.error}" if run.error else ""
    return f"{begun}: {counts}{failed}{later}"
