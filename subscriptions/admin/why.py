"""Why a subscriber got a paper, or did not: the whole chain of reasons on one page."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_safe

from subscriptions.digests.account import account, digest_about, had_it, past_account
from subscriptions.flows.naming import paper_named
from subscriptions.models import Delivery, Interest, Paper, Section, Subscriber
from subscriptions.sources import source_label

LONGEST = 500


class WhyPage(admin.ModelAdmin[Any]):
    """Base of the subscribers' admin: the page for one of them and one paper."""

    def get_urls(self) -> list[URLPattern]:
        why = self.admin_site.admin_view(require_safe(self.why))
        return [
            path("<int:pk>/why/", why, name="subscriptions_subscriber_why"),
            *super().get_urls(),
        ]

    def why(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Of the digest in ``delivery``; else of the newest one that had or could have had it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        reader: Subscriber | None = self.get_object(request, str(pk))
        if reader is None:
            raise Http404
        typed = request.GET.get("paper", "").replace("\0", "")[:LONGEST].strip()
        paper = paper_named(typed)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Why {reader.email} got a paper, or did not",
            "reader": reader,
            "typed": typed,
            "paper": paper,
            **(_told(reader, paper, request.GET.get("delivery", "")) if paper else {}),
        }
        return TemplateResponse(request, "admin/subscriptions/subscriber/why.html", context)


def _told(reader: Subscriber, paper: Paper, asked: str) -> dict[str, Any]:
    with_it = had_it(reader, paper)
    delivery: Delivery | None = None
    if asked.isdecimal():
        delivery = reader.deliveries.filter(pk=asked).first()
    if delivery is None:
        delivery = next(iter(with_it), None) or digest_about(reader, paper)
    found = past_account(delivery, paper) if delivery else account(reader, paper, timezone.now())
    item = found.item
    brought = reader.interests.filter(pk=item.get("interest", 0)) if item else None
    return {
        "account": found,
        "graded": [(graded, Interest.Weight(graded.weight).label) for graded in found.graded],
        "delivery": delivery,
        "others": [row for row in with_it if row != delivery],
        "item": item,
        "section": Section(item["section"]).label if item else "",
        "interest": brought and brought.select_related("topic", "paper").first(),
        "listings": [
            (row.day, source_label(row.source)) for row in paper.listings.order_by("day", "source")
        ],
        "picks": paper.picks.order_by("day"),
        "outdone": not found.against and any(graded.reason for graded in found.graded),
    }
