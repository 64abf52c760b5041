"""The limits of sending as an operator writes them."""

import datetime as dt

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from digest_service.limits import (
    NO_LIMIT,
    WarmUp,
    count,
    domain_limits,
    share,
    soft_bounces,
    warm_up,
)

FIRST = dt.date(2026, 12, 1)
schedules = st.builds(
    WarmUp,
    st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)),
    st.integers(1, NO_LIMIT - 1),
    st.floats(1, 10, exclude_min=True),
)


def test_a_warm_up_grows_until_it_is_over() -> None:
    schedule = warm_up("2026-12-01:500:1.5")
    assert schedule
    days = [FIRST + dt.timedelta(days=n) for n in (-30, 0, 1, 2, 7, 24, 25, 3_000_0)]
    assert [schedule.limit(day) for day in days] == [
        500, 500, 750, 1125, 8542, 8_417_056, None, None
    ]  # fmt: skip


@given(schedules, st.dates(dt.date(1990, 1, 1), dt.date(2400, 1, 1)))
def test_any_warm_up_begins_as_it_says_never_shrinks_and_never_stops_a_site(
    schedule: WarmUp, day: dt.date
) -> None:
    today, tomorrow = schedule.limit(day), schedule.limit(day + dt.timedelta(days=1))
    assert schedule.limit(schedule.first_day) == schedule.first
    assert today is None or 1 <= today <= NO_LIMIT
    assert tomorrow is None or (today is not None and today <= tomorrow)
    if day <= schedule.first_day:
        assert today == schedule.first


@given(schedules)
def test_a_warm_up_is_read_as_it_is_written(schedule: WarmUp) -> None:
    assert warm_up(f"{schedule.first_day}:{schedule.first}:{schedule.growth}") == schedule


@pytest.mark.parametrize(
    "text",
    ["2026-12-01", "2026-12-01:500", "1.12.2026:500:1.5", "2026-12-01:0:1.5", "2026-12-01:500:1",
     "2026-12-01:500:nan", "2026-12-01:500:50", "2026-12-01:many:1.5", ":::"],
)  # fmt: skip
def test_a_wrong_warm_up_is_told_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"WARM_UP is .*, as 2026-12-01:500:1\.5"):
        warm_up(text)


def test_limits_of_domains() -> None:
    assert warm_up("") is None and domain_limits([]) == {}
    assert domain_limits(["Gmail.com:20000", " bücher.example:5"]) == {
        "gmail.com": 20_000, "xn--bcher-kva.example": 5
    }  # fmt: skip


@pytest.mark.parametrize(
    "entries",
    [["gmail.com"], ["gmail.com:0"], ["gmail.com:-3"], ["gmail.com:1.5"], ["gmail:5"], [":5"],
     ["a b.com:5"], ["a.example:5", "A.example:6"], ["gmail.com:5:6"], [f"{'a' * 64}.com:5"]],
)  # fmt: skip
def test_wrong_limits_are_told_with_what_would_be_right(entries: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DOMAIN_LIMITS has .*, as gmail\.com:20000,"):
        domain_limits(entries)


def test_shares() -> None:
    assert (share("X", "0.003"), share("X", "0")) == (0.003, 0)
    for text in ("0.3%", "1", "5", "-0.1", "nan", "inf", "some"):
        with pytest.raises(ImproperlyConfigured, match=r"BRAKE_X is .*, as 0\.003 for 0\.3 %"):
            share("BRAKE_X", text)


def test_whole_numbers() -> None:
    assert count("X", "100", 1) == 100
    for text in ("x", "1.5", "0", "-3"):
        with pytest.raises(ImproperlyConfigured, match=r"BRAKE_LEAST is .*whole number from 1 up"):
            count("BRAKE_LEAST", text, 1)


def test_soft_bounces_are_two_at_least_and_within_what_a_weekly_reader_gets() -> None:
    assert soft_bounces("4", "30") == (4, 30)
    assert soft_bounces("2", "8") == (2, 8)
    with pytest.raises(ImproperlyConfigured, match=r"SOFT_BOUNCES is '1'; .*from 2 up"):
        soft_bounces("1", "30")
    for in_a_row, days, least in (("2", "7", 8), ("4", "21", 22), ("6", "30", 36)):
        with pytest.raises(ImproperlyConfigured, match=rf"SOFT_BOUNCE_DAYS is {days}.* {least} or"):
            soft_bounces(in_a_row, days)
