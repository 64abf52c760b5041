"""The admin site, with the desk as its front page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone


class Desk(admin.AdminSite):
    """Django's admin site, with a desk before its list of models."""

    site_header = site_title = "Paper Round"
    index_title = "The desk"
    enable_nav_sidebar = False

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from subscriptions.admin.desk import desk  # its package registers with this site

        context = desk(request.user, timezone.now())
        return super().index(request, context | (extra_context or {}))
