"""The papers of some days: what many selections share."""

import datetime as dt
import gc
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from subscriptions.matching import FEW, MUCH, Doc, Pool
from subscriptions.models import Listing, Paper, Pick
from subscriptions.vectors import site_vectors

from .scored import Scored

BACKGROUND_DAYS, BACKGROUND_PAPERS = 30, 2000
LOOK_BACK = dt.timedelta(days=14)
"""How long before its first day deliveries are read to know what a reader has had."""

LARGE = 500
"""From so many papers on a shelf slows the collector of garbage."""

Days = tuple[dt.date, ...]


class Shelf:
    """The papers listed or picked on the days ``first`` to ``last``: six queries, and with an
    encoder those that bring the papers' vectors.

    A paper is known by its place on the shelf. For ``pages``, which strangers ask, no vector is
    stored, and little of what was asked is kept.
    """

    def __init__(self, first: dt.date, last: dt.date, pages: bool = False) -> None:
        self.first, self.last = first, last
        self.since = first - LOOK_BACK
        picks = self._its(Pick).prefetch_related("topics").order_by("day", "position", "pk")
        listed = Paper.objects.visible().listed_between(first, last)
        picked = Paper.objects.filter(pk__in=[pick.paper_id for pick in picks])
        self.papers = list((listed | picked).distinct().with_votes().order_by("pk"))
        self.pks = [paper.pk for paper in self.papers]
        self.places = {pk: n for n, pk in enumerate(self.pks)}
        self._put(picks)
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
        self.votes_in_words = {votes: _votes(votes) for votes in {p.votes for p in self.papers}}
        docs = [_doc(paper) for paper in self.papers]
        self.scored = Scored(
            Pool(docs, background, site_vectors(store=not pages), FEW if pages else MUCH)
        )
        """The same places, ranked for what readers follow."""
        if len(self.papers) > LARGE:
            _set_aside()

    def refresh(self) -> bool:
        """Take in what editors did since: what they pick, for whom, and what they hide.

        Three queries. False where papers have come that are not on the shelf.
        """
        picks = self._its(Pick).prefetch_related("topics").order_by("day", "position", "pk")
        listed = self._its(Listing).values_list("paper_id", "day")
        if not {paper for paper, _ in listed}.union(pick.paper_id for pick in picks) <= set(
            self.pks
        ):
            return False
        self._put(picks)
        self._listed_by_day, self._listed = defaultdict(set), {}
        for paper, day in listed:
            self._listed_by_day[day].add(self.places[paper])
        return True

    def _its(self, model: type[Listing] | type[Pick]) -> Any:
        days = model._default_manager.filter(day__range=(self.first, self.last))
        return days.filter(paper__hidden=Paper.Hidden.NO)

    def _put(self, picks: Iterable[Pick]) -> None:
        self.picks = [
            (pick.day, self.places[pick.paper_id], {topic.pk for topic in pick.topics.all()})
            for pick in picks
        ]

    def listed(self, days: Days) -> set[int]:
        """The papers that a source listed on one of these days."""
        if days not in self._listed:
            self._listed[days] = set().union(*(self._listed_by_day.get(day, ()) for day in days))
        return self._listed[days]


def _set_aside() -> None:
    """Spare the collector all that lives now: a shelf is large, and is kept."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _votes(votes: int) -> str:
    if not votes:
        return _("New")
    return ngettext("{count} vote so far", "{count} votes so far", votes).format(count=votes)


def _doc(paper: Paper) -> Doc:
    return Doc(paper.title, paper.abstract, tuple(paper.categories), tuple(paper.authors))
