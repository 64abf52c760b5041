"""Editions: the workspace of a day, and the list of days."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import LogEntry
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.contenttypes.models import ContentType
from django.core.validators import MaxLengthValidator
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse_lazy
from django.utils import timezone
from django.utils.formats import date_format

from subscriptions import notes
from subscriptions.flows.approvals import touched
from subscriptions.models import Edition, Listing, Paper, Pick

from . import edition_figures, edition_preview, edition_release
from .desk import per_day
from .edition_release import hold_days, may_release, standing
from .history import History
from .paging import LargeList
from .stale import StaleSave

INTRO = Edition._meta.get_field("intro").max_length or 0
LINES = 6
"""So many of the log's lines stand on the page; all are in the history."""


class IntroForm(forms.ModelForm[Edition]):
    """The intro alone; the rest of an edition is not edited by hand."""

    # Without maxlength, by which a browser would cut off what is pasted, and not say so.
    intro = forms.CharField(
        label="Intro",
        required=False,
        validators=[MaxLengthValidator(INTRO)],
        help_text="A few words above the papers. Markdown: *emphasis*, **strong**,"
        " [words](https://…), lists.",
        widget=AdminTextareaWidget(
            {
                "rows": 6,
                "data-hx-post": reverse_lazy("admin:subscriptions_edition_intro"),
                "data-hx-trigger": "input changed delay:300ms",
                "data-hx-target": "#intro-shown",
            }
        ),
    )

    class Meta:
        model = Edition
        fields = ("intro",)

    def clean_intro(self) -> str:
        return notes.clean(self.cleaned_data["intro"])


class StandingFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*Edition.Status.choices, ("held", "Held")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Edition]) -> QuerySet[Edition]:
        if self.value() == "held":
            return queryset.filter(held_at__isnull=False)
        if self.value() in Edition.Status.values:
            return queryset.filter(status=self.value())
        return queryset


class HoldForm(ActionForm):
    reason = forms.CharField(label="Reason for a hold", max_length=200, required=False)


@admin.register(Edition)
class EditionAdmin(LargeList, StaleSave, History):
    list_display = ("the_day", "state", "papers", "picks", "intro_begins")
    list_filter = (StandingFilter,)
    sortable_by = ("the_day",)
    list_per_page = 31
    form = IntroForm
    fields = ("intro",)
    actions = ("release", "hold")
    action_form = HoldForm

    class Media:
        css = {"all": ["paper-round/edition.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_release_permission(self, request: HttpRequest) -> bool:
        return may_release(request)

    def get_urls(self) -> list[URLPattern]:
        return [
            *edition_release.urls(self),
            *edition_preview.urls(self),
            *edition_figures.urls(self),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Edition]:
        editions: QuerySet[Edition] = super().get_queryset(request).select_related("approved_by")
        return editions

    def of_page(self, rows: QuerySet[Edition]) -> list[Edition]:
        return _counted(rows)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"title": "Editions", **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        edition, form = context["original"], context["adminform"].form
        written = form["intro"].value() if "intro" in form.fields else edition.intro
        context |= {
            "counted": _counted([edition])[0],
            "title": f"Edition of {date_format(edition.day, 'l j F Y')}",
            "subtitle": None,
            "picks": Pick.objects.filter(day=edition.day)
            .select_related("paper")
            .prefetch_related("topics")
            .order_by("position", "pk"),
            "hidden": Listing.objects.filter(day=edition.day)
            .exclude(paper__hidden=Paper.Hidden.NO)
            .aggregate(n=Count("paper", distinct=True))["n"],
            "log": _log(edition),
            "intro": edition_preview.intro_shown(written or ""),
            **edition_release.statement(edition, request.user, timezone.now()),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Edition, form: Any, change: Any) -> None:
        obj.save(update_fields=form.changed_data)  # its status may have moved on meanwhile
        if form.changed_data:
            touched([obj.day])
            if obj.approved_by_id and obj.status != Edition.Status.RELEASED:
                said = "The approval was of another intro: two editors must release this one."
                self.message_user(request, said, messages.WARNING)

    @admin.display(description="day", ordering="day")
    def the_day(self, edition: Edition) -> str:
        return date_format(edition.day, "D j F Y")

    @admin.display
    def state(self, edition: Edition) -> str:
        return standing(edition)

    @admin.display
    def papers(self, edition: Any) -> int:
        return edition.paper_count  # type: ignore[no-any-return]

    @admin.display
    def picks(self, edition: Any) -> int:
        return edition.pick_count  # type: ignore[no-any-return]

    @admin.display(description="intro")
    def intro_begins(self, edition: Edition) -> str:
        text = " ".join(notes.text(edition.intro).split())
        return text if len(text) <= 80 else f"{text[:80]}…"

    @admin.action(description="Release, with all closed days before", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[Edition]) -> HttpResponse | None:
        """Says first how many readers it is for; see ``edition_release``."""
        newest = queryset.order_by("-day").first()
        if newest is None:
            return None
        return redirect("admin:subscriptions_edition_release", newest.pk)

    @admin.action(description="Hold, for the reason given", permissions=["release"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Edition]) -> None:
        hold_days(request, list(queryset), request.POST.get("reason", ""))


def _counted(editions: Iterable[Edition]) -> list[Any]:
    """Editions with how many papers they have and how many picks: two queries."""
    counted = list(editions)
    days = [edition.day for edition in counted]
    for name, rows in (("paper_count", Listing.objects), ("pick_count", Pick.objects)):
        counts = per_day(rows.filter(day__in=days))
        for edition in counted:
            setattr(edition, name, counts.get(edition.day, 0))
    return counted


def _log(edition: Edition) -> QuerySet[LogEntry]:
    about = ContentType.objects.get_for_model(Edition)
    entries = LogEntry.objects.filter(content_type=about, object_id=str(edition.pk))
    return entries.select_related("user").order_by("-action_time", "-pk")[:LINES]
