"""How much a paper is being talked about, as one number that time does not change."""

import datetime as dt
import math
import statistics
from collections.abc import Sequence

DAYS_PER_FACTOR_TEN = 5.0
"""Of many votes, ten times as many rank with a paper announced this many days later."""
LEAST_COUNTS = 20
"""Fewer papers with votes do not tell what is usual."""


def trend(votes: int, day: dt.date, usual: float = 1) -> float:
    """log10(1 + votes / usual votes of the source) + age term, the higher the more current.

    The form of Reddit's "hot" rank (its open-source ``_sorts.pyx``): votes count by their
    logarithm, and a later day adds a constant instead of an older one decaying, so the
    order of two papers stays true as time passes. Reddit trades a factor of ten for 12.5
    hours; papers are read for days, so here it is five days.
    """
    return math.log10(1 + max(votes, 0) / usual) + day.toordinal() / DAYS_PER_FACTOR_TEN


def usual_votes(counts: Sequence[int]) -> float:
    """The scale of one source: the median of what its newest papers have, at least one.

    So a place where thousands vote does not outshout one where dozens do. What a source
    brought last sets it, however long ago: one that is late or stops keeps its scale.
    """
    return max(statistics.median(counts), 1) if len(counts) >= LEAST_COUNTS else 1
