"""What deliveries refer to, as it is now, in the words that the templates use."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.text import Truncator
from django.utils.translation import ngettext

from subscriptions import links
from subscriptions.models import (
    Delivery,
    Edition,
    Item,
    Listing,
    Paper,
    Pick,
    Section,
    SourceTrouble,
)
from subscriptions.notes import clean, shortened

ABSTRACT_LENGTHS = 320, 160, 80, 0
"""How much of each abstract a message shows; the shorter where it would be too large."""
LONGEST_TITLE, LONGEST_AUTHORS, LONGEST_REASON = 300, 200, 200
LONGEST_NAME = 60
"""Of the title, where it tells links apart that say the same of each paper."""
LONGEST_URL = 1000
LARGEST_NOTE, LARGEST_INTRO = 8_000, 16_000
"""Octets of HTML; of what editors write, only what is all marks is larger."""
MOST_MISSING = 10
"""Sources that a digest says are late."""
Days = tuple[dt.date, dt.date]
"""The first and the last of some days."""
Missing = tuple[str, dt.date | None]
"""A source that is late, and the last day whose papers are here."""


@dataclass
class Content:
    """Papers, pick notes, intros and days with papers, for the deliveries last loaded."""

    papers: dict[int, Paper] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    notes: dict[int, list[tuple[dt.date, str]]] = field(default_factory=dict)
    intros: list[tuple[dt.date, str]] = field(default_factory=list)
    listed: list[dt.date] = field(default_factory=list)
    troubles: list[Missing] = field(default_factory=list)
    """The sources that bring less than they should."""
    _words: dict[Days, tuple[str, dt.date, tuple[Missing, ...]]] = field(default_factory=dict)

    def load(self, deliveries: Sequence[Delivery]) -> None:
        """Read what these deliveries refer to: six queries.

        Papers read before are kept; whether they are hidden is asked anew.
        """
        wanted = {item["paper"] for delivery in deliveries for item in delivery.items}
        missing = wanted - self.papers.keys()
        self.papers |= Paper.objects.filter(pk__in=missing).with_votes().in_bulk()
        hidden = Paper.objects.filter(pk__in=wanted).exclude(hidden=Paper.Hidden.NO)
        self.hidden = set(hidden.values_list("pk", flat=True))
        days = (
            min((delivery.first_day for delivery in deliveries), default=dt.date.min),
            max((delivery.newest_day for delivery in deliveries), default=dt.date.min),
        )
        self.notes = {}
        for pick in Pick.objects.filter(day__range=days).exclude(note="").order_by("-day"):
            self.notes.setdefault(pick.paper_id, []).append((pick.day, clean(pick.note)))
        intros = Edition.objects.filter(day__range=days).exclude(intro="").order_by("-day")
        self.intros = [(edition.day, clean(edition.intro)) for edition in intros]
        listed = Listing.objects.filter(day__range=days).values_list("day", flat=True).distinct()
        self.listed = sorted(listed, reverse=True)
        troubles = SourceTrouble.objects.filter(ended_at=None).order_by("label", "last_day")
        self.troubles = list(dict.fromkeys(troubles.values_list("label", "last_day")))
        self._words = {}

    def shown(self, delivery: Delivery) -> list[tuple[int, Item]]:
        """The items of a delivery that may still be shown, with their places in it."""
        papers, hidden = self.papers, self.hidden
        return [
            (place, item)
            for place, item in enumerate(delivery.items)
            if (paper := item["paper"]) in papers and paper not in hidden
        ]

    def shows(self, delivery: Delivery) -> bool:
        """Whether anything of a delivery may still be shown."""
        return any(
            i["paper"] in self.papers and i["paper"] not in self.hidden for i in delivery.items
        )

    def note(self, paper: int, days: Days) -> str:
        """The editors' newest note on a paper they picked in these days."""
        return _within(days, self.notes.get(paper, ()))

    def words(self, days: Days) -> tuple[str, dt.date, tuple[Missing, ...]]:
        """The newest intro of these days, the last of them that has papers, and what is missing."""
        if days not in self._words:
            latest = next((day for day in self.listed if day <= days[1]), days[1])
            missing = tuple(one for one in self.troubles if not one[1] or one[1] < days[1])
            self._words[days] = _within(days, self.intros), latest, missing
        return self._words[days]


def load_content(deliveries: Sequence[Delivery]) -> Content:
    """What these deliveries refer to: six queries."""
    content = Content()
    content.load(deliveries)
    return content


def frame_context(
    cadence: str,
    days: Days,
    intro: str,
    latest: dt.date,
    missing: Sequence[Missing],
    sections: Sequence[tuple[Section, Sequence[Any]]],
    left_out: int = 0,
) -> dict[str, Any]:
    """The context of the bodies, with ``sections`` of papers; without personal values.

    So many papers as are ``left_out`` are on the web only.
    """
    return {
        "site_name": "Paper Round",
        "site_url": settings.SITE_URL,
        "postal_address": settings.POSTAL_ADDRESS,
        "archive_url": links.absolute(reverse("edition", args=[latest.isoformat()])),
        "digest": {
            "cadence": cadence,
            "first_day": days[0],
            "last_day": days[1],
            "intro": shortened(intro, LARGEST_INTRO),
            "missing": [{"source": name, "since": day} for name, day in missing[:MOST_MISSING]],
            "count": sum(len(items) for _, items in sections) + left_out,
            "left_out": left_out,
            "sections": [
                {"key": section.value, "title": str(section.label), "items": items}
                for section, items in sections
            ],
        },
    }


def item_context(item: Item, paper: Paper, note: str, abstract: int) -> dict[str, Any]:
    """What a card shows of a paper, its abstract cut to ``abstract`` characters."""
    title = clip(clean(paper.title), LONGEST_TITLE)
    page = links.absolute(paper.get_absolute_url())
    url = iri_to_uri(paper.abstract_url or page)
    return {
        "title": title,
        "name": clip(title, LONGEST_NAME),
        "url": url if len(url) <= LONGEST_URL else page,
        "pdf_url": iri_to_uri(paper.pdf_url),
        "authors": clip(clean(_authors(paper.authors)), LONGEST_AUTHORS),
        "date": paper.submitted,
        "votes": 0 if item["section"] == Section.TRENDING else paper.votes,  # its reason says it
        "abstract": clip(clean(paper.abstract), abstract),
        "note": shortened(note, LARGEST_NOTE),
    }


def reason_of(item: Item) -> str:
    """Why a paper is there, as it is shown."""
    reason = item["reason"]
    return reason if len(reason) <= LONGEST_REASON else clip(clean(reason), LONGEST_REASON)


def clip(text: str, length: int) -> str:
    """At most ``length`` characters, cut between words where there is a space near."""
    if len(text) <= length:
        return text
    if not length:
        return ""
    cut = Truncator(text).chars(length - 1, truncate="")
    words = cut.rpartition(" ")[0]
    return (words if len(words) > length // 2 else cut).rstrip(" ,;:.–-") + "…"


def _within(days: Days, dated: Iterable[tuple[dt.date, str]]) -> str:
    return next((text for day, text in dated if days[0] <= day <= days[1]), "")


def _authors(names: list[str]) -> str:
    """``A. One, B. Two and 5 more``; three names are all shown."""
    if len(names) <= 3:
        return ", ".join(names)
    more = len(names) - 2
    told = ngettext("{first}, {second} and {more} more", "{first}, {second} and {more} more", more)
    return told.format(first=names[0], second=names[1], more=more)
