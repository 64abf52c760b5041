"""How far sending is, in few queries that an index serves."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.admin import paging
from subscriptions.digests.progress import Progress, in_words, progress
from subscriptions.digests.settle import pause, retry_failed, settle
from subscriptions.models import Delivery, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
DAY = dt.date(2025, 10, 12)
SECOND = dt.timedelta(seconds=1)

Make = Callable[..., Any]


@pytest.fixture
def make_deliveries(make_reader: Make) -> Make:
    """Some deliveries in one state, each of a reader of its own."""
    numbers = count()

    def make(rows: int, status: str, day: dt.date = DAY, **fields: object) -> None:
        if status == "sent":
            fields.setdefault("sent_at", NOW)
        for _ in range(rows):
            Delivery.objects.create(
                subscriber=make_reader(f"r{next(numbers)}@example.org"),
                first_day=day, newest_day=day, status=status, created_at=NOW, **fields,
            )  # fmt: skip

    return make


def test_nothing_was_queued_yet(db: None) -> None:
    nothing = progress(NOW)
    assert (nothing.day, nothing.total, nothing.percent, nothing.done) == (None, 0, 0, True)
    assert (nothing.pace, nothing.pause) == ("", None)


def test_the_newest_edition_and_what_older_ones_have_left(make_deliveries: Make) -> None:
    make_deliveries(1, "sent", sent_at=NOW - 61 * SECOND)
    make_deliveries(6, "sent", sent_at=NOW - 59 * SECOND)
    make_deliveries(3, "queued")
    make_deliveries(2, "deferred", retry_at=NOW)
    make_deliveries(1, "failed")
    before = DAY - dt.timedelta(days=1)
    make_deliveries(4, "sent", before)
    make_deliveries(2, "queued", before)
    make_deliveries(1, "in_doubt", before - dt.timedelta(days=1))
    make_deliveries(1, "failed", before)
    now = progress(NOW)
    assert now.day == DAY
    assert now.counts == {"sent": 7, "failed": 1, "deferred": 2, "queued": 3}
    assert list(now.counts) == ["sent", "failed", "deferred", "queued"], "as they are shown"
    assert now.older == {"queued": 2, "in_doubt": 1}
    assert (now.total, now.open, now.percent) == (13, 5, 61)
    assert (now.last_minute, now.rate) == (6, 0.1)
    assert now.time_left == 50 * SECOND
    assert now.pace == "6 a minute, about 50 s left"
    assert not now.done


@pytest.mark.parametrize(
    ("newest", "older", "done"),
    [
        ("queued", "sent", False),
        ("claimed", "sent", False),
        ("sent", "deferred", False),
        ("sent", "failed", True),
        ("in_doubt", "in_doubt", True),
        ("skipped", "sent", True),
    ],
)
def test_done_is_when_nothing_is_open(newest: str, older: str, done: bool) -> None:
    now = Progress(
        DAY, {Delivery.Status(newest): 1}, {Delivery.Status(older): 1}, last_minute=0, pause=None
    )
    assert now.done is done
    assert now.time_left is None, "nothing was sent in the last minute"


def test_a_hundred_percent_is_only_said_at_the_end() -> None:
    counts = {Delivery.Status.SENT: 9_999, Delivery.Status.QUEUED: 1}
    assert Progress(DAY, counts, {}, 0, None).percent == 99
    assert Progress(DAY, {Delivery.Status.SENT: 10_000}, {}, 0, None).percent == 100


def test_the_pause_is_told_and_no_end_is(make_deliveries: Make) -> None:
    make_deliveries(1, "sent")
    make_deliveries(1, "queued")
    assert progress(NOW).pace
    pause("the server refused the login", NOW)
    now = progress(NOW + SECOND)
    told = now.pause
    assert told is not None and not now.pace
    assert (told.reason, told.since) == ("the server refused the login", NOW)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (3570, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_a_span_in_words(seconds: float, words: str) -> None:
    assert in_words(dt.timedelta(seconds=seconds)) == words


def test_four_queries_however_much_there_is(make_deliveries: Make) -> None:
    make_deliveries(1, "queued")
    for day in range(3):
        make_deliveries(2, "in_doubt", DAY - dt.timedelta(days=day))
        with CaptureQueriesContext(connection) as captured:
            progress(NOW)
        assert len(captured) == 4


@pytest.fixture
def many(db: None) -> Iterator[None]:
    """300 readers with 100 deliveries each: enough for PostgreSQL to weigh its plans."""
    Subscriber.objects.bulk_create(
        Subscriber(
            email=f"r{n}@example.org", status="active", next_digest_at=NOW, consent_version="1",
            consent_asked_at=NOW, confirmed_at=NOW,
        )
        for n in range(300)
    )  # fmt: skip
    readers = list(Subscriber.objects.values_list("pk", flat=True))
    Delivery.objects.bulk_create(
        (
            Delivery(
                subscriber_id=reader, first_day=day, newest_day=day, created_at=NOW,
                status="sent" if reader % 50 else ("queued", "in_doubt", "failed")[n % 3],
                sent_at=NOW if reader % 50 else None, last_attempt_at=NOW,
            )
            for n, day in enumerate(DAY - dt.timedelta(days=n) for n in reversed(range(100)))
            for reader in readers
        ),
        batch_size=5000,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscriptions_delivery")
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.postgresql
def test_no_query_reads_the_whole_table(many: None, admin_client: Client) -> None:
    page = reverse("admin:subscriptions_delivery_changelist")

    def look(query: str = "") -> None:
        assert admin_client.get(page + query).status_code == 200

    looks: list[Callable[[], object]] = [
        lambda: progress(NOW),
        lambda: retry_failed(),
        lambda: call_command("deliveries", "--last=50"),
        look,
        lambda: look("?status__exact=in_doubt"),
        lambda: look(f"?status__exact=failed&day={DAY}"),
        lambda: look("?q=r7@example.org"),
        lambda: settle([b"digest-1@localhost"], NOW),
    ]
    for act in looks:
        with CaptureQueriesContext(connection) as captured:
            act()
        for query in captured:
            sql = query["sql"]
            if f"LIMIT {paging.MOST + 1}" in sql:  # a count that stops there
                continue
            if "subscriptions_delivery" not in sql or not sql.startswith(("SELECT", "UPDATE", "(")):
                continue
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql)
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on subscriptions_delivery" not in plan, f"{sql}\n{plan}"
            by_key = "using subscriptions_delivery_pkey" in plan
            assert not by_key or "Limit" in plan or "Index Cond" in plan, f"{sql}\n{plan}"
