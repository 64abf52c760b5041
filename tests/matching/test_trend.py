"""The one number that papers trend by."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.matching import trend, usual_votes
from subscriptions.matching.trend import DAYS_PER_FACTOR_TEN, LEAST_COUNTS

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


@given(st.lists(st.integers(0, 500), min_size=LEAST_COUNTS), st.integers(2, 50), st.integers(0, 99))
def test_where_all_have_more_votes_each_counts_less(
    counts: list[int], times: int, place: int
) -> None:
    counts = [count + 1 for count in counts]
    one = counts[place % len(counts)]
    day = dt.date(2025, 10, 6)
    quiet, loud = usual_votes(counts), usual_votes([count * times for count in counts])
    assert trend(one, day, quiet) == pytest.approx(trend(one * times, day, loud))


def test_a_few_counts_do_not_tell_what_is_usual() -> None:
    assert usual_votes([]) == usual_votes([50] * (LEAST_COUNTS - 1)) == 1
    assert usual_votes([0] * LEAST_COUNTS) == 1
    assert usual_votes([50] * LEAST_COUNTS) == 50
