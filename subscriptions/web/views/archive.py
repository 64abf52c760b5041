"""What was published: the days, one day, one paper."""

import datetime as dt
from itertools import groupby

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_cookie

from subscriptions.models import Edition, Listing, Paper, Pick, public_papers
from subscriptions.sources import source_label
from subscriptions.web.session import current_reader

PER_PAGE = 50


@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """Released days that have papers, by month."""
    released = Edition.objects.filter(status=Edition.Status.RELEASED).values("day")
    days = (
        Listing.objects.filter(day__in=released, paper__hidden=Paper.Hidden.NO)
        .values_list("day")
        .annotate(papers=Count("paper", distinct=True))
        .order_by("-day")
    )
    months = [
        (f"{first:%B %Y}", list(rows))
        for first, rows in groupby(days, key=lambda row: row[0].replace(day=1))
    ]
    return render(request, "web/archive.html", {"months": months})


@require_safe
def edition(request: HttpRequest, day: str) -> HttpResponse:
    """One released day: the editors' picks and its papers, the most talked about first."""
    try:
        date = dt.date.fromisoformat(day)
    except ValueError:
        raise Http404 from None
    found = get_object_or_404(Edition, day=date, status=Edition.Status.RELEASED)
    papers = Paper.objects.visible().listed_between(date, date).with_votes().by_trend()
    page = Paginator(papers, PER_PAGE).get_page(request.GET.get("page"))
    picks = Pick.objects.filter(day=date, paper__hidden=Paper.Hidden.NO).order_by("position", "pk")
    noted = {pick.paper_id: pick.note for pick in picks}
    picked = Paper.objects.with_votes().in_bulk(noted)
    days = Edition.objects.filter(status=Edition.Status.RELEASED).filter(
        Q(day__in=Listing.objects.values("day"))
    )
    return render(
        request,
        "web/edition.html",
        {
            "day": date,
            "intro": found.intro,
            "previous": days.filter(day__lt=date).values_list("day", flat=True).first(),
            "next": days.filter(day__gt=date).order_by("day").values_list("day", flat=True).first(),
            "picks": [{"paper": picked[pk], "note": note} for pk, note in noted.items()],
            "papers": page.object_list,
            "page": page,
            "total": page.paginator.count,
        },
    )


@vary_on_cookie
@require_safe
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """A paper that was listed or picked on a released day."""
    found = get_object_or_404(public_papers().with_votes(), pk=pk)
    released = Edition.objects.filter(status=Edition.Status.RELEASED).values("day")
    listings = found.listings.filter(day__in=released).order_by("day", "source")
    reader = current_reader(request)
    return render(
        request,
        "web/paper.html",
        {
            "paper": found,
            "listings": [(row.day, source_label(row.source)) for row in listings],
            "votes": found.votes,
            "reader": reader,
            "voted": reader is not None and reader.upvotes.filter(paper=found).exists(),
        },
    )
