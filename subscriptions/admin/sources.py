"""What the sources brought, and pairs of papers that may be one."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from subscriptions.flows.twins import settle
from subscriptions.models import DoubtfulPair, Paper, SourceRun

from .fields import ReadOnlyAdmin
from .paging import LargeList


@admin.register(SourceRun)
class SourceRunAdmin(LargeList, ReadOnlyAdmin):
    list_display = (
        "started_at", "feed_or_file", "origin", "status", "new", "updated", "unchanged", "rejected",
        "newest_day", "error",
    )  # fmt: skip
    list_filter = ("status", "feed", "source")
    ordering = ("-started_at",)
    exclude = ("rejections", "listed")
    readonly_fields = ("refused", "by_day")

    @admin.display(description="source")
    def feed_or_file(self, run: SourceRun) -> str:
        name = run.feed or f"file of {run.source}"
        return f"{name}:{run.part}" if run.part else name

    @admin.display(description="rejected, with reasons")
    def refused(self, run: SourceRun) -> SafeString:
        rows = format_html_join("", "<li>record {}: {}</li>", run.rejections)
        return format_html("<ul>{}</ul>", rows)

    @admin.display(description="papers by day")
    def by_day(self, run: SourceRun) -> SafeString:
        rows = format_html_join("", "<li>{}: {}</li>", sorted(run.listed.items(), reverse=True))
        return format_html("<ul>{}</ul>", rows)


@admin.register(DoubtfulPair)
class DoubtfulPairAdmin(LargeList, ReadOnlyAdmin):
    """Which of them are one paper is settled by actions on the list."""

    list_display = ("title", "first", "second", "status", "found_at")
    list_display_links = None
    list_filter = ("status",)
    list_select_related = ("paper", "other")
    ordering = ("-status", "-found_at")
    actions = ("same", "different")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For the actions; nothing has a form."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request)

    @admin.display(description="title")
    def title(self, pair: DoubtfulPair) -> str:
        return pair.paper.title

    @admin.display(description="here first")
    def first(self, pair: DoubtfulPair) -> SafeString:
        return _shown(pair.paper)

    @admin.display(description="came later")
    def second(self, pair: DoubtfulPair) -> SafeString:
        return _shown(pair.other)

    @admin.action(
        description="One paper: hide the later one as a duplicate", permissions=["change"]
    )
    def same(self, request: HttpRequest, queryset: QuerySet[DoubtfulPair]) -> None:
        self._settle(request, queryset, DoubtfulPair.Status.SAME)

    @admin.action(description="Two papers: keep both", permissions=["change"])
    def different(self, request: HttpRequest, queryset: QuerySet[DoubtfulPair]) -> None:
        self._settle(request, queryset, DoubtfulPair.Status.DIFFERENT)

    def _settle(
        self, request: HttpRequest, queryset: QuerySet[DoubtfulPair], status: DoubtfulPair.Status
    ) -> None:
        pairs = list(queryset.select_related("paper", "other"))
        settle(pairs, status)
        for pair in pairs:
            self.log_change(request, pair, f"Now {status.label}.")
        self.message_user(request, f"{len(pairs)} settled as {status.label}.", messages.SUCCESS)


def _shown(paper: Paper) -> SafeString:
    """Where it is, by whom, and what it is known by."""
    names = ", ".join(paper.authors[:3]) + (" …" if len(paper.authors) > 3 else "")
    own = "" if (paper.own_id or "").startswith("title:") else paper.own_id
    known = paper.arxiv_id or paper.doi or own or "no id"
    return format_html(
        '<a href="{}">{}</a><br>{}', paper.abstract_url or paper.get_absolute_url(), known, names
    )
