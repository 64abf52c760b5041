"""Why one reader gets or got a paper in a digest, or not: the whole account."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from django.db.models import Q

from subscriptions.models import Delivery, Item, Paper, Section, Subscriber

from .due import DAY, coming_days, days_between
from .interests import Followed, interests_of
from .select import Request, select_from, shelf_for
from .shelf import Shelf


@dataclass(frozen=True)
class Graded:
    """What one interest makes of the paper."""

    name: str
    weight: int
    standings: list[tuple[str, float, float]]
    """Each part: its name, how much it counts, deviations above past papers' mean."""
    grade: float
    """The mean of the standings, each by how much it counts."""
    reason: str
    """In the reader's words; empty where it is no match."""


@dataclass
class Account:
    """What decides about a paper, and what is or was decided."""

    days: tuple[dt.date, ...]
    listed: list[dt.date]
    """The days on which sources announced it, and on which editors picked it."""
    graded: list[Graded] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    """Why it cannot be in the digest, whatever its grade."""
    item: Item | None = None
    place: int = 0
    """Where it is among the papers of the digest, from 1."""


def account(subscriber: Subscriber, paper: Paper, now: dt.datetime) -> Account:
    """The account of a paper for the coming digest of a reader."""
    request = Request(subscriber, coming_days(subscriber, now))
    shelf = shelf_for([request])
    items = select_from(shelf, [request])[subscriber.pk].items
    return _account(request, paper, shelf, items, had_it(subscriber, paper))


def past_account(delivery: Delivery, paper: Paper) -> Account:
    """The account of a paper for a digest that was made.

    What was in it is as it was; all else is by the papers, interests and picks as they are now.
    """
    days = days_between(delivery.first_day - DAY, delivery.newest_day)
    request = Request(delivery.subscriber, days)
    before = [
        row for row in had_it(delivery.subscriber, paper) if row.newest_day < delivery.newest_day
    ]
    return _account(request, paper, shelf_for([request]), delivery.items, before)


def had_it(subscriber: Subscriber, paper: Paper) -> list[Delivery]:
    """The digests that a paper was in, the newest first, without those that were skipped."""
    rows = subscriber.deliveries.exclude(status=Delivery.Status.SKIPPED).order_by("-newest_day")
    return [row for row in rows if any(item["paper"] == paper.pk for item in row.items)]


def digest_about(subscriber: Subscriber, paper: Paper) -> Delivery | None:
    """The newest digest of a reader that covers a day on which the paper was to be had."""
    covered = [Q(first_day__lte=day, newest_day__gte=day) for day in _listed(paper)]
    if not covered:
        return None
    return subscriber.deliveries.filter(reduce(or_, covered)).order_by("-newest_day").first()


def _account(
    request: Request, paper: Paper, shelf: Shelf, items: Sequence[Item], before: Sequence[Delivery]
) -> Account:
    listed = _listed(paper)
    found = Account(request.days, listed, against=_against(paper, request.days, listed, before))
    place = shelf.places.get(paper.pk)
    interests = interests_of([request.subscriber.pk])[request.subscriber.pk]
    if place is not None:
        shelf.scored.score(interests)
        found.graded = [_graded(i, place, shelf) for i in interests if i.weight > 0]
        found.against += [
            f"the muted phrase “{interest.name}” stands in it"
            for interest in interests
            if interest.weight < 0 and place in shelf.scored.muted(interest)
        ]
    for number, item in enumerate(items, 1):
        if item["paper"] == paper.pk:
            found.item, found.place = item, number
    if found.item is None and place is not None:
        found.against += _crowded(shelf, interests, items, place)
        found.against += _not_asked_for(request, found, shelf, interests, place)
    return found


def _not_asked_for(
    request: Request, found: Account, shelf: Shelf, interests: Sequence[Followed], place: int
) -> list[str]:
    """What the reader's own choices have against a paper that is there for others."""
    against = []
    topics = {interest.topic for interest in interests if interest.weight > 0}
    picks = [only for day, paper, only in shelf.picks if paper == place and day in request.days]
    if (
        place not in shelf.listed(request.days)
        and picks
        and not any(not only or topics & only for only in picks)
    ):
        against.append("it is a pick for followers of other topics only")
    matches = any(graded.reason for graded in found.graded)
    if matches and Section.MATCHES in request.subscriber.sections_off:
        against.append(f"they want no “{Section.MATCHES.label}”")
    return against


def _crowded(
    shelf: Shelf, interests: Sequence[Followed], items: Sequence[Item], place: int
) -> list[str]:
    """Which papers of the digest it is too much beside, if any."""
    crowded_by = shelf.scored.crowding(interests)
    places = [shelf.places[i["paper"]] for i in items if i["paper"] in shelf.places]
    return [
        f"it is too much beside “{shelf.papers[other].title}”, which is in it"
        for other in places
        if place in crowded_by(other)
    ]


def _listed(paper: Paper) -> list[dt.date]:
    listed = paper.listings.values_list("day", flat=True)
    return sorted({*listed, *paper.picks.values_list("day", flat=True)})


def _against(
    paper: Paper, days: tuple[dt.date, ...], listed: list[dt.date], before: Sequence[Delivery]
) -> list[str]:
    found = []
    if paper.hidden != Paper.Hidden.NO:
        found.append(f"it is hidden: {paper.get_hidden_display()}")
    if not set(listed) & set(days):
        found.append(f"it is listed on {', '.join(map(str, listed)) or 'no day'}, on none of these")
    found += [f"it was in the digest up to {row.newest_day}" for row in reversed(before)]
    return found


def _graded(interest: Followed, place: int, shelf: Shelf) -> Graded:
    matches = place in shelf.scored.ranked(interest).papers
    reason = shelf.scored.reason(interest, place) if matches else ""
    standings, grade = shelf.scored.standings(interest, place), shelf.scored.grade(interest, place)
    return Graded(interest.name, interest.weight, standings, grade, reason)
