"""The topics, and the papers that one of them brings."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from subscriptions.digests.topics import MONTH_DAYS, month_matches, week_matches
from subscriptions.models import WINDOW_DAYS, Paper, Topic
from subscriptions.web.caching import public

PER_PAGE = 50


@public
@require_safe
def topics(request: HttpRequest) -> HttpResponse:
    """The topics that can be followed, by group as on the form."""
    groups: dict[str, list[Topic]] = {}
    for found in Topic.objects.offered():
        groups.setdefault(found.group, []).append(found)
    return render(request, "web/topics.html", {"groups": groups.items()})


@public
@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """The papers of the last days that fit a topic, and why; the best first."""
    found = get_object_or_404(Topic.objects.known().select_related("merged_into"), slug=slug)
    if found.merged_into:
        return redirect("topic", found.merged_into.slug)
    month = request.GET.get("days") == str(MONTH_DAYS)
    matches = month_matches(found) if month else week_matches(found)
    page = Paginator(matches, PER_PAGE).get_page(request.GET.get("page"))
    papers = Paper.objects.with_votes().in_bulk([match.paper for match in page])
    return render(
        request,
        "web/topic.html",
        {
            "topic": found,
            "papers": [(papers[match.paper], match.reason) for match in page],
            "page": page,
            "month": month,
            "days": MONTH_DAYS if month else WINDOW_DAYS,
            "week_days": WINDOW_DAYS,
            "month_days": MONTH_DAYS,
            "query": f"days={MONTH_DAYS}" if month else "",
        },
    )
