"""Search over all papers."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from subscriptions.flows import search as flow
from subscriptions.web import guards

from .errors import too_many

PER_PAGE = 20
LONGEST = 2_000
"""So many characters of a pasted abstract are read."""


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The papers nearest to some words, a title or an abstract; an id leads to its paper."""
    if not guards.allowed(guards.SEARCHES, guards.network(request)):
        return too_many(render(request, "web/busy.html"), guards.SEARCHES)
    text = " ".join(request.GET.get("q", "")[:LONGEST].split())
    if paper := flow.named(text):
        return redirect(paper)
    pages = Paginator(flow.search(text), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    return render(
        request,
        "web/search.html",
        {
            "text": text,
            "longest": LONGEST,
            "papers": flow.papers_in_order(list(page.object_list)),
            "page": page,
            "capped": pages.count == flow.SHOWN,
        },
    )
