"""An edition's digest before it goes out: as any reader, checked, and sent to its editor."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from subscriptions import notes
from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.digests.phone import inbox_row
from subscriptions.digests.preview import Preview, edition_digest, topics_digest
from subscriptions.digests.send_test import send_test
from subscriptions.flows.curating import said
from subscriptions.masking import mask_email
from subscriptions.models import Edition, Subscriber, Suppression, Topic

from .board_changes import is_pk, need
from .previews import frame, shown, with_frames

FOLDER = "admin/subscriptions/edition"
INTRO = Edition._meta.get_field("intro").max_length or 0
TESTS, HOUR = 20, dt.timedelta(hours=1)
"""So many tests one editor may send in an hour."""
LOGGED = "Test sent to"
Cadence = Subscriber.Cadence


@dataclass(frozen=True)
class Audience:
    """Who the digest is for: a subscriber, or somebody made up who follows topics or nothing."""

    subscriber: Subscriber | None
    topics: list[Topic]
    cadence: str
    """Empty: the subscriber's own."""

    def digest(self, edition: Edition, now: dt.datetime) -> Preview:
        if self.subscriber is None:
            cadence = self.cadence or Cadence.WEEKLY
            return topics_digest(cadence, self.topics, edition.day, now)
        self.subscriber.cadence = self.cadence or self.subscriber.cadence
        return edition_digest(self.subscriber, edition.day, now)


class AudienceForm(forms.Form):
    """Asks for it; its answer is a query, in which a subscriber is a number and no address."""

    who = forms.ChoiceField(
        label="As",
        choices=[
            ("nobody", "A reader with no interests"),
            ("topics", "A follower of topics"),
            ("subscriber", "A subscriber"),
        ],
        widget=forms.RadioSelect,
    )
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.none(),
        label="Topics",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    subscriber = forms.CharField(
        label="Subscriber", required=False, help_text="The whole address, or the number."
    )
    cadence = forms.ChoiceField(
        label="Cadence",
        choices=[("", "Weekly, or as the subscriber chose"), *Cadence.choices],
        required=False,
    )

    def __init__(self, *args: Any, any_subscriber: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["topics"].queryset = Topic.objects.offered().only("name")
        if not any_subscriber:
            fields["who"].choices = fields["who"].choices[:2]
            del fields["subscriber"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("who") == "topics" and not data.get("topics"):
            self.add_error("topics", "Choose one at least.")
        if data.get("who") == "subscriber":
            named = data.get("subscriber", "").strip()
            found = Subscriber.objects.with_email(named)
            if is_pk(named):
                found = Subscriber.objects.filter(pk=int(named))
            data["subscriber"] = found.first()
            if data["subscriber"] is None:
                self.add_error("subscriber", "No subscriber has this number or whole address.")
        return data

    def query(self) -> str:
        """Of the preview page."""
        data = self.cleaned_data
        query: dict[str, Any] = {}
        if data["who"] == "topics":
            query["topics"] = [topic.pk for topic in data["topics"]]
        if data["who"] == "subscriber":
            query["subscriber"] = data["subscriber"].pk
        if data["cadence"]:
            query["cadence"] = data["cadence"]
        return urlencode(query, doseq=True)


def urls(editions: admin.ModelAdmin[Edition]) -> list[URLPattern]:
    """The addresses, for the admin of editions to add to its own."""
    view, name = editions.admin_site.admin_view, "subscriptions_edition"

    def of(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def found(request: HttpRequest, pk: int) -> HttpResponse:
            return page(editions, request, _edition(request, pk))

        return found

    return [
        path("intro/", view(require_POST(intro)), name=f"{name}_intro"),
        path(
            "<int:pk>/preview/",
            view(require_http_methods(["GET", "HEAD", "POST"])(with_frames(of(page)))),
            name=f"{name}_preview",
        ),
        path(
            "<int:pk>/preview.html",
            view(require_safe(of(html))),
            name=f"{name}_preview_html",
        ),
        path("<int:pk>/row/", view(require_safe(of(row))), name=f"{name}_row"),
        path("<int:pk>/test/", view(require_POST(of(test))), name=f"{name}_test"),
    ]


def intro(request: HttpRequest) -> HttpResponse:
    """An intro as readers will see it, while it is written."""
    need(request, "view_edition")
    text = request.POST.get("intro", "")
    return render(request, f"{FOLDER}/_intro.html", {"intro": intro_shown(text)})


def intro_shown(text: str) -> dict[str, Any]:
    """What ``_intro.html`` wants to know: the HTML, and how many characters are left."""
    left = INTRO - len(text)
    return {"html": notes.html(text) if left >= 0 else SafeString(), "left": left, "over": -left}


def row(editions: Any, request: HttpRequest, edition: Edition) -> HttpResponse:
    """How the digest of who follows nothing reads in a phone's list of mails."""
    preview = Audience(None, [], "").digest(edition, timezone.now())
    return render(request, f"{FOLDER}/_row.html", {"row": inbox_row(preview.digest)})


def page(editions: Any, request: HttpRequest, edition: Edition) -> HttpResponse:
    """The digest with this day as its newest; a POST asks for another audience."""
    user: Any = request.user
    anybody = user.has_perm("subscriptions.preview_subscriber")
    audience = _audience(request)
    form = AudienceForm(request.POST or None, any_subscriber=anybody, initial=_as_asked(audience))
    if form.is_valid():
        return redirect(f"{request.path}?{form.query()}")
    preview = audience.digest(edition, timezone.now())
    context = {
        **editions.admin_site.each_context(request),
        **shown(request, preview, audience.topics),
        "opts": editions.opts,
        "title": f"Preview of {said(edition.day)}",
        "edition": edition,
        "audience": audience,
        "form": form,
        "frame_url": reverse("admin:subscriptions_edition_preview_html", args=[edition.pk]),
        "may_test": user.has_perm("subscriptions.change_edition"),
        "may_set_address": user.has_perm("auth.change_user"),
    }
    return TemplateResponse(request, f"{FOLDER}/preview.html", context)


def html(editions: Any, request: HttpRequest, edition: Edition) -> HttpResponse:
    """What a frame of the page shows."""
    return frame(request, _audience(request).digest(edition, timezone.now()))


def test(editions: Any, request: HttpRequest, edition: Edition) -> HttpResponse:
    """Send the digest to its editor, and show what the mail server says."""
    need(request, "change_edition")
    user: Any = request.user
    back = f"{reverse('admin:subscriptions_edition_preview', args=[quote(edition.pk)])}"
    audience, now = _audience(request), timezone.now()
    if refused := _refused(user, now):
        messages.error(request, refused)
    else:
        # Counted before it is sent, so that many at once are counted, too.
        editions.log_change(request, edition, f"{LOGGED} {mask_email(user.email)}")
        outcome = send_test(audience.digest(edition, now).digest, user.email)
        messages.add_message(request, *_told(outcome, user.email))
    return redirect(f"{back}?{request.GET.urlencode()}")


def _refused(user: Any, now: dt.datetime) -> str:
    """Why this editor gets no test now; empty where they do."""
    if not user.email:
        return "Your login has no address to send a test to."
    if Suppression.objects.has(user.email):
        return "Your address is suppressed: it must not be mailed."
    sent = LogEntry.objects.filter(
        user=user, action_time__gt=now - HOUR, change_message__startswith=LOGGED
    )
    if sent.count() >= TESTS:
        return f"You sent yourself {TESTS} tests within an hour. Wait a while before the next."
    return ""


def _told(outcome: Outcome, to: str) -> tuple[int, str]:
    if outcome.result is Result.SENT:
        return messages.SUCCESS, f"Test sent to {to}. The mail server said: {outcome.reply}"
    if outcome.result is Result.IN_DOUBT:
        return messages.WARNING, f"The test to {to} may have arrived: {outcome.reply}"
    return messages.ERROR, f"The test to {to} was not sent. {outcome.reply}"


def _edition(request: HttpRequest, pk: int) -> Edition:
    need(request, "view_edition")
    return get_object_or_404(Edition, pk=pk)


def _audience(request: HttpRequest) -> Audience:
    """As the query says. Raises Http404 for a subscriber who is not there."""
    query, subscriber = request.GET, None
    cadence = query.get("cadence", "")
    if "subscriber" in query:
        need(request, "preview_subscriber")
        pk = query["subscriber"]
        subscriber = get_object_or_404(Subscriber, pk=int(pk) if is_pk(pk) else 0)
    topics = [int(pk) for pk in query.getlist("topics") if is_pk(pk)]
    found = list(Topic.objects.filter(pk__in=topics)) if topics else []
    return Audience(subscriber, found, cadence if cadence in Cadence.values else "")


def _as_asked(audience: Audience) -> dict[str, Any]:
    """What the form shows of it."""
    who = "topics" if audience.topics else "nobody"
    return {
        "who": "subscriber" if audience.subscriber else who,
        "topics": audience.topics,
        "subscriber": audience.subscriber and audience.subscriber.pk,
        "cadence": audience.cadence,
    }
