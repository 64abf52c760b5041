"""The one number that papers trend by."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from subscriptions.matching import trend
from subscriptions.matching.trend import DAYS_PER_FACTOR_TEN

votes = st.integers(0, 2**31 - 1)
days = st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 1))


@given(votes, votes, days)
def test_more_votes_rank_higher(one: int, other: int, day: dt.date) -> None:
    if one != other and max(one, other) < 10**6:
        assert (trend(one, day) < trend(other, day)) == (one < other)
    assert (trend(one, day) <= trend(other, day)) or one > other


@given(votes, days, days)
def test_a_later_day_ranks_higher(count: int, one: dt.date, other: dt.date) -> None:
    assert (trend(count, one) < trend(count, other)) == (one < other)


@given(st.integers(0, 10**6), days, st.integers(0, 20))
def test_the_order_of_two_papers_stays_as_time_passes(count: int, day: dt.date, shift: int) -> None:
    later = day + dt.timedelta(days=shift)
    gap = trend(count, later) - trend(0, later)
    assert abs(gap - (trend(count, day) - trend(0, day))) < 1e-9


def test_ten_times_the_votes_are_worth_five_days() -> None:
    day = dt.date(2025, 10, 6)
    later = day + dt.timedelta(days=DAYS_PER_FACTOR_TEN)
    assert abs(trend(99, day) - trend(9, later)) < 1e-9
    assert trend(-5, day) == trend(0, day)
