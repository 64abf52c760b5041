"""Letting days go out and holding them, from an edition's page and from the list."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import get_text_list
from django.views.decorators.http import require_http_methods, require_POST

from subscriptions.digests.due import first_and_last
from subscriptions.flows import releasing
from subscriptions.flows.curating import said
from subscriptions.flows.releasing import Answer
from subscriptions.masking import mask
from subscriptions.models import Edition, SendingPause
from subscriptions.notes import clean

Status = Edition.Status
REASON = Edition._meta.get_field("hold_reason").max_length or 0


def urls(editions: admin.ModelAdmin[Edition]) -> list[URLPattern]:
    """The addresses, for the admin of editions to add to its own."""
    view = editions.admin_site.admin_view

    def release_page(request: HttpRequest, pk: int) -> HttpResponse:
        return release(editions, request, pk)

    def hold_page(request: HttpRequest, pk: int) -> HttpResponse:
        return hold(editions, request, pk)

    return [
        path(
            "<int:pk>/release/",
            view(require_http_methods(["GET", "HEAD", "POST"])(release_page)),
            name="subscriptions_edition_release",
        ),
        path("<int:pk>/hold/", view(require_POST(hold_page)), name="subscriptions_edition_hold"),
    ]


def may_release(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.has_perms(["subscriptions.view_edition", "subscriptions.release_edition"]))


def standing(edition: Edition) -> str:
    """The state of a day, as editors know it."""
    held = edition.held_at and edition.status != Status.RELEASED
    if edition.status == Status.OPEN:
        return "open, held" if held else "open"
    return "held" if held else edition.status


def statement(edition: Edition, user: Any, now: dt.datetime) -> dict[str, Any]:
    """What a release of this day would do, to be read before the button is pressed."""
    context: dict[str, Any] = {"edition": edition, "state": standing(edition), "now": now}
    if edition.status == Status.RELEASED:
        return context
    readers = releasing.readers()
    days = releasing.goes_out(edition)
    approved = {one.approved_by for one in days}
    return context | {
        "days": days,
        "seen_days": releasing.version(days),
        "holds": [one for one in days if one.held_at],
        "held_before": releasing.held_before(edition.day),
        "readers": readers,
        "sent": first_and_last(edition.day, now),
        "pause": SendingPause.objects.first(),
        "by_itself": not settings.EDITIONS_NEED_APPROVAL,
        "needs_two": releasing.needs_two(readers),
        "limit": settings.TWO_RELEASE_ABOVE,
        "first": next(iter(approved)) if len(approved) == 1 else None,
        "mine": approved == {user},
        "may_release": user.has_perm("subscriptions.release_edition"),
        "reason_length": REASON,
    }


def release(editions: admin.ModelAdmin[Edition], request: HttpRequest, pk: int) -> HttpResponse:
    """Says what it would do, and by a POST does it."""
    if not may_release(request):
        raise PermissionDenied
    edition = get_object_or_404(Edition.objects.select_related("approved_by"), pk=pk)
    user: Any = request.user
    if request.method == "POST":
        done = _release(request, edition, timezone.now())
        return redirect(f"admin:subscriptions_edition_{'change' if done else 'release'}", pk)
    context = {
        **editions.admin_site.each_context(request),
        **statement(edition, user, timezone.now()),
        "opts": editions.opts,
        "title": f"Release {said(edition.day)}",
    }
    return TemplateResponse(request, "admin/subscriptions/edition/release.html", context)


def _release(request: HttpRequest, edition: Edition, now: dt.datetime) -> bool:
    """Release it and say so; False where it is another than the editor had seen."""
    user: Any = request.user
    day = said(edition.day)
    seen = request.POST.get("seen_days", "")
    answer, days = releasing.release(edition.day, user, seen, now)
    if answer is Answer.CHANGED:
        news = "; ".join(releasing.differences(seen, days))
        told = f"Nothing is done, as it is not what you had seen: {news}. This is how it is now."
        messages.warning(request, told)
        return False
    also = f" with {len(days) - 1} before it" if len(days) > 1 else ""
    logged, told, level = {
        Answer.RELEASED: ("Released", f"{day} is released{also}.", messages.SUCCESS),
        Answer.HOLD_ENDED: ("Hold ended", f"{day} is not held any more.", messages.SUCCESS),
        Answer.APPROVED: (
            "Approved as the first of two",
            f"You approved {day}{also}. Another editor must release it, too: nothing is out yet.",
            messages.SUCCESS,
        ),
        Answer.ANOTHER_WANTED: (
            "",
            f"You approved {day} before. Now another editor must release it.",
            messages.WARNING,
        ),
        Answer.NOT_OVER: (
            "",
            f"{day} is open: a day is released when it is over, at midnight UTC.",
            messages.WARNING,
        ),
        Answer.OUT: ("", f"{day} is released already.", messages.WARNING),
    }[answer]
    if logged:
        up_to = f" up to {edition.day}" if len(days) > 1 else ""
        LogEntry.objects.log_actions(user.pk, days, CHANGE, f"{logged}{up_to}")
    messages.add_message(request, level, told)
    return True


def hold(editions: admin.ModelAdmin[Edition], request: HttpRequest, pk: int) -> HttpResponse:
    """Hold one day, for a reason."""
    if not may_release(request):
        raise PermissionDenied
    edition = get_object_or_404(Edition, pk=pk)
    hold_days(request, [edition], request.POST.get("reason", ""))
    return redirect("admin:subscriptions_edition_change", pk)


def hold_days(request: HttpRequest, editions: Iterable[Edition], reason: str) -> None:
    """Hold what is not out, and say what became of each."""
    reason = " ".join(clean(reason).split())
    if not reason or len(reason) > REASON:
        wrong = f"{len(reason)} characters; it has at most {REASON}" if reason else "there is none"
        messages.error(request, f"Reason for a hold: {wrong}. Nothing is held yet.")
        return
    user: Any = request.user
    now = timezone.now()
    done = [(edition, releasing.hold(edition.day, reason, now)) for edition in editions]
    held = [edition for edition, was_held in done if was_held]
    left = [edition for edition, was_held in done if not was_held]
    if held:
        LogEntry.objects.log_actions(user.pk, held, CHANGE, f"Held: {mask(reason)}")
        names = get_text_list([said(one.day) for one in held], "and")
        messages.success(request, f"{names} held: nothing goes out from there on.")
    if left:
        names = get_text_list([said(one.day) for one in left], "and")
        messages.warning(request, f"Left alone, as released or held already: {names}.")
