"""Signing up and confirming."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core.signing import BadSignature, SignatureExpired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_page
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from subscriptions import links
from subscriptions.digests.proposal import Proposal, propose
from subscriptions.flows import subscribe as flow
from subscriptions.flows.choices import Choices
from subscriptions.models import Edition, Paper, Subscriber
from subscriptions.tasks import answer_request
from subscriptions.web import guards
from subscriptions.web.enqueue import enqueue
from subscriptions.web.forms import FOLLOWED, ChoicesForm, SignupForm
from subscriptions.web.readers import owner_of

from .errors import link_problem, too_many

TEASERS = 4
FRESH = {"cadence": "weekly", "weekday": 0, "hour": 8, "timezone": "UTC"}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """The front page: what it is, and the form.

    It sets no cookie and asks for no CSRF token: whoever can make somebody else's browser post
    this form could as well post it themselves.
    """
    if request.method == "POST":
        return _posted(request)
    return _front(request) if request.META.get("QUERY_STRING") else _kept_front(request)


def _front(request: HttpRequest) -> HttpResponse:
    followed = {"topics": request.GET.getlist("topics")}
    return _page(request, SignupForm(initial=FRESH | followed))


_kept_front = cache_page(60, cache="pages")(_front)


def _posted(request: HttpRequest) -> HttpResponse:
    form = SignupForm(request.POST)
    if "preview" in request.POST:  # the button for browsers without JavaScript
        form.is_valid()
        shown = _shown(request, form)
        page = _page(request, form, shown)
        return too_many(page, guards.PREVIEWS) if shown.refused else page
    if not form.is_valid():
        return _page(request, form, _shown(request, form), status=422)
    if not guards.allowed(guards.SIGN_UPS, guards.network(request)):
        form.add_error(None, _("Too many forms came from your network. Try again in an hour."))
        return too_many(_page(request, form, _shown(request, form)), guards.SIGN_UPS)
    email = form.cleaned_data["email"]
    robot = form.cleaned_data["website"]  # a field that only robots see
    if not robot and guards.allowed(guards.OF_ADDRESS, email):
        network = guards.network(request)
        enqueue(answer_request, flow.receive(email, form.choices(), network, timezone.now()))
    return redirect("check-inbox")


class _Shown(NamedTuple):
    """Of the preview."""

    proposal: Proposal | None = None
    refused: bool = False
    """Its network asks too often."""


_NOTHING = _Shown()


def _page(
    request: HttpRequest, form: SignupForm, shown: _Shown = _NOTHING, status: int = 200
) -> HttpResponse:
    week = Edition.objects.newest_week()
    day = week[-1] if week else None
    papers = Paper.objects.visible().listed_between(day, day).with_votes() if day else None
    return render(
        request,
        "web/signup.html",
        {
            "form": form,
            "previewed": "preview" in request.POST,
            **shown._asdict(),
            "papers": papers.by_trend()[:TEASERS] if papers is not None else [],
            "edition_day": day,
        },
        status=status,
    )


@csrf_exempt
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The part of the page that shows the digest of these choices; stores nothing."""
    form = ChoicesForm(request.POST)
    form.is_valid()
    shown = _shown(request, form)
    part = render(request, "web/_preview.html", shown._asdict())
    return too_many(part, guards.PREVIEWS) if shown.refused else part


def _shown(request: HttpRequest, form: ChoicesForm) -> _Shown:
    """What the valid choices would have brought; nothing where nothing is chosen."""
    if not any(form.cleaned_data.get(name) for name in FOLLOWED):
        return _NOTHING
    if not guards.allowed(guards.PREVIEWS, guards.network(request)):
        return _Shown(refused=True)
    choices: Choices = form.choices()
    subscriber = Subscriber()
    choices.apply_settings(subscriber)
    return _Shown(propose(subscriber, choices.interests(subscriber)))


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    return render(request, "web/check_inbox.html")


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; only its POST confirms."""
    try:
        subscriber = owner_of(links.CONFIRM, token)
        asked_at = subscriber.consent_asked_at if subscriber else None
        if asked_at and links.CONFIRM.made_at(token) < asked_at.replace(microsecond=0):
            raise SignatureExpired  # another form came since, with other choices
    except BadSignature as error:
        return link_problem(request, error)
    if subscriber and request.method == "POST":
        flow.confirm(subscriber.pk, timezone.now())
        return redirect("confirm", token)
    return render(request, "web/confirm.html", _confirm_context(subscriber))


def _confirm_context(subscriber: Subscriber | None) -> dict[str, object]:
    status = Subscriber.Status
    if subscriber is None or subscriber.status not in (
        status.PENDING, status.ACTIVE, status.PAUSED,
    ):  # fmt: skip
        return {"state": "gone"}
    interests = list(subscriber.interests.select_related("topic", "paper").order_by("pk"))
    context: dict[str, object] = {
        "state": "pending" if subscriber.status == status.PENDING else "done",
        "subscriber": subscriber,
        "schedule": flow.schedule_in_words(subscriber),
        "follows": [interest for interest in interests if interest.weight > 0],
        "muted": [interest for interest in interests if interest.weight < 0],
    }
    if subscriber.next_digest_at:
        now = timezone.now()
        at_once = subscriber.next_digest_at <= now
        context["on_its_way"] = at_once and bool(Edition.objects.newest_week())
        slot = subscriber.next_slot(now) if at_once else subscriber.next_digest_at
        context["next_digest_at"] = slot.astimezone(ZoneInfo(subscriber.timezone))
        context["preferences_url"] = links.PREFERENCES.url(subscriber.pk)
    return context
