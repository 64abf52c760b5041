"""Atom feeds: the site's days, a topic's papers, and one reader's own.

A day is one entry, with its picks and its first papers: a day of a large source has hundreds,
which as entries of their own would bury all else in a feed reader. A topic's papers are few, and
each is an entry. What a poller has already is not sent again (304): the ETag is of the content.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from subscriptions.digests.topics import week_matches
from subscriptions.links import absolute
from subscriptions.models import (
    READING,
    WINDOW_DAYS,
    Delivery,
    Edition,
    Listing,
    Paper,
    Pick,
    Subscriber,
    Topic,
    public_papers,
)

from .views.archive import papers_of

KEPT = 15 * 60
"""Seconds for which a feed may be shown as it was."""
PAPERS_OF_A_DAY = 20
OWN_ENTRIES = 50

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Entry:
    """One of a feed; ``body`` is HTML, in which what sources say is escaped."""

    guid: str
    title: str
    path: str
    body: str
    published: dt.datetime
    authors: str = ""
    categories: tuple[str, ...] = ()


class _Atom(Atom1Feed):
    """Atom 1.0, of which one without entries is always the same."""

    def latest_post_date(self) -> dt.datetime:
        return super().latest_post_date() if self.items else _NEVER


class _Entries(Feed[Entry, Any]):
    """A feed of entries: what is told of each is told here, once."""

    feed_type = _Atom
    author_name = "Paper Round"

    def item_title(self, item: Entry) -> str:
        return _xml(item.title)

    def item_description(self, item: Entry) -> str:
        return _xml(item.body)

    def item_link(self, item: Entry) -> str:
        return absolute(item.path)

    def item_guid(self, item: Entry) -> str:
        return item.guid

    def item_pubdate(self, item: Entry) -> dt.datetime:
        return item.published

    def item_updateddate(self, item: Entry) -> dt.datetime:
        return item.published

    def item_author_name(self, item: Entry) -> str | None:
        return _xml(item.authors) or None

    def item_categories(self, item: Entry) -> Iterable[str]:
        return map(_xml, item.categories)


class _Daily(_Entries):
    def title(self) -> str:
        return _("Paper Round, day by day")

    def subtitle(self) -> str:
        return _("The research papers of each day: the editors’ picks, and the most talked about.")

    def link(self) -> str:
        return absolute(reverse("archive"))

    def feed_url(self) -> str:
        return absolute(reverse("daily-feed"))

    feed_guid = feed_url

    def items(self) -> list[Entry]:
        newest = Edition.objects.released().order_by("-day")
        editions = list(newest[:WINDOW_DAYS])
        days = [edition.day for edition in editions]
        listed = Listing.objects.filter(day__in=days, paper__hidden=Paper.Hidden.NO)
        counts = dict(listed.values_list("day").annotate(Count("paper", distinct=True)).order_by())
        picks: dict[dt.date, list[Pick]] = {day: [] for day in days}
        found = Pick.objects.filter(day__in=days, paper__hidden=Paper.Hidden.NO)
        for pick in found.select_related("paper").order_by("position", "pk"):
            picks[pick.day].append(pick)
        return [
            _day(edition, counts.get(edition.day, 0), picks[edition.day])
            for edition in editions
            if counts.get(edition.day) or picks[edition.day]
        ]


class _OfTopic(_Entries):
    def get_object(self, request: HttpRequest, topic: Topic) -> Topic:
        return topic

    def title(self, topic: Topic) -> str:
        return f"Paper Round: {_xml(topic.name)}"

    def subtitle(self, topic: Topic) -> str:
        return _xml(topic.description)

    def link(self, topic: Topic) -> str:
        return absolute(reverse("topic", args=[topic.slug]))

    def feed_url(self, topic: Topic) -> str:
        return absolute(reverse("topic-feed", args=[topic.slug]))

    feed_guid = feed_url

    def items(self, topic: Topic) -> list[Entry]:
        reasons = {match.paper: match.reason for match in week_matches(topic)}
        released = Edition.objects.released()
        first = dict(
            Listing.objects.filter(paper__in=reasons, day__in=released.values("day"))
            .values_list("paper")
            .annotate(Min("day"))
        )
        since = dict(released.filter(day__in=first.values()).values_list("day", "released_at"))
        papers = Paper.objects.in_bulk(reasons)
        entries = [_paper(papers[pk], reasons[pk], since[first[pk]] or _NEVER) for pk in reasons]
        return sorted(entries, key=lambda entry: entry.published, reverse=True)


class _Own(_Entries):
    def get_object(self, request: HttpRequest, key: str) -> Subscriber:
        return Subscriber.objects.get(feed_key=key, status__in=READING)

    def title(self) -> str:
        return _("Paper Round, for you")

    def subtitle(self) -> str:
        return _("The papers of your digests.")

    def link(self) -> str:
        return absolute(reverse("signup"))

    def feed_url(self, reader: Subscriber) -> str:
        return absolute(reverse("private-feed", args=[reader.feed_key]))

    def feed_guid(self, reader: Subscriber) -> str:
        return _tag(reader.confirmed_at or _NEVER, f"reader/{reader.pk}")

    def items(self, reader: Subscriber) -> list[Entry]:
        digests = reader.deliveries.exclude(status=Delivery.Status.SKIPPED).order_by("-newest_day")
        rows = [
            (item["paper"], item["reason"], created)
            for items, created in digests.values_list("items", "created_at")[:OWN_ENTRIES]
            for item in items
        ]
        papers = public_papers().in_bulk({pk for pk, *_ in rows})
        shown = [row for row in rows if row[0] in papers][:OWN_ENTRIES]
        return [_paper(papers[pk], reason, created) for pk, reason, created in shown]


@require_safe
@conditional_page
@cache_control(public=True, max_age=KEPT)
def daily(request: HttpRequest) -> HttpResponse:
    """The newest released days, one entry each."""
    return _Daily()(request)


@require_safe
@conditional_page
@cache_control(public=True, max_age=KEPT)
def of_topic(request: HttpRequest, slug: str) -> HttpResponse:
    """The papers of the newest released days that fit a topic, and why."""
    topic = get_object_or_404(Topic.objects.known().select_related("merged_into"), slug=slug)
    if topic.merged_into:
        return redirect("topic-feed", topic.merged_into.slug)
    return _OfTopic()(request, topic=topic)


@require_safe
@conditional_page
@cache_control(private=True, max_age=KEPT)
def own(request: HttpRequest, key: str) -> HttpResponse:
    """The papers of a reader's digests, for who knows the address."""
    response = _Own()(request, key=key)
    response["X-Robots-Tag"] = "noindex"
    return response


def _day(edition: Edition, count: int, picks: list[Pick]) -> Entry:
    day = edition.day
    first = papers_of([day])[:PAPERS_OF_A_DAY]
    told = ngettext("{count} paper", "{count} papers", count).format(count=count)
    path = reverse("edition", args=[day])
    return Entry(
        guid=_tag(dt.datetime.combine(day, dt.time(), dt.UTC), "day"),
        title=f"{date_format(day, 'l j F Y')}: {told}",
        path=path,
        body=_body("day", edition=edition, count=count, picks=picks, papers=first, path=path),
        published=edition.released_at or _NEVER,
    )


def _paper(paper: Paper, reason: str, published: dt.datetime) -> Entry:
    return Entry(
        guid=_tag(paper.first_seen, f"paper/{paper.pk}"),
        title=paper.title,
        path=paper.get_absolute_url(),
        body=_body("paper", paper=paper, reason=reason),
        published=published,
        authors=", ".join(paper.authors[:10]),
        categories=tuple(paper.categories),
    )


def _body(name: str, **values: Any) -> str:
    return render_to_string(f"web/feed_{name}.html", {**values, "site_url": settings.SITE_URL})


def _tag(day: dt.datetime, what: str) -> str:
    """An id that stays when addresses change (RFC 4151)."""
    return f"tag:{settings.SITE_HOST},{day:%Y-%m-%d}:{what}"


def _xml(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub(" ", text)
