"""The admin's front page: what needs a person."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from subscriptions.flows.health import source_health
from subscriptions.models import DoubtfulPair, Submission


class Desk(admin.AdminSite):
    """Django's admin site, with a desk before its list of models."""

    site_header = site_title = "Paper Round"
    index_title = "The desk"
    enable_nav_sidebar = False

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {
            "sources": source_health(timezone.now()),
            "pairs": DoubtfulPair.objects.filter(status=DoubtfulPair.Status.OPEN).count(),
            "submissions": Submission.objects.filter(status=Submission.Status.WAITING).count(),
        }
        return super().index(request, context | (extra_context or {}))
