"""The papers a reader saved: a page, and a file for their reference manager."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from subscriptions import links
from subscriptions.flows import feedback as flow
from subscriptions.web.bibtex import bibtex_file
from subscriptions.web.readers import reader_of

PER_PAGE = 50


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def saved(request: HttpRequest, token: str) -> HttpResponse:
    """The saved papers, the newest first; a POST takes one off. The link is the proof."""
    reader = reader_of(request, links.PREFERENCES, token)
    if isinstance(reader, HttpResponse):
        return reader
    if request.method == "POST":
        paper = request.POST.get("paper", "")
        if paper.isdecimal() and len(paper) < 19:
            flow.take_off(reader.pk, int(paper))
        return redirect("saved", token)
    page = Paginator(flow.saved_papers(reader.pk), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "web/saved.html", {"page": page, "token": token})


@require_safe
def saved_bib(request: HttpRequest, token: str) -> HttpResponse:
    reader = reader_of(request, links.PREFERENCES, token)
    if isinstance(reader, HttpResponse):
        return reader
    return bibtex_file(flow.saved_papers(reader.pk), "saved-papers")
