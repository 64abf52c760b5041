"""The papers that each topic finds, for everybody to see."""

import datetime as dt
import hashlib
import threading
from collections.abc import Container, Sequence
from typing import NamedTuple

from django.core.cache import cache

from subscriptions.models import Interest, Topic, public_papers
from subscriptions.models.papers import PaperQuerySet

from .display import SCORING, newest_shelf
from .interests import interests_proposed
from .shelf import Shelf

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
MONTH_DAYS = 30
MOST = 200
"""How many papers a topic shows of one week, the best."""
FRESH = 10 * 60
"""Seconds for which what was found among the newest days is shown."""
KEPT = 40 * 24 * 60 * 60
"""The same of a past week, which changes no more."""

_PAST = threading.Lock()


class Match(NamedTuple):
    """A paper that a topic brings."""

    paper: int
    score: float
    reason: str
    """The words that brought it, or its category; empty where its meaning alone did."""


def week_matches(topic: Topic) -> list[Match]:
    """Among the newest released days, seven at most; the best first, and none that is hidden."""
    return _shown(_of_newest_days(topic), public_papers())


def month_matches(topic: Topic) -> list[Match]:
    """The same among the last thirty days; a past week is scored by itself, for all topics."""
    _, days = newest_shelf()
    if not days:
        return []
    first, before = days[-1] - (MONTH_DAYS - 1) * DAY, days[0] - DAY
    by_paper = {match.paper: match for match in _of_newest_days(topic)}
    monday = before - before.weekday() * DAY
    while monday + WEEK > first:
        for match in _of_past_week(monday, topic):
            by_paper.setdefault(match.paper, match)
        monday -= WEEK
    best = sorted(by_paper.values(), key=lambda match: (-match.score, match.paper))
    return _shown(best, public_papers().listed_between(first, days[-1]))


def _shown(matches: list[Match], papers: PaperQuerySet) -> list[Match]:
    """Those of ``matches`` whose papers are among these: one query."""
    wanted = [match.paper for match in matches]
    shown = set(papers.filter(pk__in=wanted).values_list("pk", flat=True))
    return [match for match in matches if match.paper in shown]


def _of_newest_days(topic: Topic) -> list[Match]:
    key = f"topic-matches-{topic.pk}-{_said(topic)}"
    found: list[Match] | None = cache.get(key)
    if found is None:
        shelf, days = newest_shelf()
        with SCORING:
            found = match_topics(shelf, [topic], shelf.listed(days), MOST)[topic.pk]
        cache.set(key, found, FRESH)
    return found


def _of_past_week(monday: dt.date, topic: Topic) -> list[Match]:
    key, said = f"topic-matches-of-week-{monday}", _said(topic)
    with _PAST:
        found: dict[str, list[Match]] = cache.get(key) or {}
        if said not in found:
            days = tuple(monday + n * DAY for n in range(7))
            topics = [*{topic, *Topic.objects.offered()}]
            shelf = Shelf(days[0], days[-1], pages=True)
            matches = match_topics(shelf, topics, shelf.listed(days), MOST)
            found = {_said(each): matches[each.pk] for each in topics}
            cache.set(key, found, KEPT)
    return found[said]


def match_topics(
    shelf: Shelf, topics: Sequence[Topic], among: Container[int], most: int | None = None
) -> dict[int, list[Match]]:
    """By topic, its best papers, those ``among`` these places of the shelf; two queries."""
    followed = interests_proposed(
        Interest(kind=Interest.Kind.TOPIC, topic=topic, weight=Interest.Weight.NORMAL)
        for topic in topics
    )
    shelf.scored.score(followed)
    found: dict[int, list[Match]] = {}
    for topic, interest in zip(topics, followed, strict=True):
        ranked = shelf.scored.ranked(interest)
        best = [row for row in zip(ranked.papers, ranked.scores, strict=True) if row[0] in among]
        found[topic.pk] = [
            Match(shelf.pks[place], score, shelf.scored.told(interest, place))
            for place, score in best[:most]
        ]
    return found


def _said(topic: Topic) -> str:
    """Differs once a topic says something else."""
    parts: Sequence[object] = topic.name, topic.description, topic.phrases, topic.categories
    return hashlib.sha256(repr(parts).encode()).hexdigest()
