"""Why one reader gets a paper in their coming digest, or does not: the whole account."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from subscriptions.models import Delivery, Item, Paper, Subscriber

from .due import coming_days
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
    """What decides about a paper, and what is decided."""

    days: tuple[dt.date, ...]
    graded: list[Graded] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    """Why it cannot be in the digest, whatever its grade."""
    item: Item | None = None
    place: int = 0
    """Where it is among the papers of the digest, from 1."""


def account(subscriber: Subscriber, paper: Paper, now: dt.datetime) -> Account:
    """The account of a paper for the coming digest of a reader."""
    days = coming_days(subscriber, now)
    requests = [Request(subscriber, days)]
    found = Account(days, against=_against(subscriber, paper, days))
    shelf = shelf_for(requests)
    interests = interests_of([subscriber.pk])[subscriber.pk]
    if paper.pk in shelf.places:
        shelf.scored.score(interests)
        place = shelf.places[paper.pk]
        found.graded = [_graded(i, place, shelf) for i in interests if i.weight > 0]
        found.against += [
            f"the muted phrase “{interest.name}” stands in it"
            for interest in interests
            if interest.weight < 0 and place in shelf.scored.muted(interest)
        ]
    items = select_from(shelf, requests)[subscriber.pk].items
    for number, item in enumerate(items, 1):
        if item["paper"] == paper.pk:
            found.item, found.place = item, number
    if found.item is None and paper.pk in shelf.places:
        found.against += _crowded(shelf, interests, items, shelf.places[paper.pk])
    return found


def _crowded(
    shelf: Shelf, interests: Sequence[Followed], items: Sequence[Item], place: int
) -> list[str]:
    """Which papers of the digest it is too much beside, if any."""
    crowded_by = shelf.scored.crowding(interests)
    places = [shelf.places[item["paper"]] for item in items]
    return [
        f"it is too much beside “{shelf.papers[other].title}”, which is in it"
        for other in places
        if place in crowded_by(other)
    ]


def _against(subscriber: Subscriber, paper: Paper, days: tuple[dt.date, ...]) -> list[str]:
    found = []
    if paper.hidden != Paper.Hidden.NO:
        found.append(f"it is hidden: {paper.get_hidden_display()}")
    listed = sorted(set(paper.listings.values_list("day", flat=True)))
    if not (set(listed) & set(days) or paper.picks.filter(day__in=days).exists()):
        found.append(f"it is listed on {', '.join(map(str, listed)) or 'no day'}, on none of these")
    sent = Delivery.objects.filter(subscriber=subscriber).exclude(status=Delivery.Status.SKIPPED)
    for day, items in sent.order_by("newest_day").values_list("newest_day", "items"):
        if any(item["paper"] == paper.pk for item in items):
            found.append(f"it was in the digest up to {day}")
    return found


def _graded(interest: Followed, place: int, shelf: Shelf) -> Graded:
    matches = place in shelf.scored.ranked(interest).papers
    reason = shelf.scored.reason(interest, place) if matches else ""
    standings, grade = shelf.scored.standings(interest, place), shelf.scored.grade(interest, place)
    return Graded(interest.name, interest.weight, standings, grade, reason)
