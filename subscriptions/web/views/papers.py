"""One paper: its page, and how it is cited."""

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from subscriptions.flows.search import related
from subscriptions.models import Edition, public_papers
from subscriptions.sources import source_label
from subscriptions.web.bibtex import bibtex_file, key
from subscriptions.web.caching import public
from subscriptions.web.session import current_reader

RELATED = 6


@public
@require_safe
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """A paper that was listed or picked on a released day."""
    found = get_object_or_404(public_papers().with_votes(), pk=pk)
    released = Edition.objects.released().values("day")
    listed: dict[dt.date, list[str]] = {}
    for listing in found.listings.filter(day__in=released).order_by("day", "source"):
        listed.setdefault(listing.day, []).append(source_label(listing.source))
    reader = current_reader(request)
    return render(
        request,
        "web/paper.html",
        {
            "paper": found,
            "listed": listed.items(),
            "picks": found.picks.filter(day__in=released).order_by("day"),
            "related": related(found, RELATED),
            "votes": found.votes,
            "reader": reader,
            "voted": reader is not None and reader.upvotes.filter(paper=found).exists(),
        },
    )


@public
@require_safe
def paper_bib(request: HttpRequest, pk: int) -> HttpResponse:
    """The paper as a BibTeX file."""
    found = get_object_or_404(public_papers(), pk=pk)
    return bibtex_file([found], key(found))
