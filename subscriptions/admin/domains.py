"""How mail to each receiving domain fares, and the pauses of domains."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_domain_name
from django.db.models import FloatField, QuerySet
from django.db.models.functions import Cast, Greatest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone

from subscriptions.digests import settle
from subscriptions.models import DomainDay, DomainPause, domain_of

from .fields import ReadOnlyAdmin
from .paging import LargeList

SPANS = {"1": "today", "": "7 days", "30": "30 days", "all": "all"}
"""Days that can be listed, by the value in the address."""


class DaysFilter(admin.SimpleListFilter):
    """The newest days; those that the brakes look at unless more are asked for."""

    title = "days"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(SPANS.items())

    def choices(self, changelist: Any) -> Iterator[Any]:
        for value, words in SPANS.items():
            yield {
                "selected": (self.value() or "") == value,
                "query_string": changelist.get_query_string({"days": value}),
                "display": words,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[DomainDay]) -> QuerySet[DomainDay]:
        if (value := self.value() or "") == "all":
            return queryset
        days = int(value) if value in SPANS and value else 7
        return queryset.filter(day__gt=timezone.now().date() - dt.timedelta(days=days))


@admin.register(DomainDay)
class DomainDayAdmin(LargeList, ReadOnlyAdmin):
    list_display = (
        "day", "domain", "sent", "hard", "soft", "ours", "complaint",
        "hard_share", "ours_share", "complaint_share",
    )  # fmt: skip
    list_display_links = None
    list_filter = (DaysFilter,)
    search_fields = ("domain",)
    search_help_text = "A domain, or a part of one"
    ordering = ("-day", "-sent", "domain")
    sortable_by: ClassVar[tuple[str, ...]] = list_display

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"title": "Mail by domain and day (UTC)"}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[DomainDay]:
        of: dict[str, Any] = {
            f"{name}_of": Cast(name, FloatField()) / Greatest("sent", name, 1)
            for name in ("hard", "ours", "complaint")
        }
        return DomainDay.objects.annotate(**of)

    @admin.display(description="hard, %", ordering="hard_of")
    def hard_share(self, row: Any) -> str:
        return _share(row.hard_of, row)

    @admin.display(description="ours, %", ordering="ours_of")
    def ours_share(self, row: Any) -> str:
        return _share(row.ours_of, row)

    @admin.display(description="complaints, %", ordering="complaint_of")
    def complaint_share(self, row: Any) -> str:
        return _share(row.complaint_of, row)


def _share(share: float, row: DomainDay) -> str:
    """None where nothing was sent that day: it is of what was sent on others."""
    return f"{share:.2%}" if row.sent else "–"


class PauseForm(forms.ModelForm[DomainPause]):
    domain = forms.CharField(max_length=253, help_text="As gmail.com: what follows the @.")

    class Meta:
        model = DomainPause
        fields = ("domain", "reason")

    def clean_domain(self) -> str:
        domain = domain_of(self.cleaned_data["domain"].strip())
        validate_domain_name(domain)
        if DomainPause.objects.active().filter(domain=domain).exists():
            raise ValidationError("Sending to it is paused already.")
        return domain


@admin.register(DomainPause)
class DomainPauseAdmin(LargeList, admin.ModelAdmin[Any]):
    """What has ended stays in the list, as do warnings and pauses of all sending."""

    list_display = ("of", "cause", "reason", "since", "ended_at", "told_at")
    list_filter = ("cause",)
    search_fields = ("domain",)
    ordering = ("-pk",)
    form = PauseForm
    change_list_template = "admin/subscriptions/domainpause/change_list.html"

    @admin.display(description="domain", empty_value="all")
    def of(self, pause: DomainPause) -> str | None:
        return pause.domain or None

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("of", *self.list_display[1:]) if obj else ("domain", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.list_display if obj else ()

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(self.end)
        return [path("<int:pk>/end/", end, name="subscriptions_domainpause_end"),
                *super().get_urls()]  # fmt: skip

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": "Pauses of domains",
            "paused": DomainPause.objects.active().order_by("domain"),
            "may_end": may_end(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: DomainPause, form: Any, change: bool) -> None:
        settle.pause_domain(obj.domain, obj.reason, timezone.now())
        obj.pk = DomainPause.objects.active().get(domain=obj.domain).pk
        obj.refresh_from_db()

    def end(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End the pause of a domain; what waited for that is tried at once."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not may_end(request):
            raise PermissionDenied
        pause = get_object_or_404(DomainPause, pk=pk)
        if settle.resume_domain(pause.domain, timezone.now()):
            self.log_change(request, pause, "Ended.")
            said = f"Sending to {pause.domain} goes on with the next tick."
            self.message_user(request, said, messages.SUCCESS)
        return redirect("admin:subscriptions_domainpause_changelist")


def may_end(request: HttpRequest) -> bool:
    """Who may end the pause of a domain."""
    return request.user.has_perm("subscriptions.change_domainpause")
