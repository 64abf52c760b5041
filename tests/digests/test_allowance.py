"""How many messages go to a domain in a day, and what becomes of those that must wait."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from digest_service.limits import WarmUp
from subscriptions import tasks
from subscriptions.digests.allowance import uses
from subscriptions.digests.settle import pause_domain, resume_domain
from subscriptions.digests.tick import begin, prepare
from subscriptions.models import Allowance, Delivery, DomainDay
from tests.delivery.conftest import serve
from tests.digests.conftest import NOW

Make = Callable[..., Any]
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
MIDNIGHT = dt.datetime(2025, 10, 14, tzinfo=dt.UTC)

__all__ = ["serve"]


@pytest.fixture
def queue(make_reader: Make, make_paper: Make) -> Callable[..., list[Delivery]]:
    """Queue a digest for each address, in turn."""

    def make(*addresses: str) -> list[Delivery]:
        make_paper("Robot arms", votes=5)
        for address in addresses:
            make_reader(address, phrases=("robot arms",))
        for chunk in begin(NOW):
            prepare(chunk, NOW)
        return list(Delivery.objects.order_by("pk"))

    return make


def send(now: dt.datetime = NOW) -> None:
    with time_machine.travel(now, tick=False):
        tasks.send_queued.delay()


def states() -> Iterator[tuple[str, int, str]]:
    """Status, attempts and the domain of each delivery."""
    for row in Delivery.objects.select_related("subscriber").order_by("pk"):
        yield row.status, row.attempts, row.subscriber.email.partition("@")[2]


def addresses(domain: str, count: int) -> list[str]:
    return [f"r{n}@{domain}" for n in range(count)]


def counted() -> dict[str, int]:
    return dict(DomainDay.objects.values_list("domain", "sent"))


def test_what_is_sent_is_counted_by_domain(queue: Any, serve: Any) -> None:
    queue("a@one.example", "b@ONE.example", "c@two.example", "d@two.example")
    serve({("RCPT", 0): ["250 ok", "250 ok", "250 ok", "550 5.1.1 nobody"]})
    send()
    assert counted() == {"one.example": 2, "two.example": 1}
    assert DomainDay.objects.values_list("day", flat=True).distinct().get() == NOW.date()
    assert not Allowance.objects.exists()


def test_counting_is_one_statement_a_claim_and_limits_that_are_not_set_cost_nothing(
    queue: Any, serve: Any, settings: Any
) -> None:
    settings.DELIVERY_WINDOW = 2
    queue(*addresses("one.example", 3), *addresses("two.example", 5), *addresses("x.example", 6))
    serve()
    with CaptureQueriesContext(connection) as captured:
        send()
    tables = Counter(
        table
        for query in captured
        for table in ("domainday", "domainpause", "allowance")
        if f"subscriptions_{table}" in query["sql"]
    )
    assert tables == {"domainday": 1, "domainpause": 1}
    assert counted() == {"one.example": 3, "two.example": 5, "x.example": 6}


def test_no_more_than_a_days_most_goes_to_a_domain_and_the_oldest_go_first(
    queue: Any, serve: Any, settings: Any
) -> None:
    settings.DOMAIN_LIMITS = {"big.example": 2}
    rows = queue(*addresses("big.example", 5), "x@small.example")
    server = serve()
    send()
    assert list(states()) == [
        *[("sent", 1, "big.example")] * 2,
        *[("deferred", 0, "big.example")] * 3,
        ("sent", 1, "small.example"),
    ]
    assert counted() == {"big.example": 2, "small.example": 1}
    waits = Delivery.objects.filter(status="deferred").order_by("pk")
    assert {row.last_reply for row in waits} == {
        "2 messages are the most of a day to big.example; goes on at 00:00 UTC"
    }
    assert {row.retry_at for row in waits} == {MIDNIGHT}
    assert [str(use) for use in uses(NOW)] == ["big.example: 2 of 2 today, 3 put off"]

    send(MIDNIGHT - HOUR)
    assert len(server.messages) == 3, "not before the next day"
    send(MIDNIGHT)
    send(MIDNIGHT + DAY)
    sent = Delivery.objects.filter(subscriber__email__endswith="big.example").order_by("sent_at")
    assert [row.pk for row in sent] == [row.pk for row in rows[:5]]
    assert [row.sent_at for row in sent] == [NOW, NOW, *[MIDNIGHT] * 2, MIDNIGHT + DAY]
    assert set(sent.values_list("attempts", flat=True)) == {1}


def test_those_that_waited_longest_go_before_what_is_new(
    queue: Any, serve: Any, settings: Any, make_reader: Make
) -> None:
    """A domain with more than a day's most every day gets its digests late, and in their order."""
    settings.DOMAIN_LIMITS = {"big.example": 20}
    settings.DELIVERY_WINDOW = 1  # ten are claimed at once
    old = queue(*addresses("big.example", 60))
    serve()
    send()
    assert set(Delivery.objects.filter(status="deferred").values_list("retry_at")) == {(MIDNIGHT,)}
    for n in range(30):
        reader = make_reader(f"new{n}@big.example", phrases=("robot arms",))
        newest = MIDNIGHT.date()
        Delivery.objects.create(
            subscriber=reader, first_day=newest, newest_day=newest, items=old[0].items,
            created_at=MIDNIGHT,
        )  # fmt: skip
    send(MIDNIGHT)
    assert list(Delivery.objects.filter(sent_at=MIDNIGHT).order_by("pk")) == old[20:40]
    send(MIDNIGHT + DAY)
    assert list(Delivery.objects.filter(sent_at=MIDNIGHT + DAY).order_by("pk")) == old[40:]


def test_what_was_not_sent_is_given_back_and_what_is_in_doubt_is_not(
    queue: Any, serve: Any, settings: Any
) -> None:
    settings.DOMAIN_LIMITS = {"big.example": 3}
    queue(*addresses("big.example", 6))
    refusals = ["550 5.1.1 nobody", "450 4.2.1 later"]
    server = serve({("RCPT", 0): refusals, ("END", 0): ["drop"]})
    send()
    assert [status for status, *_ in states()] == [
        "failed", "deferred", "in_doubt", "deferred", "deferred", "deferred"
    ]  # fmt: skip
    assert Allowance.objects.get().used == 1
    send(NOW + HOUR)
    assert len(server.messages) == 1 and Allowance.objects.get().used == 2
    assert counted() == {"big.example": 1}


def test_a_server_that_cannot_be_reached_uses_nothing(queue: Any, settings: Any) -> None:
    settings.DOMAIN_LIMITS = {"big.example": 3}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    queue(*addresses("big.example", 2))
    send()
    assert (Allowance.objects.get().used, counted()) == (0, {})


def test_a_new_sender_grows_day_by_day(queue: Any, serve: Any, settings: Any) -> None:
    settings.WARM_UP = WarmUp(NOW.date(), 2, 2.0)
    queue(*addresses("a.example", 4), *addresses("b.example", 8))
    server = serve()
    sent = []
    for days in range(3):
        before = len(server.messages)
        send((MIDNIGHT + HOUR if days else NOW) + max(days - 1, 0) * DAY)
        sent.append(len(server.messages) - before)
    assert sent == [2, 4, 6]
    assert {use.most for use in uses(NOW)} == {2}


def test_both_limits_hold(queue: Any, serve: Any, settings: Any) -> None:
    settings.WARM_UP = WarmUp(NOW.date(), 3, 2.0)
    settings.DOMAIN_LIMITS = {"a.example": 1}
    queue(*addresses("a.example", 4), *addresses("b.example", 4))
    serve()
    send()
    assert counted() == {"a.example": 1, "b.example": 2}
    assert [(use.domain, use.used, use.waiting) for use in uses(NOW)] == [
        ("", 3, 2), ("a.example", 1, 3)
    ]  # fmt: skip
    reply = Delivery.objects.order_by("pk").values_list("last_reply", flat=True)
    assert reply[7] == "3 messages are the most of this day of the warm-up; goes on at 00:00 UTC"
    assert reply[1] == "1 message is the most of a day to a.example; goes on at 00:00 UTC"


def test_nothing_goes_to_a_domain_that_pauses_and_nothing_is_lost(queue: Any, serve: Any) -> None:
    queue(*addresses("big.example", 3), "x@small.example")
    server = serve()
    pause_domain("big.example", "they asked", NOW)
    send()
    assert [status for status, *_ in states()] == ["deferred"] * 3 + ["sent"]
    waits = Delivery.objects.filter(status="deferred")
    assert set(waits.values_list("attempts", "retry_at", "last_reply")) == {
        (0, NOW + HOUR, "sending to big.example is paused")
    }
    with CaptureQueriesContext(connection) as captured:
        send(NOW + HOUR / 2)
    assert not any(query["sql"].startswith("UPDATE") for query in captured), (
        "they are not looked at"
    )
    send(NOW + HOUR)
    assert set(waits.values_list("retry_at", flat=True)) == {NOW + 2 * HOUR}
    assert resume_domain("big.example", NOW + HOUR) and not resume_domain("big.example", NOW + HOUR)
    send(NOW + HOUR)
    assert len(server.messages) == 4
    assert {attempts for _, attempts, _ in states()} == {1}


def test_those_behind_a_domain_that_pauses_do_not_wait_for_it(
    queue: Any, serve: Any, settings: Any
) -> None:
    settings.DELIVERY_WINDOW = 1
    queue(*addresses("big.example", 35), "x@small.example")
    pause_domain("big.example", "they asked", NOW)
    server = serve()
    send()
    assert [message.rcpt for message in server.messages] == ["RCPT TO:<x@small.example>"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_never_take_more_than_there_is() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    limits = {"": 50, "a.example": 30, "b.example": 15}
    day = NOW.date()

    def work(number: int) -> Counter[str]:
        taken: Counter[str] = Counter()
        domains = ["a.example", "b.example", "c.example"][:: 1 if number % 2 else -1]
        try:
            for _ in range(12):
                full = Allowance.objects.take(day, limits, domains)
                got = [name for name, no in zip(domains, full, strict=True) if no is None]
                taken.update(got)
                if number == 0 and got:  # this one sends nothing
                    back = Counter(name for name in got if name in limits) + Counter({"": len(got)})
                    Allowance.objects.give_back(day, back)
                    taken.subtract(got)
        finally:
            connections.close_all()
        return taken

    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(work, range(4)), Counter())
    used = dict(Allowance.objects.values_list("domain", "used"))
    assert sum(total.values()) == used[""] == 50
    assert total["a.example"] == used["a.example"] <= 30
    assert total["b.example"] == used["b.example"] <= 15
