"""What a topic, as an editor has it before them, brings among the papers of thirty days."""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Max

from subscriptions.matching import Doc
from subscriptions.models import Listing, Paper, Topic, TopicMark

from .display import papers_between
from .interests import Followed, topic_followed
from .shelf import Shelf
from .topics import MONTH_DAYS

LOOK_EVERY = 10 * 60.0
"""Seconds for which nobody asks whether papers came."""
IDLE = 30 * 60.0
"""Seconds after which a bench that nobody used is let go: it takes much memory."""
PHRASES, CATEGORIES = 8, 3
"""So many are proposed at most from example papers."""
FIRST = 10
WEEK_DAYS = 7

_NEVER = dt.date(1970, 1, 1)


class Found(NamedTuple):
    """A paper that the edited topic or the stored one brings."""

    paper: int
    day: dt.date
    """When it was last listed."""
    score: float
    before: float
    """Its score by the stored topic."""


class Precision(NamedTuple):
    """Of what a topic brings, how much is marked, and how much of that right."""

    right: int
    marked: int

    @classmethod
    def of(cls, papers: Iterable[int], marks: Mapping[int, str]) -> "Precision":
        """``marks`` are verdicts by paper."""
        verdicts = Counter(marks[paper] for paper in papers if paper in marks)
        return cls(verdicts[TopicMark.Verdict.RIGHT], verdicts.total())


class Side(NamedTuple):
    """One version of a topic."""

    topic: Followed
    papers: list[int]
    """The pks of those it brings, the best first."""

    def precision(self, marks: Mapping[int, str]) -> Precision:
        return Precision.of(self.papers, marks)

    def precision_of_first(self, marks: Mapping[int, str]) -> Precision:
        """Of the ``FIRST`` papers, which most readers get."""
        return Precision.of(self.papers[:FIRST], marks)


@dataclass(frozen=True)
class Trial:
    """What an edited topic brings, beside the stored one; each list is the best first."""

    edited: Side
    stored: Side | None
    came: list[Found]
    left: list[Found]
    stayed: list[Found]


class Bench:
    """The papers of ``MONTH_DAYS`` days, ready to be ranked for any topic; threads share it."""

    def __init__(self, first: dt.date, last: dt.date) -> None:
        self.last = last
        self._shelf = Shelf(first, last, pages=True)
        listed = Listing.objects.filter(day__range=(first, last), paper__hidden=Paper.Hidden.NO)
        newest = listed.order_by().values("paper").annotate(newest=Max("day"))
        self._days: dict[int, dt.date] = dict(newest.values_list("paper", "newest"))
        self.first = min(self._days.values(), default=first)
        """The first day that has papers: a young site has fewer than thirty."""
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many papers there are."""
        return len(self._days)

    @property
    def weeks(self) -> float:
        return ((self.last - self.first).days + 1) / WEEK_DAYS

    @property
    def floors(self) -> tuple[float, float]:
        """From which score a paper matches, and from which one with none of the phrases."""
        return self._shelf.scored.floors

    def try_out(self, edited: Topic, stored: Topic | None = None) -> Trial:
        """Neither need be stored as it is here. No query, or with an encoder one."""
        with self._lock:
            now = topic_followed(edited)
            before = topic_followed(stored) if stored else None
            self._shelf.scored.score([now, *([before] if before else [])])
            side, old = self._side(now), self._side(before) if before else None
            scores = self._scores(side), self._scores(old) if old else {}
        brought, had = set(side.papers), set(old.papers if old else ())
        return Trial(
            side,
            old,
            came=self._found(side.papers, brought - had, *scores),
            left=self._found(old.papers, had - brought, *scores) if old else [],
            stayed=self._found(side.papers, brought & had, *scores),
        )

    def told(self, topic: Followed, papers: Iterable[int]) -> dict[int, str]:
        """By paper, the words that brought it; empty where its meaning alone did."""
        places = self._shelf.places
        with self._lock:
            return {pk: self._shelf.scored.told(topic, places[pk]) for pk in papers}

    def draft(self, papers: Sequence[Paper]) -> Topic:
        """A topic, not stored, that says what these example papers have in common."""
        docs = [Doc(paper.title, paper.abstract) for paper in papers]
        having = Counter(category for paper in papers for category in paper.categories)
        shared = [name for name, n in having.most_common(CATEGORIES) if n * 2 >= len(papers)]
        with self._lock:
            phrases = self._shelf.scored.standing_out(docs, PHRASES)
        return Topic(phrases=phrases, categories=shared)

    def _side(self, topic: Followed) -> Side:
        pks = self._shelf.pks
        ranked = (pks[place] for place in self._shelf.scored.ranked(topic).papers)
        return Side(topic, [pk for pk in ranked if pk in self._days])

    def _scores(self, side: Side) -> dict[int, float]:
        return dict(zip(self._shelf.pks, self._shelf.scored.fit(side.topic).tolist(), strict=True))

    def _found(
        self,
        papers: Iterable[int],
        among: Container[int],
        scores: Mapping[int, float],
        before: Mapping[int, float],
    ) -> list[Found]:
        return [
            Found(pk, self._days[pk], scores[pk], before.get(pk, 0.0))
            for pk in papers
            if pk in among
        ]


class _Kept(NamedTuple):
    bench: Bench
    state: object
    looked: float


_kept: _Kept | None = None
_used = 0.0
_BUILDING = threading.Lock()


def bench(look: bool = False) -> Bench | None:
    """The bench of this process, up to the newest day that has papers, released or not.

    The first who asks builds it; None for who asks meanwhile. With ``look`` it is made anew
    first where papers came, at most every ten minutes: who edits is not kept waiting for that.
    """
    global _kept
    kept = _kept
    if kept and not (look and time.monotonic() >= kept.looked + LOOK_EVERY):
        return ready()
    if not _BUILDING.acquire(blocking=False):
        return ready()
    try:
        if _kept is kept:  # else somebody was quicker
            _kept = _refreshed(kept)
        if kept is None:
            _let_go_later(IDLE)
        return ready()
    finally:
        _BUILDING.release()


def ready() -> Bench | None:
    """The bench, if it is there."""
    global _used
    _used = time.monotonic()
    return _kept and _kept.bench


def let_go() -> None:
    """Forget the bench if nobody has used it for long; else look again later."""
    global _kept
    rest = _used + IDLE - time.monotonic()
    if rest > 0:
        _let_go_later(rest)
    else:
        _kept = None


def _let_go_later(seconds: float) -> None:
    timer = threading.Timer(seconds, let_go)
    timer.daemon = True
    timer.start()


def _refreshed(before: _Kept | None) -> _Kept:
    now = time.monotonic()
    last = Listing.objects.aggregate(day=Max("day"))["day"] or _NEVER
    first = last - dt.timedelta(days=MONTH_DAYS - 1)
    state = last, papers_between(first, last)
    if before and before.state == state:
        return before._replace(looked=now)
    return _Kept(Bench(first, last), state, now)
