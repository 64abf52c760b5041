"""What is measured in a process of its own; prints seconds and peak memory as JSON.

``python -m tests.benchmarks.worker NAME ARGUMENT...`` with ``DATABASE_URL`` set.
"""

import datetime as dt
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command, load_command_class
from django.db import connection

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)


def import_in_batches(path: str) -> None:
    """The command that operators use."""
    call_command("import_papers", path, form="jsonl", now=NOW, stdout=StringIO())


def harvest(path: str) -> None:
    """A response of arXiv's OAI-PMH server."""
    call_command("import_papers", path, form="arxiv-oai", now=NOW, stdout=StringIO())


def roll_editions(now: str) -> None:
    """The days before are over, and may go out."""
    from subscriptions.models import Edition

    Edition.objects.roll(dt.datetime.fromisoformat(now))


def import_row_by_row(path: str) -> None:
    """The same file by Django's usual methods."""
    from subscriptions.matching import trend
    from subscriptions.models import Listing, ListingVotes, Paper
    from subscriptions.sources import PaperRecord, read_file

    for record in read_file(Path(path), "jsonl", NOW.date()):
        assert isinstance(record, PaperRecord)
        assert record.announced
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


def send_edition(chunks: str) -> dict[str, float]:
    """Prepare and send the digests of these readers, as the tasks of a worker do."""
    from subscriptions.digests.ledger import send_queued
    from subscriptions.digests.tick import prepare

    begun, sent = time.monotonic(), 0
    for chunk in json.loads(Path(chunks).read_text()):
        prepare(chunk, NOW)
        sent += send_queued(lambda: NOW + dt.timedelta(seconds=time.monotonic() - begun))["sent"]
    return {"sent": sent}


def tick_and_send(chunks: str) -> dict[str, float]:
    """A tick over everybody who is due, and the digests of its first chunks."""
    from subscriptions.digests.ledger import send_queued
    from subscriptions.digests.tick import begin, prepare

    sent, due = 0, begin(NOW)
    for chunk in islice(due, int(chunks)):
        prepare(chunk, NOW)
        sent += send_queued(lambda: NOW)["sent"]
    for _ in due:  # as the tick names them all
        pass
    return {"sent": sent}


def send_with_cost(chunks: str) -> dict[str, float]:
    """As ``send_edition``; what the first reader costs, with all that is made once, apart."""
    from subscriptions.digests.ledger import send_queued
    from subscriptions.digests.tick import begin, prepare

    for _ in begin(NOW):
        pass
    first, *rest = json.loads(Path(chunks).read_text())
    begun = time.perf_counter()
    prepare(first[:1], NOW)
    send_queued(lambda: NOW)
    once = time.perf_counter()
    for chunk in [first[1:], *rest]:
        prepare(chunk, NOW)
        send_queued(lambda: NOW)
    count = len(first) - 1 + sum(map(len, rest))
    return {"once_s": once - begun, "cost_us": (time.perf_counter() - once) / count * 1e6}


def send_finished(count: str) -> dict[str, float]:
    """Send finished messages as Django does, over one connection."""
    from django.core import mail

    from subscriptions.digests.compose import Composer
    from subscriptions.digests.content import load_content
    from subscriptions.models import Delivery

    rows = list(Delivery.objects.select_related("subscriber").order_by("pk")[: int(count)])
    composer = Composer(load_content(rows))
    messages = [composer.compose(row, NOW).email() for row in rows]
    begun = time.time()
    with mail.get_connection() as connection:
        connection.send_messages(messages)
    return {"begun": begun, "sent": len(messages), "octets": len(messages[0].message().as_bytes())}


def compose(runs: str) -> dict[str, float]:
    """Compose digests of ten papers, each reader's once a run, both ways; medians."""
    from subscriptions.digests.compose import Composer
    from subscriptions.digests.content import load_content
    from subscriptions.digests.tick import begin, prepare
    from subscriptions.models import Delivery
    from tests.digests.plain import plain_message

    for chunk in begin(NOW):
        prepare(chunk, NOW)
    found = Delivery.objects.select_related("subscriber").order_by("pk")
    rows = [row for row in found if len(row.items) == 10]
    content = load_content(rows)
    begun = time.perf_counter()
    composer = Composer(content)
    compiled = time.perf_counter() - begun
    octets = [len(composer.compose(row, NOW).wire()) for row in rows]

    def timed(rows: list[Delivery], make: Callable[[Delivery], bytes]) -> float:
        begun = time.perf_counter()
        for row in rows:
            make(row)
        return (time.perf_counter() - begun) / len(rows) * 1e6

    assembled, plain = zip(
        *(
            (
                timed(rows, lambda row: composer.compose(row, NOW).wire()),
                timed(rows[:20], lambda row: plain_message(row, content, NOW).message().as_bytes()),
            )
            for _ in range(int(runs))
        ),
        strict=True,
    )
    return {
        "assembled_us": statistics.median(assembled),
        "plain_us": statistics.median(plain),
        "compile_ms": compiled * 1e3,
        "octets": statistics.median(octets),
    }


def choose(chunks: str) -> dict[str, float]:
    """Choose for chunks of readers; the first chunk's time apart from the median's."""
    from subscriptions.digests.due import plan
    from subscriptions.digests.select import Request, select
    from subscriptions.models import Edition, Subscriber

    Edition.objects.roll(NOW)
    times = []
    for pks in json.loads(Path(chunks).read_text()):
        plans = plan(list(Subscriber.objects.filter(pk__in=pks)), NOW)
        requests = [Request(plan.subscriber, plan.days) for plan in plans]
        begun = time.perf_counter()
        found = select(requests, as_of=NOW)
        times.append((time.perf_counter() - begun) / len(pks) * 1000)
        assert all(chosen.items for chosen in found.values()), (
            "a reader without a digest is no measure"
        )
    return {
        "first_ms": times[0],
        "median_ms": statistics.median(times[1:]),
        "worst_ms": max(times[1:]),
    }


def crowd(job: str) -> dict[str, float]:
    from .crowd import score_and_select

    return score_and_select(job)


def search_fill(papers: str) -> dict[str, float]:
    from .searching import fill

    return fill(papers)


def search(asked: str) -> dict[str, float]:
    from .searching import search

    return search(asked)


def desk_fill(scale: str) -> dict[str, float]:
    from .desk import make

    return make(scale)


def desk(scale: str) -> dict[str, Any]:
    from .desk import ask

    return ask(scale)


def send_to_services(count: str) -> dict[str, float]:
    from .mail_services import send

    return send(int(count))


JOBS: dict[str, Callable[[str], dict[str, Any] | None]] = {
    "batches": import_in_batches,
    "harvest": harvest,
    "rows": import_row_by_row,
    "roll_editions": roll_editions,
    "send_edition": send_edition,
    "tick_and_send": tick_and_send,
    "send_with_cost": send_with_cost,
    "send_finished": send_finished,
    "compose": compose,
    "choose": choose,
    "crowd": crowd,
    "search_fill": search_fill,
    "search": search,
    "desk_fill": desk_fill,
    "desk": desk,
    "send_to_services": send_to_services,
}


def main() -> None:
    name, argument, *wait = sys.argv[1:]
    django.setup()
    # What a process does once is not what a paper costs.
    load_command_class("subscriptions", "import_papers")
    connection.ensure_connection()
    if wait:  # several begin together
        print("ready", flush=True)
        sys.stdin.readline()
    measured: dict[str, Any] = {"begun": time.time()}
    cpu = time.process_time()
    measured |= JOBS[name](argument) or {}
    measured |= {"ended": time.time(), "cpu": time.process_time() - cpu}
    measured["seconds"] = measured["ended"] - measured["begun"]
    measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
