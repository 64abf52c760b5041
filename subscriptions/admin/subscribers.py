"""Subscribers: found, looked at, and changed as far as that is not the reader's own."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator

from subscriptions.digests.preview import coming_digest
from subscriptions.flows import staff_choices
from subscriptions.models import Delivery, Interest, Section, Subscriber

from . import growth
from .board_changes import need
from .decisions import Decisions
from .fields import address_in
from .history import History
from .interests import InterestInline
from .paging import LargeList
from .previews import frame, shown, with_frames
from .stale import StaleSave
from .subscriber_files import SubscriberFiles
from .subscriber_page import page_of
from .why import WhyPage


class SubscriberForm(forms.ModelForm[Subscriber]):
    sections_off = forms.MultipleChoiceField(
        label="Sections not wanted",
        choices=Section.choices,
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )


@admin.register(Subscriber)
class SubscriberAdmin(LargeList, SubscriberFiles, Decisions, WhyPage, StaleSave, History):
    list_display = (
        "email", "status", "cadence", "follows", "next_digest", "last_delivery",
    )  # fmt: skip
    list_filter = ("status", "cadence")
    search_fields = ("email",)
    search_help_text = "An address or its beginning, or a subscriber’s number"
    ordering = ("-pk",)
    form = SubscriberForm
    inlines = (InterestInline,)
    fieldsets = (
        ("When", {"fields": ("cadence", "weekday", "hour", "timezone")}),
        ("Digests", {"fields": ("max_papers", "sections_off", "text_only")}),
    )
    names_only = True
    import_export_change_list_template = "admin/subscriptions/subscriber/change_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody is signed up by hand: consent is the reader's own."""
        return False

    def of_page(self, rows: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        follows = Interest.objects.filter(subscriber=OuterRef("pk"), weight__gt=0)
        counted = follows.order_by().values("subscriber").annotate(n=Count("pk"))
        deliveries = Delivery.objects.filter(subscriber=OuterRef("pk")).order_by("-newest_day")
        readers = Subscriber.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
        return readers.annotate(
            followed=Subquery(counted.values("n")),
            last_status=Subquery(deliveries.values("status")[:1]),
        ).order_by(*self.ordering)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        typed = address_in(search_term)
        return (queryset.found_by(typed) if typed else queryset), False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        reader = self.get_object(request, object_id or "")
        more: dict[str, Any] = {"show_delete": False}  # *Erase* is among the buttons
        if reader is not None and self.has_view_permission(request, reader):
            may = self.decisions_for(request).items()
            decisions = {name: one for name, one in may if reader.status in one.statuses}
            more |= {"title": reader.email, "subtitle": None, "reader": reader}
            more |= {"decisions": decisions, **page_of(reader, request.GET, timezone.now())}
        return super().changeform_view(
            request, object_id, form_url, {**more, **(extra_context or {})}
        )

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: Any) -> None:
        values = {name: getattr(obj, name) for name in form.changed_data}
        staff_choices.change(obj.pk, values, timezone.now())

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            *growth.urls(self),
            path("<int:pk>/preview/", view(self.preview), name="subscriptions_subscriber_preview"),
            path(
                "<int:pk>/preview.html",
                view(self.preview_html),
                name="subscriptions_subscriber_preview_html",
            ),
            *super().get_urls(),
        ]

    @method_decorator(with_frames)
    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The coming digest of one reader."""
        subscriber = self._get(request, pk)
        context = {
            **self.admin_site.each_context(request),
            **shown(request, coming_digest(subscriber, timezone.now())),
            "opts": self.opts,
            "title": f"Coming digest of {subscriber.email}",
            "subscriber": subscriber,
            "frame_url": reverse("admin:subscriptions_subscriber_preview_html", args=[pk]),
        }
        return TemplateResponse(request, "admin/subscriptions/subscriber/preview.html", context)

    def preview_html(self, request: HttpRequest, pk: int) -> HttpResponse:
        return frame(request, coming_digest(self._get(request, pk), timezone.now()))

    def _get(self, request: HttpRequest, pk: int) -> Subscriber:
        need(request, "view_subscriber", "preview_subscriber")
        subscriber: Subscriber | None = self.get_object(request, str(pk))
        if subscriber is None:
            raise Http404
        return subscriber

    @admin.display
    def follows(self, subscriber: Any) -> int:
        return subscriber.followed or 0

    @admin.display(description="next digest (UTC)", empty_value="none")
    def next_digest(self, subscriber: Subscriber) -> str:
        slot = subscriber.next_digest_at
        return f"{slot.astimezone(dt.UTC):%Y-%m-%d %H:%M}" if slot else ""

    @admin.display(description="last delivery", empty_value="none yet")
    def last_delivery(self, subscriber: Any) -> str | None:
        return subscriber.last_status and Delivery.Status(subscriber.last_status).label
