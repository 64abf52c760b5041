"""What is measured in a process of its own; prints seconds and peak memory as JSON.

``python -m tests.benchmarks.worker NAME ARGUMENT...`` with ``DATABASE_URL`` set.
"""

import datetime as dt
import json
import resource
import sys
import time
from io import StringIO
from pathlib import Path

import django
from django.core.management import call_command, load_command_class
from django.db import connection

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)


def import_in_batches(path: str) -> None:
    """The command that operators use."""
    call_command("import_papers", path, form="jsonl", now=NOW, stdout=StringIO())


def import_row_by_row(path: str) -> None:
    """The same file by Django's usual methods."""
    from subscriptions.matching import trend
    from subscriptions.models import Listing, ListingVotes, Paper
    from subscriptions.sources import PaperRecord, read_file

    for record in read_file(Path(path), "jsonl", NOW.date()):
        assert isinstance(record, PaperRecord)
        fields = {
            "title": record.title,
            "abstract": record.abstract,
            "authors": list(record.authors),
            "categories": list(record.categories),
            "submitted": record.submitted,
            "trend": trend(record.votes or 0, record.announced),
        }
        paper, _ = Paper.objects.update_or_create(
            arxiv_id=record.arxiv_id,
            defaults=fields,
            create_defaults=fields | {"first_seen": NOW},
        )
        listing, _ = Listing.objects.get_or_create(
            paper=paper,
            source="file",
            announced=record.announced,
            defaults={"day": record.announced},
        )
        if record.votes is not None:
            ListingVotes.objects.update_or_create(
                listing=listing, date=record.announced, defaults={"count": record.votes}
            )


def main() -> None:
    name, *arguments = sys.argv[1:]
    measured = {"batches": import_in_batches, "rows": import_row_by_row}[name]
    django.setup()
    # What a process does once is not what a paper costs.
    load_command_class("subscriptions", "import_papers")
    connection.ensure_connection()
    begun = time.perf_counter()
    measured(*arguments)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1024}))


if __name__ == "__main__":
    main()
