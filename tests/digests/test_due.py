"""Decision 1 of the design: every released day is covered once, or was older than seven days."""

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from subscriptions.digests.due import plan
from subscriptions.digests.tick import begin, prepare
from subscriptions.flows.preferences import save_preferences
from subscriptions.models import Delivery, Edition, Subscriber
from tests.conftest import choices

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
ZONES = [
    "UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe",
    "Pacific/Kiritimati", "America/Sao_Paulo", "Pacific/Apia",
]  # fmt: skip

schedules = st.fixed_dictionaries(
    {
        "cadence": st.sampled_from(["daily", "weekly"]),
        "weekday": st.integers(0, 6),
        "hour": st.integers(0, 23),
        "timezone": st.sampled_from(ZONES),
    }
)
events = st.one_of(
    st.tuples(st.just("change"), schedules),
    st.tuples(st.just("pause"), st.integers(1, 12)),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("down"), st.integers(1, 200)),
)
# Around the last Sundays of March and October, when Europe's clocks change.
starts = st.sampled_from(
    [
        dt.datetime(2025, 3, 24, 3, 20, tzinfo=dt.UTC),
        dt.datetime(2025, 10, 20, 3, 20, tzinfo=dt.UTC),
    ]
)


def tick(now: dt.datetime) -> None:
    for chunk in begin(now):
        prepare(chunk, now)


def live(reader: Subscriber, now: dt.datetime, until: dt.datetime) -> None:
    """Tick at each of the reader's slots, as a clock that ticks all the time would."""
    while True:
        reader.refresh_from_db()
        slot = reader.next_digest_at
        if slot is None or slot > until:
            return
        tick(max(slot, now))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=starts,
    first=schedules,
    story=st.lists(st.tuples(st.integers(1, 60), events), max_size=6),
)
@pytest.mark.django_db
def test_every_released_day_once_or_older_than_seven_days(
    make_reader: Callable[..., Subscriber],
    start: dt.datetime,
    first: dict[str, Any],
    story: list[tuple[int, tuple[str, Any]]],
) -> None:
    Delivery.objects.all().delete()
    Subscriber.objects.all().delete()
    Edition.objects.all().delete()
    begin(start)
    reader = make_reader(at=start, phrases=("x",), **first)
    now, chosen = start, choices(phrases=("x",), **first)
    for hours, (kind, value) in [*story, (500, ("end", None))]:
        live(reader, now, now + hours * HOUR)
        now += hours * HOUR
        if kind == "down":
            now += value * HOUR
            tick(now)
        elif kind == "change":
            chosen = choices(phrases=("x",), **value)
            save_preferences(reader.pk, chosen, None, now)
        elif kind == "pause":
            save_preferences(reader.pk, chosen, now.date() + value * DAY, now)
        elif kind == "resume":
            save_preferences(reader.pk, chosen, None, now)
    check_coverage(reader)


def check_coverage(reader: Subscriber) -> None:
    reader.refresh_from_db()
    covered: dict[dt.date, dt.date] = {}
    windows = list(reader.deliveries.order_by("newest_day").values_list("first_day", "newest_day"))
    assert windows, "a reader of two weeks and more got nothing"
    for first_day, newest_day in windows:
        assert (newest_day - first_day).days < 7
        for n in range((newest_day - first_day).days + 1):
            day = first_day + n * DAY
            assert day not in covered, f"{day} was covered twice"
            covered[day] = newest_day
    # A day that no digest covered had fallen out of the week before the next one.
    for day in released_days(after=windows[0][0], last=windows[-1][1]):
        if day not in covered:
            following = min(newest for _, newest in windows if newest > day)
            assert (following - day).days >= 7, f"{day} was lost"


def released_days(after: dt.date, last: dt.date) -> list[dt.date]:
    days = Edition.objects.filter(status=Edition.Status.RELEASED, day__gte=after, day__lte=last)
    return list(days.values_list("day", flat=True))


MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)


def test_down_for_two_days_sends_one_digest(make_reader: Callable[..., Subscriber]) -> None:
    begin(MONDAY - DAY)
    reader = make_reader(cadence="daily", hour=8, phrases=("x",))
    tick(MONDAY)
    tick(MONDAY + 3 * DAY)
    windows = reader.deliveries.order_by("pk").values_list("first_day", "newest_day")
    assert list(windows) == [
        (dt.date(2025, 10, 6), dt.date(2025, 10, 12)),
        (dt.date(2025, 10, 13), dt.date(2025, 10, 15)),
    ]


def test_a_new_weekday_loses_no_day(make_reader: Callable[..., Subscriber]) -> None:
    """Moving Monday to Sunday on a Sunday: Monday comes once more, for the days till then."""
    begin(MONDAY - DAY)
    reader = make_reader(phrases=("x",))
    tick(MONDAY)
    sunday = MONDAY + 6 * DAY
    save_preferences(reader.pk, choices(weekday=6, phrases=("x",)), None, sunday)
    for n in range(1, 9):
        tick(sunday + n * DAY)
    newest = reader.deliveries.order_by("pk").values_list("newest_day", flat=True)
    assert list(newest) == [dt.date(2025, 10, day) for day in (12, 19, 25)]


@override_settings(EDITIONS_NEED_APPROVAL=True)
def test_an_unreleased_day_waits_a_day_then_what_is_released_goes_out(
    make_reader: Callable[..., Subscriber], make_paper: Callable[..., Any]
) -> None:
    begin(MONDAY - DAY)
    Edition.objects.release(dt.date(2025, 10, 11), MONDAY)
    reader = make_reader(phrases=("x",))
    slot = dt.datetime(2025, 10, 13, 8, tzinfo=dt.UTC)
    begin(MONDAY)
    make_paper("Tides", day=dt.date(2025, 10, 10))
    (first,) = plan([reader], slot)
    assert first.days == tuple(dt.date(2025, 10, day) for day in range(5, 11)), "waits for nothing"
    reader.covered_until = dt.date(2025, 10, 5)
    assert plan([reader], slot + 23 * HOUR) == []
    (lapsed,) = plan([reader], slot + 24 * HOUR)
    assert (lapsed.days[0], lapsed.days[-1]) == (dt.date(2025, 10, 6), dt.date(2025, 10, 11))
    assert lapsed.next_digest_at == slot + 6 * DAY, "on the last day that has the 12th"
    Edition.objects.release(dt.date(2025, 10, 12), MONDAY)
    (released,) = plan([reader], slot + 23 * HOUR)
    assert released.days[-1] == dt.date(2025, 10, 12)
    assert len(released.days) == 7


@settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(schedule=schedules, held_on=st.integers(1, 7), hours=st.integers(1, 144))
@example(schedule={"weekday": 0}, held_on=7, hours=34)  # Sunday, until Tuesday at ten
@pytest.mark.django_db
def test_a_hold_of_some_days_loses_none(
    make_reader: Callable[..., Subscriber], schedule: dict[str, Any], held_on: int, hours: int
) -> None:
    Subscriber.objects.all().delete()
    Edition.objects.all().delete()
    start = dt.datetime(2025, 11, 10, tzinfo=dt.UTC)
    begin(start - 8 * DAY)
    begin(start)
    reader = make_reader(at=start, phrases=("x",), **schedule)
    Subscriber.objects.update(covered_until=start - DAY)
    held = start.date() + (held_on - 1) * DAY
    for hour in range(24 * 24):
        now = start + hour * HOUR
        if now == start + held_on * DAY - HOUR:
            assert Edition.objects.hold(held, "x", now)
        if now == start + held_on * DAY + hours * HOUR:
            Edition.objects.update(held_at=None)
        if not hour % 24 or Subscriber.objects.due(now).exists():
            tick(now)
    windows = list(reader.deliveries.order_by("pk").values_list("first_day", "newest_day"))
    assert windows[0][0] == start.date()
    for (_, newest), (following, _) in pairwise(windows):
        assert following == newest + DAY
    reader.refresh_from_db()
    usual = reader.next_slot(start + 23 * DAY + 23 * HOUR)
    assert reader.next_digest_at == usual, "back to their own day"


@override_settings(EDITIONS_NEED_APPROVAL=True)
def test_daily_readers_of_an_editor_who_is_always_late_still_get_every_day(
    make_reader: Callable[..., Subscriber],
) -> None:
    begin(MONDAY - DAY)
    reader = make_reader(cadence="daily", hour=8, phrases=("x",))
    for hour in range(24 * 14):
        now = MONDAY + hour * HOUR
        begin(now)
        Edition.objects.release((now - 60 * HOUR).date(), now)  # 36 hours after a day's end
        tick(now)
    windows = list(reader.deliveries.order_by("pk").values_list("first_day", "newest_day"))
    assert windows[0][1] == dt.date(2025, 10, 11)
    assert len(windows) >= 6
    for (_, newest), (following, _) in pairwise(windows):
        assert following == newest + DAY


def test_a_change_while_a_digest_is_due_does_not_put_it_off(
    make_reader: Callable[..., Subscriber],
) -> None:
    begin(MONDAY - DAY)
    reader = make_reader(phrases=("x",))
    slot = dt.datetime(2025, 10, 13, 8, tzinfo=dt.UTC)
    save_preferences(reader.pk, choices(weekday=2, phrases=("x",)), None, slot + HOUR / 60)
    tick(MONDAY)
    reader.refresh_from_db()
    assert reader.covered_until == dt.date(2025, 10, 12)
    assert reader.next_digest_at == slot + 2 * DAY


def test_plans_take_a_fixed_number_of_queries(
    make_reader: Callable[..., Subscriber], django_assert_num_queries: Any
) -> None:
    readers = [make_reader(f"r{n}@example.org", phrases=("x",)) for n in range(20)]
    with django_assert_num_queries(2):  # one for those who had none yet
        plan(readers, MONDAY)
    for reader in readers:
        reader.covered_until = dt.date(2025, 10, 5)
    with django_assert_num_queries(1):
        plan(readers, MONDAY)
