"""Signing up and confirming."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from subscriptions import links
from subscriptions.flows import subscribe as flow
from subscriptions.models import Edition, Paper, Subscriber, Topic
from subscriptions.tasks import answer_request
from subscriptions.web.enqueue import enqueue
from subscriptions.web.forms import SignupForm

from .errors import link_problem

TEASERS = 6


@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        form = SignupForm(request.POST)
        if form.is_valid():
            if not form.cleaned_data["website"]:  # the field that only robots see
                email, now = form.cleaned_data["email"], timezone.now()
                enqueue(answer_request, flow.request_subscription(email, form.choices(), now))
            return redirect("check-inbox")
    else:
        form = SignupForm(initial={"cadence": "weekly", "weekday": 0, "hour": 8, "timezone": "UTC"})
    day = _newest_day()
    papers = Paper.objects.visible().listed_between(day, day).with_votes() if day else None
    return render(
        request,
        "web/signup.html",
        {
            "form": form,
            "papers": papers.by_trend()[:TEASERS] if papers is not None else [],
            "edition_day": day,
        },
        status=422 if form.errors else 200,
    )


def _newest_day() -> dt.date | None:
    """The newest released day that has papers, of the last weeks."""
    released = Edition.objects.filter(status=Edition.Status.RELEASED).values_list("day", flat=True)
    days = list(released[:14])
    if not days:
        return None
    listed = Paper.objects.visible().filter(listings__day__in=days)
    return listed.order_by("-listings__day").values_list("listings__day", flat=True).first()


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "web/check_inbox.html")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; only its POST confirms."""
    try:
        pk = links.CONFIRM.read(token)
    except BadSignature as error:
        return link_problem(request, error)
    if request.method == "POST":
        flow.confirm(pk, timezone.now())
        return redirect("confirm", token)
    subscriber = Subscriber.objects.filter(pk=pk).first()
    return render(request, "web/confirm.html", _confirm_context(subscriber))


def _confirm_context(subscriber: Subscriber | None) -> dict[str, object]:
    status = Subscriber.Status
    if subscriber is None or subscriber.status not in (
        status.PENDING, status.ACTIVE, status.PAUSED,
    ):  # fmt: skip
        return {"state": "gone"}
    context: dict[str, object] = {
        "state": "pending" if subscriber.status == status.PENDING else "done",
        "subscriber": subscriber,
        "topics": [t.name for t in Topic.objects.filter(interest__subscriber=subscriber)],
    }
    if subscriber.next_digest_at:
        zone = ZoneInfo(subscriber.timezone)
        context["next_digest_at"] = subscriber.next_digest_at.astimezone(zone)
        context["preferences_url"] = links.PREFERENCES.url(subscriber.pk)
    return context
