"""The staff's own logins: who may change them, and who must wait after too many wrong ones."""

from typing import Any

from axes.admin import AccessAttemptAdmin
from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

admin.site.unregister((AccessAttempt, AccessFailureLog, User))  # no failure is written twice


@admin.register(AccessAttempt)
class AttemptAdmin(AccessAttemptAdmin):  # type: ignore[misc]
    """Logins that failed; who deletes one lets somebody in again. The tick forgets old ones."""

    actions = ()


@admin.register(User)
class StaffAdmin(UserAdmin[User]):
    """Operators see to logins and roles; only a superuser touches superusers and what they have."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _is_super(request) else (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        above = obj is not None and obj.is_superuser and not _is_super(request)
        return not above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Not of one whose changes are in the log, which would go too: make them inactive."""
        above = obj is not None and obj.is_superuser and not _is_super(request)
        logged = obj is not None and LogEntry.objects.filter(user=obj).exists()
        return not (above or logged) and super().has_delete_permission(request, obj)


def _is_super(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


@receiver(user_logged_in)
def end_with_the_browser(request: HttpRequest, **of_signal: Any) -> None:
    """A login lasts as long as the browser is open, and SESSION_COOKIE_AGE at most."""
    request.session.set_expiry(0)


def locked_out(request: HttpRequest, *of_axes: Any) -> HttpResponse:
    """The answer to a login after too many wrong ones, whether that name exists or not."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins",
        "failures": settings.AXES_FAILURE_LIMIT,
        "minutes": minutes,
    }
    response = render(request, "admin/locked_out.html", context, status=429)
    response["Retry-After"] = str(minutes * 60)
    add_never_cache_headers(response)
    return response
