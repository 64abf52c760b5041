"""Papers of the week, ranked by trend, to pick and to hide."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.views.main import ORDER_VAR
from django.db import models, transaction
from django.db.models import Case, Exists, OuterRef, QuerySet, Subquery, When
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html

from subscriptions.flows.approvals import days_of, lock, touched
from subscriptions.flows.curating import Change
from subscriptions.flows.refused import Refused
from subscriptions.flows.search import named, search
from subscriptions.models import Listing, Paper, Pick, Source, SourceRun
from subscriptions.sources import source_label

from . import board, board_changes
from .fields import LISTS_AS_LINES
from .history import History
from .paging import LargeList
from .stale import StaleSave

WEEK = dt.timedelta(days=7)


class WhenFilter(admin.SimpleListFilter):
    """By listing day; this week unless asked otherwise."""

    title = "listed"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("today", "Today"), ("last", "The week before"), ("all", "At any time")]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            if choice["query_string"] == changelist.get_query_string(remove=[self.parameter_name]):
                choice["display"] = "In the last 7 days"
            yield choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        today = timezone.now().date()
        spans = {
            None: (today - WEEK + dt.timedelta(days=1), dt.date.max),
            "today": (today, dt.date.max),
            "last": (today - 2 * WEEK + dt.timedelta(days=1), today - WEEK),
        }
        span = spans.get(self.value())
        if span is None:
            return queryset
        listed = Listing.objects.filter(paper=OuterRef("pk"), day__range=span)
        return queryset.filter(Exists(listed))


class PickedFilter(admin.SimpleListFilter):
    title = "pick"
    parameter_name = "picked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Picked"), ("no", "Not picked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        picked = Exists(Pick.objects.filter(paper=OuterRef("pk")))
        return {"yes": queryset.filter(picked), "no": queryset.filter(~picked)}.get(
            self.value() or "", queryset
        )


class SourceFilter(admin.SimpleListFilter):
    """By who announced it, as readers know them."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        runs = SourceRun.objects.order_by().values_list("source", flat=True).distinct()
        known = sorted({*Source.values, *runs})  # listings are too many to look through
        return [(source, source_label(source)) for source in known]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Paper]) -> QuerySet[Paper]:
        if not self.value():
            return queryset
        listed = Listing.objects.filter(paper=OuterRef("pk"), source=self.value())
        return queryset.filter(Exists(listed))


class NoteForm(ActionForm):
    """The action bar, with room for a pick's note."""

    note = forms.CharField(
        required=False,
        max_length=1000,
        label="Note for a pick",
        widget=forms.TextInput(attrs={"size": 40}),
    )


@admin.register(Paper)
class PaperAdmin(LargeList, StaleSave, History):
    list_display = ("title", "first_author", "listed", "upvotes", "picked", "state", "read")
    list_filter = (WhenFilter, PickedFilter, "hidden", SourceFilter)
    search_fields = ("title",)  # see get_search_results
    search_help_text = "Words, or an arXiv id or DOI"
    ordering = ("-trend", "pk")
    sortable_by = ("upvotes",)
    action_form = NoteForm
    actions = ("pick", "unpick", "hide_off_topic", "hide_duplicate", "hide_withdrawn", "show")
    formfield_overrides = {**LISTS_AS_LINES, models.URLField: {"assume_scheme": "https"}}
    readonly_fields = ("first_seen",)

    def of_page(self, rows: QuerySet[Paper]) -> list[Paper]:
        newest = Listing.objects.filter(paper=OuterRef("pk")).order_by("-day")
        picks = Pick.objects.filter(paper=OuterRef("pk")).order_by("-day")
        papers = Paper.objects.with_votes().defer("abstract")
        pks = list(rows.values_list("pk", flat=True))
        found = papers.annotate(
            listed_on=Subquery(newest.values("day")[:1]),
            picked_on=Subquery(picks.values("day")[:1]),
        ).in_bulk(pks)
        return [found[pk] for pk in pks]

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[QuerySet[Paper], bool]:
        """By an id, or by words, the nearest first, among the papers that the filters leave."""
        if not search_term:
            return queryset, False
        paper = named(search_term, queryset)
        found = [paper.pk] if paper else search(search_term, queryset)
        queryset = queryset.filter(pk__in=found)
        if ORDER_VAR not in request.GET:
            places = [When(pk=pk, then=place) for place, pk in enumerate(found)]
            queryset = queryset.order_by(Case(*places, default=0))
        return queryset, False

    def get_urls(self) -> list[URLPattern]:
        return [*board.urls(self), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A paper that came back after deletion would be sent again; it is hidden instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Paper, form: Any, change: Any) -> None:
        if obj.first_seen is None:
            obj.first_seen = timezone.now()
        for name in ("arxiv_id", "doi", "own_id"):
            setattr(obj, name, getattr(obj, name) or None)
        super().save_model(request, obj, form, change)
        if form.changed_data:
            touched(days_of([obj.pk]))

    def _lock(self, pks: list[str]) -> None:
        lock(days_of([int(pk) for pk in pks if board_changes.is_pk(pk)]))
        super()._lock(pks)

    @admin.display(description="first author")
    def first_author(self, paper: Paper) -> str:
        return paper.authors[0] if paper.authors else ""

    @admin.display(description="listed")
    def listed(self, paper: Any) -> dt.date | None:
        return paper.listed_on  # type: ignore[no-any-return]

    @admin.display(description="upvotes", ordering="trend")
    def upvotes(self, paper: Paper) -> int:
        return paper.votes

    @admin.display(description="picked for")
    def picked(self, paper: Any) -> dt.date | None:
        return paper.picked_on  # type: ignore[no-any-return]

    @admin.display(description="state")
    def state(self, paper: Paper) -> str:
        return f"hidden: {paper.get_hidden_display()}" if paper.hidden else ""

    @admin.display(description="")
    def read(self, paper: Paper) -> str:
        return format_html('<a href="{}">read</a>', paper.abstract_url or paper.get_absolute_url())

    @admin.action(description="Pick for today’s edition, with the note")
    def pick(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        today, note = timezone.now().date(), request.POST.get("note", "")[:1000]

        def pick(papers: list[int]) -> tuple[Change, str]:
            return board_changes.pick(request, papers, today, today, note)

        self._do(request, queryset, pick)

    @admin.action(description="Take back today’s pick")
    def unpick(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        today = timezone.now().date()
        self._do(request, queryset, lambda pks: board_changes.take_back(request, pks, today))

    @admin.action(description="Hide: off topic")
    def hide_off_topic(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        self._hide(request, queryset, Paper.Hidden.OFF_TOPIC)

    @admin.action(description="Hide: duplicate")
    def hide_duplicate(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        self._hide(request, queryset, Paper.Hidden.DUPLICATE)

    @admin.action(description="Hide: withdrawn")
    def hide_withdrawn(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        self._hide(request, queryset, Paper.Hidden.WITHDRAWN)

    @admin.action(description="Show again")
    def show(self, request: HttpRequest, queryset: QuerySet[Paper]) -> None:
        self._hide(request, queryset, Paper.Hidden.NO)

    def _hide(self, request: HttpRequest, queryset: QuerySet[Paper], reason: Paper.Hidden) -> None:
        self._do(request, queryset, lambda pks: board_changes.hide(request, pks, reason))

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[Paper],
        change: Callable[[list[int]], tuple[Change, str]],
    ) -> None:
        """As on the board, where it can also be undone."""
        papers = list(queryset.values_list("pk", flat=True))
        try:
            with transaction.atomic():
                said = board_changes.tell(papers, *change(papers))
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
        else:
            self.message_user(request, said, messages.SUCCESS)
