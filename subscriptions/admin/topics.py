"""Topics, as editors offer them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from subscriptions.models import Topic

from .fields import LISTS_AS_LINES
from .history import History
from .stale import StaleSave


@admin.register(Topic)
class TopicAdmin(StaleSave, History):
    list_display = ("name", "group", "position", "status", "followers")
    list_editable = ("position",)
    list_filter = ("group", "status")
    search_fields = ("name", "description")
    prepopulated_fields = {"slug": ("name",)}
    formfield_overrides = LISTS_AS_LINES
    actions = ("retire", "offer")
    list_per_page = 200

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        active = Q(interest__subscriber__status="active")
        topics: QuerySet[Topic] = super().get_queryset(request)
        return topics.annotate(followed=Count("interest", filter=active))

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        """Only a topic that nobody follows; one that is followed is retired instead."""
        if obj is not None and obj.interest_set.exists():
            return False
        return super().has_delete_permission(request, obj)

    @admin.display(ordering="followed", description="active followers")
    def followers(self, topic: Any) -> int:
        return topic.followed  # type: ignore[no-any-return]

    @admin.action(description="Retire: keep for those who follow it, offer to nobody")
    def retire(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        queryset.update(status=Topic.Status.RETIRED)

    @admin.action(description="Offer again")
    def offer(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        queryset.update(status=Topic.Status.OFFERED)
