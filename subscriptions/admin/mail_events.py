"""What came back about messages: to read, and to find whose and why."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html

from subscriptions.models import DomainDay, MailEvent, Subscriber

from .fields import ReadOnlyAdmin, address_in
from .paging import LargeList

DAYS = 7
DOMAINS = 10


class DayFilter(admin.SimpleListFilter):
    """By the UTC day it came; the last seven."""

    title = "day"
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        today = timezone.now().date()
        days = [today - dt.timedelta(days=n) for n in range(DAYS)]
        return [(str(day), date_format(day)) for day in days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[MailEvent]) -> QuerySet[MailEvent]:
        if (day := self.value()) not in dict(self.lookup_choices):
            return queryset
        start = dt.datetime.fromisoformat(f"{day}T00:00:00+00:00")
        return queryset.filter(received_at__gte=start, received_at__lt=start + dt.timedelta(days=1))


class DomainFilter(admin.SimpleListFilter):
    """By receiving domain; offered are those from which most came back lately."""

    title = "domain"
    parameter_name = "domain"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        since = timezone.now().date() - dt.timedelta(days=DAYS)
        back = Sum(F("hard") + F("soft") + F("ours") + F("complaint"))
        rows = DomainDay.objects.filter(day__gt=since).values("domain").annotate(back=back)
        names = rows.filter(back__gt=0).order_by("-back", "domain").values_list("domain", flat=True)
        return [(name, name) for name in names[:DOMAINS]]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Also one that is asked for and not among the offered."""
        value = self.value()
        if value and value not in dict(self.lookup_choices):
            self.lookup_choices = [(value, value), *self.lookup_choices]
        return super().choices(changelist)

    def queryset(self, request: HttpRequest, queryset: QuerySet[MailEvent]) -> QuerySet[MailEvent]:
        domain = self.value()
        return queryset.filter(domain=domain.lower()) if domain else queryset


@admin.register(MailEvent)
class MailEventAdmin(LargeList, ReadOnlyAdmin):
    list_display = ("received_at", "reader", "kind", "way", "domain", "status", "reason", "counted")
    list_filter = ("kind", "way", DayFilter, DomainFilter)
    search_fields = ("subscriber__email",)
    search_help_text = "A reader’s whole address"
    ordering = ("-pk",)
    fields = (
        "reader", "digest", "kind", "way", "domain", "status", "reason",
        "happened_at", "received_at", "applied_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailEvent]:
        return MailEvent.objects.prefetch_related("subscriber")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[MailEvent], search_term: str
    ) -> tuple[QuerySet[MailEvent], bool]:
        if search_term:
            readers = Subscriber.objects.with_email(address_in(search_term))
            queryset = queryset.filter(subscriber__in=list(readers.values_list("pk", flat=True)))
        return queryset, False

    @admin.display
    def reader(self, event: MailEvent) -> str:
        url = reverse("admin:subscriptions_subscriber_change", args=[event.subscriber_id])
        return format_html('<a href="{}">{}</a>', url, event.subscriber.email)

    @admin.display
    def digest(self, event: MailEvent) -> str:
        if event.delivery is None:
            return "none: another mail"
        url = reverse("admin:subscriptions_delivery_change", args=[event.delivery.pk])
        return format_html('<a href="{}">{}</a>', url, event.delivery.newest_day)

    @admin.display(boolean=True)
    def counted(self, event: MailEvent) -> bool:
        return event.applied_at is not None
