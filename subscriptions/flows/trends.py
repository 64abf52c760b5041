"""How papers trend, each source on its own scale; matching/trend.py has the formula."""

import datetime as dt
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Count, QuerySet

from subscriptions.matching import trend, usual_votes
from subscriptions.models import Listing, ListingVotes, Paper, Upvote

NEWEST_VOTES = 500
"""How many of a source's newest counts tell what is usual there."""
RECENT = dt.timedelta(days=14)
"""Papers are ranked against each other within a week or two."""

Usual = dict[str, float]
"""By source."""
Listed = tuple[str, dt.date, int]
"""A listing: its source, day, and votes there."""


def learn_usual(usual: Usual, sources: Iterable[str]) -> None:
    """Add the usual votes of sources that are not in yet."""
    for source in sources:
        if source not in usual:
            newest = ListingVotes.objects.filter(listing__source=source).order_by("-date", "-pk")
            usual[source] = usual_votes(list(newest.values_list("count", flat=True)[:NEWEST_VOTES]))


def most(listings: Collection[Listed], upvotes: int, usual: Usual) -> float:
    """The most of any listing of a paper, each on the scale of its source.

    The readers of this site are one more, on the newest day, where each of them counts.
    """
    if not listings:
        return 0.0
    newest = max(day for _, day, _ in listings)
    of_sources = (trend(n, day, usual[source] if n else 1) for source, day, n in listings)
    return max(trend(upvotes, newest), *of_sources)


def upvotes_of(papers: Collection[int]) -> dict[int, int]:
    """How many readers of this site voted for each paper; those without are left out."""
    counted = Upvote.objects.filter(paper__in=papers).values_list("paper")
    return dict(counted.annotate(Count("pk")).order_by())


def refresh(used: Usual, today: dt.date) -> None:
    """Count anew for recent papers where what is usual is no longer what a run ``used``."""
    now: Usual = {}
    learn_usual(now, used)
    if now == used:
        return
    voted = ListingVotes.objects.filter(listing__day__gte=today - RECENT)
    recount(Paper.objects.filter(pk__in=voted.values("listing__paper")), now)


def recount(papers: QuerySet[Paper], usual: Usual | None = None) -> None:
    """Count the trends of these papers anew: a fixed number of queries, and one a source."""
    usual = {} if usual is None else usual
    with transaction.atomic():
        locked = papers.select_for_update().order_by("pk").only("trend")
        found = {paper.pk: paper for paper in locked}
        of_paper: dict[int, list[Listed]] = {pk: [] for pk in found}
        listings = Listing.objects.filter(paper__in=found)
        rows = list(listings.values_list("pk", "paper", "source", "day"))
        votes = ListingVotes.objects.filter(listing__paper__in=found).order_by("date")
        counts = dict(votes.values_list("listing_id", "count"))
        learn_usual(usual, sorted({source for pk, _, source, _ in rows if counts.get(pk)}))
        for pk, of, source, day in rows:
            of_paper[of].append((source, day, counts.get(pk, 0)))
        upvotes = upvotes_of(found)
        now = {pk: most(listed, upvotes.get(pk, 0), usual) for pk, listed in of_paper.items()}
        changed = [paper for pk, paper in found.items() if paper.trend != now[pk]]
        for paper in changed:
            paper.trend = now[paper.pk]
        Paper.objects.bulk_update(changed, ["trend"], batch_size=500)
