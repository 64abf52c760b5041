"""Topics, as editors offer them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from subscriptions.flows.topics import followers, set_status
from subscriptions.flows.validation import arxiv_category, entries, phrase
from subscriptions.models import Topic

from .fields import LISTS_AS_LINES
from .topic_draft import DraftPage
from .topic_merge import MergePage

Status = Topic.Status


class TopicForm(forms.ModelForm[Topic]):
    """What is matched is checked as what readers follow is."""

    def clean_phrases(self) -> list[str]:
        return list(entries(self.cleaned_data["phrases"], phrase))

    def clean_categories(self) -> list[str]:
        return list(entries(self.cleaned_data["categories"], arxiv_category))


@admin.register(Topic)
class TopicAdmin(DraftPage, MergePage):
    list_display = ("name", "group", "position", "state", "followers", "workbench_link")
    list_editable = ("position",)
    list_filter = ("group", "status")
    search_fields = ("name", "description")
    prepopulated_fields = {"slug": ("name",)}
    formfield_overrides = LISTS_AS_LINES
    form = TopicForm
    actions = ("retire", "offer")
    list_per_page = 100
    show_full_result_count = False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without deleting many: one that is followed must not go, and most are."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        found = followers()
        counts = [When(pk=pk, then=Value(count)) for pk, count in found.counts.items()]
        followed = Case(*counts, default=Value(0), output_field=IntegerField())
        topics: QuerySet[Topic] = super().get_queryset(request).select_related("merged_into")
        return topics.annotate(followed=followed, about=Value(found.about))

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        """Only a topic that nobody follows and no pick is limited to: that would be for everyone.

        Another is retired instead.
        """
        if obj is not None and (obj.interest_set.exists() or obj.pick_set.exists()):
            return False
        return super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: Any) -> None:
        if obj.status == Status.OFFERED:
            obj.merged_into = None
        super().save_model(request, obj, form, change)

    @admin.display(ordering="followed", description="active followers")
    def followers(self, topic: Any) -> str:
        return f"{'about ' if topic.about and topic.followed else ''}{topic.followed:,}"

    @admin.display(description="state", ordering="status")
    def state(self, topic: Topic) -> str:
        return f"merged into {topic.merged_into}" if topic.merged_into else topic.status

    @admin.display(description="")
    def workbench_link(self, topic: Topic) -> str:
        url = reverse("admin:subscriptions_topic_workbench", args=[topic.pk])
        return format_html('<a href="{}">workbench</a>', url)

    @admin.action(
        description="Retire: keep for those who follow it, offer to nobody", permissions=["change"]
    )
    def retire(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        self._set_status(request, queryset, Status.RETIRED)

    @admin.action(description="Offer again", permissions=["change"])
    def offer(self, request: HttpRequest, queryset: QuerySet[Topic]) -> None:
        self._set_status(request, queryset, Status.OFFERED)

    def _set_status(self, request: HttpRequest, topics: QuerySet[Topic], status: Status) -> None:
        changed = set_status(Topic.objects.filter(pk__in=topics.values("pk")), status)
        for topic in changed:
            said = {"fields": ["Status"], "values": [(topic.status, status.value)]}
            self.log_change(request, topic, [{"changed": said}])
        self.message_user(request, f"{len(changed)} now {status.value}.", messages.SUCCESS)
