"""The papers of some days, scored for what readers follow: what many selections share."""

import datetime as dt
from array import array
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from subscriptions.matching import Doc, Pool, Query, Ranked, rank
from subscriptions.models import Listing, Paper, Pick

from .interests import Followed, reason

BACKGROUND_DAYS, BACKGROUND_PAPERS = 30, 2000
LOOK_BACK = dt.timedelta(days=14)
"""How long before its first day deliveries are read to know what a reader has had."""
KEPT_QUERIES, KEPT_MATCHES, KEPT_REASONS = 20_000, 2_000_000, 50_000
"""What is kept of queries, what they found, and reasons before all of it is made anew."""
BATCH = 256
"""How many queries are scored at once."""

Days = tuple[dt.date, ...]
Key = tuple[object, ...]


class Shelf:
    """The papers listed or picked on the days ``first`` to ``last``: six queries.

    A paper is known by its place on the shelf.
    """

    def __init__(self, first: dt.date, last: dt.date) -> None:
        self.since = first - LOOK_BACK
        picks = list(
            Pick.objects.filter(day__range=(first, last), paper__hidden=Paper.Hidden.NO)
            .prefetch_related("topics")
            .order_by("day", "position", "pk")
        )
        listed = Paper.objects.visible().listed_between(first, last)
        picked = Paper.objects.filter(pk__in=[pick.paper_id for pick in picks])
        self.papers = list((listed | picked).distinct().with_votes().order_by("pk"))
        self.pks = [paper.pk for paper in self.papers]
        self.places = {pk: n for n, pk in enumerate(self.pks)}
        self.picks = [
            (pick.day, self.places[pick.paper_id], {topic.pk for topic in pick.topics.all()})
            for pick in picks
        ]
        days: dict[dt.date, set[int]] = defaultdict(set)
        # A past pick can be deleted: that a paper was here is enough for it to have been sent.
        self.old = {n for n, p in enumerate(self.papers) if p.first_seen.date() < self.since}
        """Papers that may have been sent before ``since``."""
        for model in (Listing, Pick):
            rows = model._default_manager.filter(paper__in=self.places)
            for paper, day in rows.values_list("paper_id", "day"):
                if model is Listing:
                    days[day].add(self.places[paper])
                if day < self.since:
                    self.old.add(self.places[paper])
        self._listed_by_day = days
        self._listed: dict[Days, set[int]] = {}
        past = Paper.objects.listed_between(
            first - dt.timedelta(days=BACKGROUND_DAYS), first - dt.timedelta(days=1)
        )
        background = [
            Doc(title, abstract)
            for title, abstract in past.exclude(pk__in=self.places)
            .order_by("-pk")
            .values_list("title", "abstract")[:BACKGROUND_PAPERS]
        ]
        self.by_trend = sorted(
            range(len(self.papers)), key=lambda n: (-self.papers[n].trend, self.papers[n].pk)
        )
        self.by_trend_with_votes = [n for n in self.by_trend if self.papers[n].votes]
        self._pool = Pool([_doc(paper) for paper in self.papers], background)
        self._ranked: dict[Key, Ranked] = {}
        self._muted: dict[str, array[int]] = {}
        self._matches = 0
        self._reasons: dict[tuple[Key, int], str] = {}

    def listed(self, days: Days) -> set[int]:
        """The papers that a source listed on one of these days."""
        if days not in self._listed:
            self._listed[days] = set().union(*(self._listed_by_day.get(day, ()) for day in days))
        return self._listed[days]

    def score(self, interests: Iterable[Followed]) -> None:
        """Score what is new among these interests."""
        queries = len(self._ranked) + len(self._muted)
        if queries > KEPT_QUERIES or self._matches > KEPT_MATCHES:
            self._ranked.clear()
            self._muted.clear()
            self._matches = 0
        followed: dict[Key, Query] = {}
        muted: dict[str, None] = {}
        for interest in interests:
            if interest.weight > 0 and interest.key not in self._ranked:
                followed[interest.key] = interest.query
            elif interest.weight < 0 and interest.name not in self._muted:
                muted[interest.name] = None
        keys = list(followed)
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            scored = self._pool.score([followed[key] for key in batch])
            for key, scores in zip(batch, scored, strict=True):
                self._ranked[key] = found = rank(scores)
                self._matches += len(found.papers)
        for phrase in muted:
            self._muted[phrase] = array("i", np.flatnonzero(self._pool.contains([phrase])[0]))
            self._matches += len(self._muted[phrase])

    def ranked(self, interest: Followed) -> Ranked:
        """The papers that match an interest scored before, the best first."""
        return self._ranked[interest.key]

    def grade(self, interest: Followed, place: int) -> float:
        """How well a paper fits, before it is decided whether that is a match."""
        return float(self._pool.grade([interest.query])[0, place])

    def standings(self, interest: Followed, place: int) -> list[tuple[str, float, float]]:
        """Each part of a paper's grade: its name, how much it counts, and how high it stands."""
        found = self._pool.standings([interest.query])
        return [(s.name, float(s.counts[0]), float(s.of[0, place])) for s in found if s.counts[0]]

    def muted(self, interest: Followed) -> Iterable[int]:
        """The papers in which a muted phrase scored before stands."""
        return self._muted[interest.name]

    def reason(self, interest: Followed, place: int) -> str:
        """Why a paper matches an interest."""
        key = interest.key, place
        if (said := self._reasons.get(key)) is None:
            if len(self._reasons) > KEPT_REASONS:
                self._reasons.clear()
            said = self._reasons[key] = reason(interest, self._pool.why(interest.query, place))
        return said


def _doc(paper: Paper) -> Doc:
    return Doc(paper.title, paper.abstract, tuple(paper.categories), tuple(paper.authors))
