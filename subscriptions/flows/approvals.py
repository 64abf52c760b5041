"""What the first of two editors has approved: it holds while nobody changes what it was of."""

import datetime as dt
from collections.abc import Collection, Iterable

from django.db.models import Q

from subscriptions.models import Edition, Listing, Pick
from subscriptions.models.editions import EditionQuerySet


def touched(days: Iterable[dt.date]) -> None:
    """The first of two editors has approved other picks or words than these days have now."""
    _to_release(days).filter(approved_by__isnull=False).update(approved_by=None)


def days_of(papers: Collection[int]) -> set[dt.date]:
    """Those that papers are picked for or listed on."""
    picked = Pick.objects.filter(paper__in=papers).order_by().values_list("day")
    listed = Listing.objects.filter(paper__in=papers).order_by().values_list("day")
    return {day for (day,) in picked.union(listed)}


def lock(days: Collection[dt.date]) -> None:
    """Have no editor approve these days until the transaction is over.

    Before papers are locked, as an import locks its editions first: of the two one waits and
    never both. An open day that is not held is left to the imports: nobody can approve it.
    """
    free = Q(status=Edition.Status.OPEN, held_at=None, approved_by=None)
    rows = _to_release(days).exclude(free).order_by("day")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def _to_release(days: Iterable[dt.date]) -> EditionQuerySet:
    return Edition.objects.filter(day__in=days).exclude(status=Edition.Status.RELEASED)
