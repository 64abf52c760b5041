"""How papers trend, each source on its own scale; matching/trend.py has the formula."""

import datetime as dt
from collections.abc import Iterable

from subscriptions.matching import trend, usual_votes
from subscriptions.models import Listing, ListingVotes, Paper

NEWEST_VOTES = 500
"""How many of a source's newest counts tell what is usual there."""
RECENT = dt.timedelta(days=14)
"""Papers are ranked against each other within a week or two."""

Usual = dict[str, float]
"""By source."""


def learn_usual(usual: Usual, sources: Iterable[str]) -> None:
    """Add the usual votes of sources that are not in yet."""
    for source in sources:
        if source not in usual:
            newest = ListingVotes.objects.filter(listing__source=source).order_by("-date", "-pk")
            usual[source] = usual_votes(list(newest.values_list("count", flat=True)[:NEWEST_VOTES]))


def refresh(used: Usual, today: dt.date) -> None:
    """Count anew for recent papers where what is usual is no longer what a run ``used``."""
    now: Usual = {}
    learn_usual(now, used)
    if now == used:
        return
    voted = ListingVotes.objects.filter(listing__day__gte=today - RECENT)
    papers = Paper.objects.filter(pk__in=voted.values("listing__paper")).in_bulk()
    listings = Listing.objects.filter(paper__in=papers).values_list("pk", "paper", "source", "day")
    learn_usual(now, sorted({source for *_, source, _ in listings}))
    votes = ListingVotes.objects.filter(listing__paper__in=papers).order_by("date")
    counts = dict(votes.values_list("listing_id", "count"))
    best: dict[int, float] = {}
    for listing, pk, source, day in listings:
        found = trend(counts.get(listing, 0), day, now[source])
        best[pk] = max(found, best.get(pk, found))
    changed = [paper for paper in papers.values() if paper.trend != best[paper.pk]]
    for paper in changed:
        paper.trend = best[paper.pk]
    Paper.objects.bulk_update(changed, ["trend"], batch_size=500)
