"""Changing choices, and leaving: both by signed link, without a password."""

from zoneinfo import ZoneInfo

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from subscriptions import links
from subscriptions.flows import preferences as flow
from subscriptions.masking import mask_email
from subscriptions.models import Subscriber
from subscriptions.web.forms import PreferencesForm

from .errors import link_problem


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    try:
        pk = links.PREFERENCES.read(token)
    except BadSignature as error:
        return link_problem(request, error)
    subscriber = Subscriber.objects.filter(
        pk=pk, status__in=[Subscriber.Status.ACTIVE, Subscriber.Status.PAUSED]
    ).first()
    if subscriber is None:
        return render(request, "web/confirm.html", {"state": "gone"})
    form = PreferencesForm(subscriber, request.POST or None)
    if form.is_valid():
        until = form.cleaned_data["pause_until"]
        flow.save_preferences(pk, form.choices(), until, timezone.now())
        return redirect(f"{request.path}?saved")
    next_digest_at = subscriber.next_digest_at
    return render(
        request,
        "web/preferences.html",
        {
            "form": form,
            "subscriber": subscriber,
            "saved": "saved" in request.GET and request.method != "POST",
            "next_digest_at": next_digest_at
            and next_digest_at.astimezone(ZoneInfo(subscriber.timezone)),
            "unsubscribe_url": links.UNSUBSCRIBE.url(pk),
        },
        status=422 if form.errors else 200,
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; its POST, or a mail program's one-click POST (RFC 8058), leaves.

    No cookie and no CSRF token is asked for: the signature in the link is the proof. An
    erased reader gets the same answer.
    """
    try:
        pk = links.UNSUBSCRIBE.read(token)
    except BadSignature as error:
        return link_problem(request, error)
    if request.method == "POST":
        flow.unsubscribe(pk)
        return render(request, "web/unsubscribe.html", {"state": "done"})
    email = Subscriber.objects.filter(pk=pk).values_list("email", flat=True).first()
    return render(
        request,
        "web/unsubscribe.html",
        {"state": "ask", "masked": mask_email(email) if email else ""},
    )
