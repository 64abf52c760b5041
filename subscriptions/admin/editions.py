"""Editions and their picks."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from subscriptions.models import Edition, Listing, Paper, Pick


@admin.register(Edition)
class EditionAdmin(admin.ModelAdmin[Edition]):
    list_display = ("day", "status", "papers", "picks", "intro")
    list_filter = ("status",)
    readonly_fields = ("day", "status", "released_at", "its_picks")
    fields = ("day", "status", "released_at", "intro", "its_picks")
    actions = ("release",)
    list_per_page = 31

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Edition]:
        listed = Listing.objects.filter(day=OuterRef("day"), paper__hidden=Paper.Hidden.NO)
        picked = Pick.objects.filter(day=OuterRef("day"))

        def count(rows: QuerySet[Any]) -> Coalesce:
            total = rows.order_by().values("day").annotate(n=Count("paper", distinct=True))
            return Coalesce(Subquery(total.values("n"), output_field=IntegerField()), 0)

        editions = super().get_queryset(request)
        return editions.annotate(paper_count=count(listed), pick_count=count(picked))

    def save_model(self, request: HttpRequest, obj: Edition, form: Any, change: Any) -> None:
        obj.save(update_fields=form.changed_data)  # its status may have moved on meanwhile

    @admin.display(ordering="paper_count")
    def papers(self, edition: Any) -> int:
        return edition.paper_count  # type: ignore[no-any-return]

    @admin.display(ordering="pick_count")
    def picks(self, edition: Any) -> int:
        return edition.pick_count  # type: ignore[no-any-return]

    @admin.display(description="picks")
    def its_picks(self, edition: Edition) -> str:
        picks = Pick.objects.filter(day=edition.day).select_related("paper").order_by("position")
        rows = format_html_join(
            "",
            '<li><a href="{}">{}</a> {}</li>',
            (
                (reverse("admin:subscriptions_pick_change", args=[p.pk]), p.paper.title, p.note)
                for p in picks
            ),
        )
        return format_html("<ol>{}</ol>", rows) if rows else "none"

    @admin.action(description="Release, with all closed days before")
    def release(self, request: HttpRequest, queryset: QuerySet[Edition]) -> None:
        days = list(queryset.values_list("day", flat=True))
        count = Edition.objects.release(max(days), timezone.now())
        if max(days) >= timezone.now().date():
            self.message_user(
                request, "A day is released when it is over; today is still open.", messages.WARNING
            )
        self.message_user(request, f"{count} days released.", messages.SUCCESS)
