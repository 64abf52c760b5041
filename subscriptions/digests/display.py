"""The newest released days as a shelf that the pages of one process share."""

import datetime as dt
import threading
from typing import Any, NamedTuple

from django.db.models import Count, Max, Sum, Value

from subscriptions.models import Edition, Listing, Paper, Pick

from .shelf import Days, Shelf

SCORING = threading.Lock()
"""Held from ``shelf.scored.score`` to the last reason that is asked of it: threads share it."""

_BUILDING = threading.Lock()
_NEVER = dt.date(1970, 1, 1)


class _Kept(NamedTuple):
    shelf: Shelf
    days: Days
    state: object
    """Of the papers of these days; see ``papers_between``."""


_kept: _Kept | None = None


def newest_shelf() -> tuple[Shelf, Days]:
    """The shelf of the newest released week that has papers, and its days, in order.

    Two queries where nothing has changed since the last call in this process: which days are
    released, and which papers are listed and picked on them. What grows by the hour, as votes
    do, is as it was when the shelf was made. Who comes while it is made anew gets the last one.
    """
    global _kept
    days = Edition.objects.newest_week()
    first, last = (days[0], days[-1]) if days else (_NEVER, _NEVER)
    state = papers_between(first, last)
    kept = _kept
    if kept and (kept.days, kept.state) == (days, state):
        return kept.shelf, kept.days
    if not _BUILDING.acquire(blocking=kept is None) and kept:
        return kept.shelf, kept.days
    try:
        if _kept is None or (_kept.days, _kept.state) != (days, state):
            _kept = _Kept(Shelf(first, last, pages=True), days, state)
        return _kept.shelf, _kept.days
    finally:
        _BUILDING.release()


def papers_between(first: dt.date, last: dt.date) -> list[tuple[Any, ...]]:
    """Differs once a paper came, was hidden, merged into another, revised or picked."""

    def sums(model: type[Listing] | type[Pick]) -> Any:
        rows = model._default_manager.filter(day__range=(first, last))
        return (
            rows.filter(paper__hidden=Paper.Hidden.NO)
            .order_by()
            .values(of=Value(model.__name__))
            .annotate(n=Count("pk"), last=Max("pk"), all=Sum("paper"), v=Sum("paper__version"))
            .values_list("of", "n", "last", "all", "v")
        )

    return sorted(sums(Listing).union(sums(Pick), all=True), key=str)
