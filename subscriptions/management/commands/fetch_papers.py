import datetime as dt
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from subscriptions.flows.fetch import BeingFetched, fetch
from subscriptions.management.arguments import add_now
from subscriptions.sources import SourceFormatError, feeds
from subscriptions.sources.http import FetchError
from subscriptions.sources.records import address


class Command(BaseCommand):
    help = (
        "Fetch the papers of one source now. Without --since it goes on where its last run ended; "
        "a run that broke off is continued."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--source", required=True, choices=feeds())
        parser.add_argument("--since", type=_date, metavar="DATE", help="first day, 2025-10-06")
        parser.add_argument(
            "--until", type=_date, metavar="DATE", help="last day; without it, today"
        )
        parser.add_argument(
            "--set",
            default="",
            dest="part",
            metavar="SET",
            help="a set, category or search, where it has some",
        )
        parser.add_argument("--base-url", type=_address, metavar="URL", help="of a mirror")
        add_now(parser)

    def handle(
        self,
        *,
        source: str,
        since: dt.date | None,
        until: dt.date | None,
        part: str,
        base_url: str | None,
        now: dt.datetime,
        **options: Any,
    ) -> None:
        if since and since > (until or now.date()):
            raise CommandError(f"--since {since} is after --until {until or now.date()}")
        if until and until > now.date():
            raise CommandError(f"--until {until} is still to come")
        with tqdm(unit=" papers", disable=None, leave=False) as bar:
            try:
                run = fetch(
                    feeds()[source],
                    now,
                    part=part,
                    since=since,
                    until=until,
                    base_url=base_url or "",
                    rejected=lambda r: self.stderr.write(f"record {r.number}: {r.reason}"),
                    progress=bar.update,
                )
            except BeingFetched as error:
                raise CommandError(f"{error}; `manage.py sources` shows since when.") from error
            except SourceFormatError as error:
                raise CommandError(f"{source} {error}") from error
            except FetchError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(
            f"{run.new} new, {run.updated} updated, {run.unchanged} unchanged, "
            f"{run.rejected} rejected"
        )


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date like 2025-10-06") from None


def _address(text: str) -> str:
    if not (url := address(text)):
        raise ArgumentTypeError(f"{text!r} is not an http address")
    return url
