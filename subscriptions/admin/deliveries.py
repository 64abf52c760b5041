"""The ledger, to read and to settle; how far sending is, and its pause."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join

from subscriptions.digests import settle
from subscriptions.digests.progress import Counts, newest_day, progress
from subscriptions.models import Delivery, Paper, SendingPause, Subscriber

from .domains import may_end
from .fields import ReadOnlyAdmin
from .paging import MOST, LargeList

Status = Delivery.Status


class DayFilter(admin.SimpleListFilter):
    """By edition; the newest seven days."""

    title = "newest day"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        if (newest := newest_day()) is None:
            return []
        days = [newest - dt.timedelta(days=n) for n in range(7)]
        return [(str(day), date_format(day)) for day in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        day = self.value()
        if day is None or day not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(newest_day=day)


@admin.register(Delivery)
class DeliveryAdmin(LargeList, ReadOnlyAdmin):
    list_display = (
        "reader", "first_day", "newest_day", "papers", "status", "attempts",
        "last_reply", "sent_at",
    )  # fmt: skip
    list_display_links = ("newest_day",)
    list_filter = ("status", DayFilter)
    search_fields = ("subscriber__email",)
    search_help_text = "A reader’s whole address"
    ordering = ("-pk",)
    actions = ("retry_failed", "resend_doubtful", "mark_sent")
    fields = (
        "reader", "first_day", "newest_day", "status", "attempts", "last_reply", "created_at",
        "last_attempt_at", "retry_at", "sent_at", "its_papers",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.prefetch_related("subscriber")  # a join would sort a whole edition

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        if search_term:
            readers = Subscriber.objects.with_email(search_term.strip())
            queryset = queryset.filter(subscriber__in=list(readers.values_list("pk", flat=True)))
        return queryset, False

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Who may pause sending and decide about failed and doubtful deliveries."""
        return request.user.has_perm("subscriptions.change_delivery")

    def get_urls(self) -> list[URLPattern]:
        pause = self.admin_site.admin_view(self.pause)
        return [path("pause/", pause, name="subscriptions_delivery_pause"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        now = progress(timezone.now())
        context = {
            "title": "Deliveries",
            "progress": now,
            "newest": _parts(now.counts, day=str(now.day)),
            "older": _parts(now.older),
            "doubtful": {**now.counts, **now.older}.get(Status.IN_DOUBT),
            "holds": settings.IN_DOUBT_POLICY == "hold",
            "may_settle": self.has_settle_permission(request),
            "may_end": may_end(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def pause(self, request: HttpRequest) -> HttpResponse:
        """Pause sending, or end the pause."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_settle_permission(request):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip() or f"paused by {request.user}"
        if "resume" in request.POST:
            changed, said = settle.resume(timezone.now()), "Sending goes on with the next tick."
        else:
            changed = settle.pause(reason, timezone.now())
            said = "Sending is paused. Nothing is lost: digests wait until it is resumed."
        if changed:
            about = SendingPause(pk=1, reason=reason, since=timezone.now())
            self.log_change(request, about, said)
            self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:subscriptions_delivery_changelist")

    @admin.action(description="Queue again the failed", permissions=["settle"])
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._act(request, queryset, Status.FAILED, settle.requeue_failed, "queued again")

    @admin.action(
        description="Send again those in doubt (may arrive twice)", permissions=["settle"]
    )
    def resend_doubtful(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self._act(request, queryset, Status.IN_DOUBT, settle.resend_doubtful, "queued again")

    @admin.action(description="Mark those in doubt as sent", permissions=["settle"])
    def mark_sent(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        def mark(pks: Iterable[int]) -> int:
            return settle.mark_sent(pks, timezone.now())

        self._act(request, queryset, Status.IN_DOUBT, mark, "marked as sent")

    def _act(
        self,
        request: HttpRequest,
        queryset: QuerySet[Delivery],
        status: Status,
        change: Callable[[Iterable[int]], int],
        done: str,
    ) -> None:
        rows = list(queryset.filter(status=status).defer("items")[:MOST])
        left = queryset.exclude(status=status)[:MOST].count()
        count = change([row.pk for row in rows])
        LogEntry.objects.log_actions(str(request.user.pk), rows, CHANGE, done.capitalize())
        said = f"{count:,} {done}."
        if left := left + len(rows) - count:
            said += f" {left:,} left alone: not {status.label.lower()}."
        self.message_user(request, said, messages.SUCCESS if count else messages.WARNING)

    @admin.display
    def reader(self, delivery: Delivery) -> str:
        url = reverse("admin:subscriptions_subscriber_change", args=[delivery.subscriber_id])
        return format_html('<a href="{}">{}</a>', url, delivery.subscriber.email)

    @admin.display
    def papers(self, delivery: Delivery) -> int:
        return len(delivery.items)

    @admin.display(description="papers")
    def its_papers(self, delivery: Delivery) -> str:
        titles = Paper.objects.in_bulk([item["paper"] for item in delivery.items])
        rows = format_html_join(
            "",
            "<li>{}<br>{}</li>",
            (
                (titles[item["paper"]].title, item["reason"])
                for item in delivery.items
                if item["paper"] in titles
            ),
        )
        return format_html("<ol>{}</ol>", rows) if rows else "none"


def _parts(counts: Counts, **only: str) -> list[dict[str, Any]]:
    """What the page shows of each state: its share of the bar, its words, its list."""
    return [
        {
            "status": status.value,
            "count": count,
            "text": f"{count:,} {status.label.lower()}",
            "query": urlencode({"status__exact": status.value, **only}),
        }
        for status, count in counts.items()
    ]
