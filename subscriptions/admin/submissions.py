"""Papers that readers put forward, for an editor to accept or decline."""

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from subscriptions.flows.submissions import Decision, accept, decline
from subscriptions.models import Submission

from .fields import ReadOnlyAdmin
from .paging import LargeList


@admin.register(Submission)
class SubmissionAdmin(LargeList, ReadOnlyAdmin):
    """Decided by actions on the list; who put a paper forward is shown masked."""

    list_display = ("shown", "who", "status", "submitted_at", "decided_at")
    list_display_links = None
    list_filter = ("status",)
    search_fields = ("arxiv_id", "paper__title")
    ordering = ("-status", "-submitted_at")
    actions = ("accept", "decline")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For the actions; nothing has a form."""
        return obj is None and admin.ModelAdmin.has_change_permission(self, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        # Joins would go through all readers.
        return Submission.objects.prefetch_related("paper", "subscriber")

    @admin.display(description="paper")
    def shown(self, submission: Submission) -> str:
        paper = submission.paper
        state = "not here yet" if paper is None else paper.hidden and f"hidden: {paper.hidden}"
        return format_html(
            '<a href="https://arxiv.org/abs/{}">{}</a>{}',
            submission.arxiv_id,
            paper.title if paper else submission.arxiv_id,
            f" ({state})" if state else "",
        )

    @admin.display(description="who")
    def who(self, submission: Submission) -> str:
        return str(submission.subscriber)

    @admin.action(description="Accept, for today’s edition", permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        now, counts = timezone.now(), Counter[Decision]()
        for submission in queryset.order_by("pk"):
            decision = accept(submission.pk, now)
            counts[decision] += 1
            if decision is Decision.ACCEPTED:
                self.log_change(request, submission, "Accepted.")
        for decision, count in counts.items():
            level = messages.SUCCESS if decision is Decision.ACCEPTED else messages.WARNING
            self.message_user(request, f"{count} {decision.value}.", level)

    @admin.action(description="Decline", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        waiting = list(queryset.filter(status=Submission.Status.WAITING))
        count = decline([submission.pk for submission in waiting], timezone.now())
        for submission in waiting:
            self.log_change(request, submission, "Declined.")
        self.message_user(request, f"{count} declined.", messages.SUCCESS)
