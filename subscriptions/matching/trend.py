"""How much a paper is being talked about, as one number that never needs refreshing."""

import datetime as dt
import math

DAYS_PER_FACTOR_TEN = 5.0
"""A paper with ten times the votes ranks with one announced this many days later."""


def trend(votes: int, day: dt.date) -> float:
    """log10(1 + votes) + age term, the higher the more current.

    The form of Reddit's "hot" rank (its open-source ``_sorts.pyx``): votes count by their
    logarithm, and a later day adds a constant instead of an older one decaying, so the
    order of two papers stays true as time passes. Reddit trades a factor of ten for 12.5
    hours; papers are read for days, so here it is five days.
    """
    return math.log10(1 + max(votes, 0)) + day.toordinal() / DAYS_PER_FACTOR_TEN
