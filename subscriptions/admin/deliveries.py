"""The ledger, to read: what was sent to whom, and what became of it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from subscriptions.models import Delivery, Paper

from .fields import ReadOnlyAdmin


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "reader", "first_day", "newest_day", "papers", "status", "attempts",
        "last_reply", "sent_at",
    )  # fmt: skip
    list_filter = ("status",)
    search_fields = ("subscriber__email",)
    ordering = ("-pk",)
    show_full_result_count = False
    fields = (
        "reader", "first_day", "newest_day", "status", "attempts", "last_reply", "created_at",
        "last_attempt_at", "retry_at", "sent_at", "its_papers",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return Delivery.objects.select_related("subscriber")

    @admin.display(ordering="subscriber__email")
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
