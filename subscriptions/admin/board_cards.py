"""What the board shows: the papers of some days as cards, found and filtered in bounded sets."""

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db.models import Exists, Max, OuterRef, Q
from django.http import QueryDict
from django.utils.formats import date_format

from subscriptions.models import (
    WINDOW_DAYS,
    Listing,
    ListingVotes,
    Paper,
    Pick,
    Topic,
    TopicMatch,
)
from subscriptions.models.papers import PaperQuerySet
from subscriptions.sources import source_label
from subscriptions.sources.ids import arxiv_id

PAGE = 40
MOST = 100_000
"""More listings than some days can have."""
WORDS = 6
"""So many words of a search are looked for."""
STATES = [("", "All"), ("picked", "Picked"), ("hidden", "Hidden"), ("undecided", "Undecided")]


class Filters(forms.Form):
    """What of these days is shown; anything that is no choice here is as if it were not asked."""

    q = forms.CharField(
        label="Search", required=False, max_length=200, widget=forms.TextInput({"type": "search"})
    )
    day = forms.ChoiceField(label="Day", required=False)
    topic = forms.ModelChoiceField(
        Topic.objects.offered().only("name"), required=False, empty_label="Any"
    )
    source = forms.ChoiceField(label="Source", required=False)
    state = forms.ChoiceField(label="State", required=False, choices=STATES)


class Asked:
    """Which papers an editor asked for, by the address of the page."""

    def __init__(self, query: QueryDict, today: dt.date) -> None:
        self.query = query
        self.picks_day = picks_day(query, today)
        newest = Listing.objects.filter(day__lte=today).aggregate(day=Max("day"))["day"]
        quiet = newest is not None and newest <= today - dt.timedelta(days=WINDOW_DAYS)
        week = [(newest if quiet else today) - dt.timedelta(days=n) for n in range(WINDOW_DAYS)]
        day = _date(query.get("day"))
        self.days = [day] if day else week
        self.quiet = quiet and not day
        """Whether the last days have no paper, and the newest that have are shown instead."""
        rows = Listing.objects.filter(day__in=self.days).values_list("paper", "source")
        self._listed = list(rows.order_by())
        self.form = Filters(query, label_suffix="")
        fields: Any = self.form.fields
        shown = week if day is None or day in week else [day, *week]
        names = [(str(one), date_format(one, "l j F")) for one in shown]
        fields["day"].choices = [
            ("week", "The newest 7 days" if quiet else "The last 7 days"),
            *names,
        ]
        sources = sorted({source for _, source in self._listed})
        fields["source"].choices = [("", "Any"), *((one, source_label(one)) for one in sources)]
        self.form.is_valid()
        self.filters = {name: value for name, value in self.form.cleaned_data.items() if value}

    @property
    def title(self) -> str:
        newest, oldest = max(self.days), min(self.days)
        if newest == oldest:
            return f"Papers of {date_format(newest, 'l j F Y')}"
        return f"Papers of {date_format(oldest, 'j F')} to {date_format(newest, 'j F Y')}"

    @property
    def count(self) -> int:
        """How many papers the days have, filtered or not."""
        return len({paper for paper, _ in self._listed})

    def page(self) -> tuple[list[int], str]:
        """The papers of a page, and after which the next one begins; empty if there is none."""
        found = self._filtered().by_trend().values_list("pk", "trend")
        if after := _place(self.query.get("after", "")):
            trend, pk = after
            found = found.filter(Q(trend__lt=trend) | Q(trend=trend, pk__gt=pk))
        rows = list(found[: PAGE + 1])
        more = f"{rows[PAGE - 1][1]!r},{rows[PAGE - 1][0]}" if len(rows) > PAGE else ""
        return [pk for pk, _ in rows[:PAGE]], more

    def _filtered(self) -> PaperQuerySet:
        listed = Listing.objects.filter(day__in=self.days).order_by()
        if source := self.filters.get("source"):
            listed = listed.filter(source=source)
        # With a limit, as the database looks these up first then: however few are left of them,
        # nobody else's rows are read. Thousands of ids would take longer to write and to read.
        papers = Paper.objects.filter(pk__in=listed.values("paper")[:MOST])
        if topic := self.filters.get("topic"):
            papers = papers.filter(pk__in=TopicMatch.objects.filter(topic=topic).values("paper"))
        picked = Exists(Pick.objects.filter(paper=OuterRef("pk")))
        match self.filters.get("state"):
            case "picked":
                papers = papers.filter(picked)
            case "hidden":
                papers = papers.exclude(hidden=Paper.Hidden.NO)
            case "undecided":
                papers = papers.visible().exclude(picked)
        for word in self.filters.get("q", "").split()[:WORDS]:
            papers = papers.filter(_has(word))
        return papers


@dataclass
class Card:
    """A paper with all that its card shows."""

    paper: Paper
    picks: list[Pick]
    """The newest day first, each with its topics."""
    picks_day: dt.date
    listings: list[tuple[str, dt.date]] = field(default_factory=list)
    """Who announced it, and when."""
    topics: list[tuple[str, str]] = field(default_factory=list)
    """Names, and what in the paper brought it, the best first."""
    growth: list[int] = field(default_factory=list)
    """Its votes by date, where it has most."""

    @property
    def pick(self) -> Pick | None:
        """Of the day whose picks are shown beside the cards."""
        return next((pick for pick in self.picks if pick.day == self.picks_day), None)

    @property
    def line(self) -> str:
        """Points of a line 60 wide and 16 high, of how the votes grew; empty for a single count."""
        if len(self.growth) < 2:
            return ""
        step, top = 58 / (len(self.growth) - 1), max(*self.growth, 1)
        return " ".join(
            f"{1 + n * step:.1f},{15 - 14 * count / top:.1f}" for n, count in enumerate(self.growth)
        )


def picks_day(query: QueryDict, today: dt.date) -> dt.date:
    """The day whose picks are shown; today's unless another is asked for."""
    return _date(query.get("picks")) or today


def cards(papers: Collection[int], picks_day: dt.date) -> list[Card]:
    """The cards of some papers, by trend: six queries."""
    picks: dict[int, list[Pick]] = defaultdict(list)
    for pick in Pick.objects.filter(paper__in=papers).order_by("-day").prefetch_related("topics"):
        picks[pick.paper_id].append(pick)
    found = Paper.objects.filter(pk__in=papers).with_votes().by_trend()
    by_pk = {paper.pk: Card(paper, picks[paper.pk], picks_day) for paper in found}
    listings = {row.pk: row for row in Listing.objects.filter(paper__in=papers).order_by("day")}
    for row in listings.values():
        listing = (source_label(row.source), row.day)
        if listing not in by_pk[row.paper_id].listings:
            by_pk[row.paper_id].listings.append(listing)
    for counts in _growth(listings):
        card = by_pk[listings[counts[0].listing_id].paper_id]
        card.growth = max(card.growth, [row.count for row in counts], key=lambda of: of[-1:])
    matches = TopicMatch.objects.filter(paper__in=papers).select_related("topic")
    for match in matches.order_by("-score"):
        by_pk[match.paper_id].topics.append((match.topic.name, match.words))
    return list(by_pk.values())


def _growth(listings: Iterable[int]) -> Iterator[list[ListingVotes]]:
    """The counts of each listing that has some, by date."""
    of: dict[int, list[ListingVotes]] = defaultdict(list)
    for row in ListingVotes.objects.filter(listing__in=listings).order_by("date"):
        of[row.listing_id].append(row)
    yield from of.values()


def _has(word: str) -> Q:
    """That it is in a paper's texts or names, or begins its arXiv id.

    As a pattern: PostgreSQL is faster with it than with LIKE on upper case, and SQLite knows no
    case but that of ASCII otherwise. Names are JSON, which SQLite keeps in ASCII.
    """
    known, _ = arxiv_id(word) or (word, None)
    found = Q(arxiv_id__startswith=known) if re.search("[./]", known) else Q()
    for name in ("title", "abstract", "authors"):
        found |= Q((f"{name}__iregex", re.escape(word)))
    return found | Q(authors__iregex=re.escape(json.dumps(word)[1:-1]))


def _date(text: str | None) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 1990 < day.year < 3000 else None


def _place(text: str) -> tuple[float, int] | None:
    trend, _, pk = text.partition(",")
    try:
        return float(trend), int(pk)
    except ValueError:
        return None
