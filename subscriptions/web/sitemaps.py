"""What search engines are told: where the pages are, and which to leave alone."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import SitemapIndexItem
from django.contrib.sitemaps.views import sitemap as sitemap_of
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from subscriptions.links import absolute
from subscriptions.models import Edition, Listing, Paper, Topic, public_papers

from .views.archive import Week

KEPT = 60 * 60
"""Seconds for which a sitemap may be shown as it was."""
AT_ONCE = 5_000
"""So many papers by their numbers are one sitemap: all are named without counting any."""
PLAIN = ("signup", "archive", "topics", "privacy")
PRIVATE = (
    "/preferences/", "/digest/", "/u/", "/confirm/", "/account/", "/sign-in/", "/feeds/mine/",
    "/admin/", "/inbound/", "/anymail/",
)  # fmt: skip

Page = tuple[str, dt.datetime | dt.date | None]
"""The path of a page, and when it changed."""


class _Pages(Sitemap[Page]):
    """Some pages of this site, whose address is ``SITE_URL`` whatever a request says."""

    limit = 50_000  # more than a few thousand are never given

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = list(pages)

    def items(self) -> list[Page]:
        return self.pages

    def location(self, item: Page) -> str:
        return item[0]

    def lastmod(self, item: Page) -> dt.datetime | dt.date | None:
        return item[1]

    def get_protocol(self, protocol: str | None = None) -> str:
        return str(urlsplit(settings.SITE_URL).scheme)

    def get_domain(self, site: Any = None) -> str:
        return str(urlsplit(settings.SITE_URL).netloc)


@require_safe
@cache_control(public=True, max_age=KEPT)
def index(request: HttpRequest) -> HttpResponse:
    """Where the sitemaps are; one query."""
    last = Paper.objects.aggregate(last=Max("pk"))["last"] or 0
    sections = ["pages", "topics", "editions"]
    sections += [f"papers-{number}" for number in range(last // AT_ONCE + 1)]
    maps = [SitemapIndexItem(absolute(reverse("sitemap-of", args=[s]))) for s in sections]
    return render(request, "sitemap_index.xml", {"sitemaps": maps}, content_type="application/xml")


@require_safe
@cache_control(public=True, max_age=KEPT)
def section(request: HttpRequest, section: str) -> HttpResponse:
    """The pages of one kind; one query."""
    if section == "pages":
        pages: Iterable[Page] = [(reverse(name), None) for name in PLAIN]
    elif section == "topics":
        slugs = Topic.objects.offered().values_list("slug", flat=True)
        pages = [(reverse("topic", args=[slug]), None) for slug in slugs]
    elif section == "editions":
        pages = _editions()
    else:
        pages = _papers(int(section.removeprefix("papers-")))
    return sitemap_of(request, {section: _Pages(pages)}, section)


def _editions() -> list[Page]:
    """The released days that have papers, and their weeks."""
    listed = Listing.objects.filter(paper__hidden=Paper.Hidden.NO).values("day")
    released = Edition.objects.released().filter(day__in=listed)
    days = list(released.order_by("day").values_list("day", "released_at"))
    weeks = {Week.of(day): changed for day, changed in days}
    return [
        *((reverse("edition", args=[day]), changed) for day, changed in days),
        *((reverse("week", args=[week.name]), changed) for week, changed in weeks.items()),
    ]


def _papers(number: int) -> list[Page]:
    pks = range(number * AT_ONCE, (number + 1) * AT_ONCE)
    found = public_papers().filter(pk__gte=pks.start, pk__lt=pks.stop).order_by("pk")
    before, after = reverse("paper", args=[0]).split("0")
    return [
        (f"{before}{pk}{after}", updated or seen.date())
        for pk, updated, seen in found.values_list("pk", "updated", "first_seen")
    ]


@require_safe
@cache_control(public=True, max_age=KEPT)
def robots(request: HttpRequest) -> HttpResponse:
    """Everything may be read but what is somebody's own."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    lines.append(f"Sitemap: {absolute(reverse('sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
