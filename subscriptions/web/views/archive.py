"""What was published, by day and by week."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from subscriptions.models import Edition, Listing, Paper, Pick
from subscriptions.models.papers import PaperQuerySet
from subscriptions.web.caching import public

PER_PAGE = 50
DAY = dt.timedelta(days=1)
Days = Iterable[dt.date] | QuerySet[Edition, Any]


@dataclass(frozen=True)
class Week:
    """Monday to Sunday."""

    first: dt.date

    @classmethod
    def of(cls, day: dt.date) -> "Week":
        return cls(day - day.weekday() * DAY)

    @property
    def last(self) -> dt.date:
        return self.first + 6 * DAY

    @property
    def name(self) -> str:
        """As ISO 8601 has it: ``2026-W10``."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def middle(self) -> dt.date:
        """Its Thursday, which says in which month and year it is."""
        return self.first + 3 * DAY


@public
@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """The weeks of a year and their days that have papers, by month."""
    ends = Edition.objects.released().aggregate(first=Min("day"), last=Max("day"))
    years: list[int] = []
    if ends["last"]:
        first, last = (Week.of(ends[name]).middle.year for name in ("first", "last"))
        years = [*range(last, first - 1, -1)]
    asked = request.GET.get("year", "")
    year = int(asked) if asked in map(str, years) else max(years, default=1970)
    begin, end = (dt.date.fromisocalendar(y, 1, 1) for y in (year, year + 1))
    weeks = [
        (week, list(days)[::-1])
        for week, days in groupby(_counts(begin, end - DAY), key=lambda row: Week.of(row[0]))
    ]
    months = [
        (month, list(found))
        for month, found in groupby(weeks, key=lambda row: row[0].middle.replace(day=1))
    ]
    others = [other for other in years if other != year]
    query = f"year={year}" if year != max(years, default=year) else ""
    return render(
        request,
        "web/archive.html",
        {"months": months, "year": year, "others": others, "query": query},
    )


@public
@require_safe
def edition(request: HttpRequest, day: str) -> HttpResponse:
    """One released day: the editors' picks and its papers, the most talked about first."""
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    found = get_object_or_404(Edition.objects.released(), day=date)
    return render(
        request,
        "web/edition.html",
        {
            "day": date,
            "week": Week.of(date),
            "intro": found.intro,
            "previous": _nearest(day__lt=date),
            "next": _nearest(day__gt=date),
            "picks": _picks([date]),
            **_ranked(request, [date]),
        },
    )


@public
@require_safe
def week(request: HttpRequest, name: str) -> HttpResponse:
    """The released days of a week together: the picks, and the papers by trend."""
    try:
        found = Week(dt.date.fromisocalendar(int(name[:4]), int(name[-2:]), 1))
    except ValueError:
        raise Http404 from None
    days = list(_counts(found.first, found.last))
    if not days:
        raise Http404
    released = Edition.objects.released().filter(day__range=(found.first, found.last)).values("day")
    before, after = _nearest(day__lt=found.first), _nearest(day__gt=found.last)
    return render(
        request,
        "web/week.html",
        {
            "week": found,
            "days": days[::-1],
            "previous": before and Week.of(before),
            "next": after and Week.of(after),
            "picks": _picks(released),
            **_ranked(request, released),
        },
    )


def _counts(first: dt.date, last: dt.date) -> QuerySet[Listing, tuple[dt.date, int]]:
    """The released days that have papers, and how many, the newest first: one query."""
    released = Edition.objects.released().filter(day__range=(first, last)).values("day")
    return (
        Listing.objects.filter(day__in=released, paper__hidden=Paper.Hidden.NO)
        .values_list("day")
        .annotate(papers=Count("paper", distinct=True))
        .order_by("-day")
    )


def _nearest(**limit: dt.date) -> dt.date | None:
    """The nearest released day before or after one that has papers: one query."""
    order = "-day" if "day__lt" in limit else "day"
    visible = Listing.objects.filter(day=OuterRef("day"), paper__hidden=Paper.Hidden.NO)
    days = Edition.objects.released().filter(Exists(visible), **limit).order_by(order)
    return days.values_list("day", flat=True).first()


def _picks(days: Days) -> list[dict[str, object]]:
    """The papers that editors picked on these days, each with its newest note: two queries."""
    picks = Pick.objects.filter(day__in=days, paper__hidden=Paper.Hidden.NO)
    noted = dict(picks.order_by("day", "position", "pk").values_list("paper_id", "note"))
    papers = Paper.objects.with_votes().in_bulk(noted)
    return [{"paper": papers[pk], "note": note} for pk, note in noted.items()]


def papers_of(days: Days) -> PaperQuerySet:
    """The visible papers that are listed on some of these days, by trend."""
    # Not by EXISTS: SQLite would look at all papers there are, in the order of their trend.
    listed = Listing.objects.filter(day__in=days).values("paper")
    return Paper.objects.visible().filter(pk__in=listed).by_trend()


def _ranked(request: HttpRequest, days: Days) -> dict[str, object]:
    """A page of papers by trend, of which votes are counted for those on it: three queries."""
    pks = papers_of(days).values_list("pk", flat=True)
    page = Paginator(pks, PER_PAGE).get_page(request.GET.get("page"))
    found = Paper.objects.with_votes().in_bulk(list(page.object_list))
    return {"page": page, "papers": [found[pk] for pk in page], "total": page.paginator.count}
