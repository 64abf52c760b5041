import datetime as dt
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from subscriptions.digests.tick import send_due
from subscriptions.management.arguments import add_now


class Command(BaseCommand):
    help = "One tick, here and now: queue the digests that are due and send what is queued."

    def add_arguments(self, parser: CommandParser) -> None:
        add_now(parser)

    def handle(self, *, now: dt.datetime, **options: Any) -> None:
        with tqdm(unit=" readers", disable=None, leave=False) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            begun = time.monotonic()
            counts = send_due(
                now, lambda: now + dt.timedelta(seconds=time.monotonic() - begun), progress
            )
        if counts["not prepared"]:
            self.stderr.write(f"{counts['not prepared']} readers could not be prepared; see above")
        names = ("queued", "empty", "advanced", "sent", "deferred", "failed", "in_doubt", "skipped")
        self.stdout.write(", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in names))
