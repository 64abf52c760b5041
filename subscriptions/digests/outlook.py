"""The look ahead: which topics the newest days' papers match, and how many readers get them."""

import datetime as dt
import hashlib
from collections import Counter

from django.db import transaction
from django.db.models import Count, F, Min

from subscriptions.models import (
    WINDOW_DAYS,
    Edition,
    EditionReport,
    Paper,
    Pick,
    Subscriber,
    Topic,
    TopicMatch,
)
from subscriptions.models.bulk import insert

from .display import papers_between
from .due import days_between
from .select import Request, select_from
from .shelf import Days, Shelf
from .topics import Match, match_topics

EVERY = dt.timedelta(minutes=10)
SAMPLE = 500
"""Of more active readers, about so many stand for all."""


def due(now: dt.datetime) -> bool:
    """Whether something has changed since the last look: one query, after ten minutes four.

    Papers that came, went or were revised, picks, topics, or the day; not the readers.
    """
    days = _days(now)
    reports = EditionReport.objects.filter(edition__day=days[-1])
    last = reports.values_list("made_at", "figures").first()
    if last and last[0] > now - EVERY:
        return False
    return last is None or last[1] != {"state": _state(days)}


def look_ahead(now: dt.datetime) -> bool:
    """Store the topics and the reach of each paper of the newest seven days, today included.

    Released or not. ``Paper.reach`` is in how many digests of active readers it would be, if
    each had their next one when today is over: all days that they have had no digest of, up
    to today. Where there are many readers, it is scaled from a sample. The look is noted in
    the report of today's edition; False where another was less than ten minutes ago.
    """
    days = _days(now)
    edition = Edition.objects.filter(day=days[-1]).values_list("pk", flat=True).first()
    if edition is None or not EditionReport.objects.claim(edition, now - EVERY, now):
        return False
    state = _state(days)  # before the papers are read: what changes meanwhile is seen next
    shelf = Shelf(days[0], days[-1])
    matches = match_topics(shelf, list(Topic.objects.offered()), range(len(shelf.papers)))
    _store(shelf, days, matches, _reach(shelf, days))
    EditionReport.objects.keep(edition, {"state": state}, now)
    return True


def _days(now: dt.datetime) -> Days:
    today = now.astimezone(dt.UTC).date()
    return days_between(today - dt.timedelta(days=WINDOW_DAYS), today)


def _state(days: Days) -> str:
    """Differs once a look would find something else: three queries."""
    topics = Topic.objects.offered().order_by("pk")
    picks = Pick.objects.filter(day__range=(days[0], days[-1])).order_by("pk", "topics")
    seen = (
        days,
        papers_between(days[0], days[-1]),
        list(topics.values_list("pk", "description", "phrases", "categories")),
        list(picks.values_list("pk", "day", "position", "topics")),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _reach(shelf: Shelf, days: Days) -> dict[int, int]:
    """By paper, how many active readers would get it."""
    readers, each = _sample()
    open_days = {
        reader: tuple(day for day in days if day > (reader.covered_until or dt.date.min))
        for reader in readers
    }
    requests = [Request(reader, theirs) for reader, theirs in open_days.items() if theirs]
    chosen = select_from(shelf, requests).values()
    counts = Counter(item["paper"] for found in chosen for item in found.items)
    return {paper: round(count * each) for paper, count in counts.items()}


def _sample() -> tuple[list[Subscriber], float]:
    """Active readers, spread evenly over all by pk, and how many each of them stands for."""
    active = Subscriber.objects.filter(status=Subscriber.Status.ACTIVE)
    all_of_them = active.aggregate(count=Count("pk"), first=Min("pk"))
    count, first = all_of_them["count"], all_of_them["first"] or 0
    step = -(-count // SAMPLE) or 1
    some = active.alias(place=(F("pk") - first) % step).filter(place=0)
    readers = list(some.only("covered_until", "max_papers", "sections_off"))
    return readers, count / max(len(readers), 1)


def _store(
    shelf: Shelf, days: Days, matches: dict[int, list[Match]], reach: dict[int, int]
) -> None:
    """All at once, so that nobody sees half of it; what is hidden since reaches nobody."""
    rows = [
        TopicMatch(topic_id=topic, paper_id=paper, score=score, words=words[:200])
        for topic, found in matches.items()
        for paper, score, words in found
    ]
    changed = [paper for paper in shelf.papers if paper.reach != reach.get(paper.pk, 0)]
    for paper in changed:
        paper.reach = reach.get(paper.pk, 0)
    listed = Paper.objects.listed_between(days[0], days[-1])
    gone = listed.exclude(hidden=Paper.Hidden.NO).filter(reach__gt=0)
    with transaction.atomic():
        pks = {paper.pk for paper in changed}.union(gone.values_list("pk", flat=True))
        papers = Paper.objects.filter(pk__in=pks)
        # All in order, as an import does, so that of the two one waits and never both.
        list(papers.order_by("pk").select_for_update(no_key=True).values_list("pk"))
        Paper.objects.bulk_update(changed, ["reach"], batch_size=1000)
        papers.exclude(hidden=Paper.Hidden.NO).filter(reach__gt=0).update(reach=0)
        TopicMatch.objects.filter(paper__in=shelf.pks).delete()
        insert(rows)
