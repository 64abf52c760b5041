"""Changing choices, and leaving: both by signed link, without a password."""

from zoneinfo import ZoneInfo

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from subscriptions import links
from subscriptions.flows import preferences as flow
from subscriptions.flows import private_feed
from subscriptions.masking import mask_email
from subscriptions.models import Subscriber
from subscriptions.web.forms import PreferencesForm
from subscriptions.web.readers import reader_of

from .errors import link_problem


@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest, token: str) -> HttpResponse:
    subscriber = reader_of(request, links.PREFERENCES, token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    pk = subscriber.pk
    form = PreferencesForm(subscriber, request.POST or None)
    if form.is_valid():
        until, weights = form.cleaned_data["pause_until"], form.chosen_weights()
        flow.save_preferences(pk, form.choices(), until, timezone.now(), weights)
        return redirect(f"{request.path}?saved")
    next_digest_at = subscriber.next_digest_at
    key = subscriber.feed_key
    return render(
        request,
        "web/preferences.html",
        {
            "form": form,
            "token": token,
            "subscriber": subscriber,
            "saved": "saved" in request.GET and request.method != "POST",
            "next_digest_at": next_digest_at
            and next_digest_at.astimezone(ZoneInfo(subscriber.timezone)),
            "feed_url": links.absolute(reverse("private-feed", args=[key])) if key else "",
            "unsubscribe_url": links.UNSUBSCRIBE.url(pk),
        },
        status=422 if form.errors else 200,
    )


@csrf_exempt
@require_POST
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """Give the reader a private feed, a new address for it, or take it away."""
    subscriber = reader_of(request, links.PREFERENCES, token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    if request.POST.get("turn") == "off":
        private_feed.turn_off(subscriber.pk)
    else:
        private_feed.turn_on(subscriber.pk)
    return redirect(reverse("preferences", args=[token]) + "#feed")


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
        flow.unsubscribe(pk, timezone.now())
        return render(request, "web/unsubscribe.html", {"state": "done"})
    email = Subscriber.objects.filter(pk=pk).values_list("email", flat=True).first()
    return render(
        request,
        "web/unsubscribe.html",
        {"state": "ask", "masked": mask_email(email) if email else ""},
    )
