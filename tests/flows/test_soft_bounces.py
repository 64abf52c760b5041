"""An address is given up for soft bounces only where nothing went through for long enough."""

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions.flows.bounces import apply_waiting
from subscriptions.flows.soft_bounces import soft_run
from subscriptions.models import Delivery, MailEvent, Subscriber, Suppression
from tests.conftest import MONDAY
from tests.flows.coming_back import DAY, came_back, digest

Make = Callable[..., Any]


class Step(NamedTuple):
    """A digest, some days after the one before, and what becomes of it."""

    gap: int
    outcome: str
    """sent, delivered, soft and ours at once, or late: a soft bounce of what had been sent."""


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader(at=MONDAY - DAY)
    return found


def play(reader: Subscriber, *steps: Step) -> list[bool]:
    """Whether the address was given up after each step, each a moment before the next."""
    now, given_up = MONDAY, []
    for gap, outcome in steps:
        now += gap * DAY
        made = digest(reader, now, "failed" if outcome in ("soft", "ours") else "sent")
        if outcome != "sent":
            told = "soft" if outcome == "late" else outcome
            came_back(reader, told, now + DAY / 2, made)
            came_back(reader, told, now + DAY / 2, made, key=f"again {made.pk}")
        apply_waiting(now + DAY / 2)
        given_up.append(Suppression.objects.has(reader.email))
    return given_up


SOFT, LATE, SENT, DELIVERED, OURS = (
    Step(7, outcome) for outcome in ("soft", "late", "sent", "delivered", "ours")
)
DAILY = Step(1, "soft")


@pytest.mark.parametrize(
    ("steps", "given_up"),
    [
        ([SOFT] * 4, [False, False, False, True]),
        ([LATE] * 4, [False, False, False, True]),
        ([SOFT, SOFT, OURS, SOFT, OURS], [False] * 5),
        ([SOFT, SOFT, OURS, SOFT, SOFT], [False, False, False, False, True]),
        ([SOFT, SOFT, SOFT, DELIVERED, SOFT], [False] * 5),
        ([SOFT, SOFT, SOFT, SENT, SOFT], [False] * 5),
        ([DAILY] * 7, [False] * 7),
        ([DAILY] * 8, [False] * 7 + [True]),
        ([SOFT, SOFT, SOFT, Step(17, "soft")], [False] * 4),
        ([OURS] * 8, [False] * 8),
        # What was handed over a day ago may come back yet.
        ([*[DAILY] * 3, Step(6, "sent"), Step(1, "soft")], [False] * 4 + [True]),
        ([*[DAILY] * 3, Step(4, "sent"), Step(5, "soft")], [False] * 5),
    ],
)
def test_in_a_row_for_a_week_and_within_a_month(
    reader: Subscriber, steps: list[Step], given_up: list[bool]
) -> None:
    assert play(reader, *steps) == given_up


def test_what_is_delivered_in_the_end_was_no_bounce(reader: Subscriber) -> None:
    play(reader, SOFT, SOFT, LATE)
    last = Delivery.objects.latest("pk")
    came_back(reader, "delivered", last.created_at + DAY, last)
    apply_waiting(last.created_at + DAY)
    assert soft_run(reader, last.created_at + DAY).length == 0
    # And the other way round: accepted first, then given back.
    came_back(reader, "soft", last.created_at + 2 * DAY, last)
    assert soft_run(reader, last.created_at + 2 * DAY).length == 3


@pytest.mark.parametrize("kind", ["soft", "ours"])
def test_what_was_sent_in_the_end_was_no_bounce(reader: Subscriber, kind: str) -> None:
    """Staff had what failed queued again. What comes back after that is of the second sending."""
    for n in range(4):
        at = MONDAY + 7 * n * DAY
        made = digest(reader, at, "failed")
        came_back(reader, kind, at, made)
        again = {"status": "sent", "last_attempt_at": at + DAY / 4, "sent_at": at + DAY / 4}
        Delivery.objects.filter(pk=made.pk).update(**again)
        apply_waiting(at + DAY)
        assert soft_run(reader, at + DAY).length == 0
    came_back(reader, "soft", at + DAY / 2, Delivery.objects.latest("pk"))
    assert soft_run(reader, at + DAY).length == 1
    earlier = Delivery.objects.order_by("pk")[2]
    came_back(reader, "soft", at, earlier)
    assert soft_run(reader, at + DAY).length == 2
    assert not Suppression.objects.exists()


def test_a_letter_that_is_delivered_clears(reader: Subscriber) -> None:
    play(reader, SOFT, SOFT, SOFT)
    now = MONDAY + 22 * DAY
    came_back(reader, "soft", now)
    assert soft_run(reader, now).length == 3, "only digests count"
    came_back(reader, "delivered", now + DAY)
    assert soft_run(reader, now + DAY).length == 0


def test_what_was_delivered_is_stored_only_of_whom_it_may_clear(
    make_reader: Make, django_assert_num_queries: Any
) -> None:
    """Else there is an event with every digest of every reader."""
    readers = [make_reader(f"r{n}@example.org", at=MONDAY - DAY) for n in range(6)]
    now = MONDAY + 40 * DAY
    came_back(readers[0], "soft", now - 29 * DAY)
    came_back(readers[1], "soft", now - 31 * DAY)
    came_back(readers[2], "ours", now - DAY)
    about = [
        MailEvent.about(reader, "delivered", MailEvent.Way.WEBHOOK, key=reader.email, now=now)
        for reader in readers
    ]
    softly = MailEvent.about(readers[3], "soft", MailEvent.Way.WEBHOOK, key="at once", now=now)
    with django_assert_num_queries(2):
        MailEvent.objects.note([*about, softly])
    delivered = MailEvent.objects.filter(kind="delivered")
    assert {event.subscriber for event in delivered} == {readers[0], readers[3]}


def test_the_limits_are_settings(reader: Subscriber, settings: Any) -> None:
    settings.SOFT_BOUNCES, settings.SOFT_BOUNCE_DAYS = 2, 14
    assert play(reader, SOFT, Step(15, "soft"), Step(14, "soft")) == [False, False, True]


def test_it_costs_as_many_queries_however_many_digests(
    reader: Subscriber, django_assert_num_queries: Any
) -> None:
    play(reader, *[OURS] * 3, SOFT, SOFT)
    now = MONDAY + 40 * DAY
    with django_assert_num_queries(2):
        assert soft_run(reader, now).length == 2


def owed(tries: list[tuple[dt.datetime, str]], now: dt.datetime) -> bool:
    """Whether an address is to be given up now, as the operator's guide says it."""
    for n in range(len(tries)):
        span = tries[n:]
        soft = [at for at, outcome in span if outcome in ("soft", "late")]
        through = any(
            outcome == "delivered" or (outcome == "sent" and at <= now - 5 * DAY)
            for at, outcome in span
        )
        if not through and len(soft) >= 4 and 7 * DAY <= soft[-1] - soft[0] <= 30 * DAY:
            return True
    return False


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.builds(
            Step,
            st.sampled_from([1, 2, 3, 7, 7, 7, 12]),
            st.sampled_from(["soft", "soft", "late", "late", "sent", "delivered", "ours"]),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_never_too_soon_and_always_in_time(
    make_reader: Make, steps: list[Step], complains: bool
) -> None:
    with transaction.atomic():
        reader = make_reader(at=MONDAY - DAY)
        given_up = play(reader, *steps)
        tries: list[tuple[dt.datetime, str]] = []
        expected, now = False, MONDAY
        for (gap, outcome), found in zip(steps, given_up, strict=True):
            now += gap * DAY
            tries.append((now, outcome))
            expected = expected or (outcome in ("soft", "late") and owed(tries, now + DAY / 2))
            assert found == expected, tries
        if complains:
            came_back(reader, "complaint", now + DAY)
            apply_waiting(now + DAY)
        reader.refresh_from_db()
        status = "complained" if complains else "bounced" if expected else "active"
        assert reader.status == status
        assert not MailEvent.objects.waiting().exists()
        transaction.set_rollback(True)
