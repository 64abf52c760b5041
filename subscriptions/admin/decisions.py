"""The buttons for one subscriber, and the same for many of the list."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from subscriptions import tasks
from subscriptions.flows import staff_choices
from subscriptions.flows.erase import erase
from subscriptions.flows.refused import Refused
from subscriptions.models import READING, Subscriber, Suppression

AT_ONCE = 1_000

Status = Subscriber.Status

Act = Callable[[Subscriber, dt.date | None, dt.datetime], object]


@dataclass(frozen=True)
class Decision:
    """One thing that staff can do for readers."""

    label: str
    """On its button."""
    done: str
    permission: str
    act: Act
    """Raises Refused where it makes no sense for this reader."""
    asks: str = ""
    """What is said before it is done; where empty, it is done at once."""
    needs_day: bool = False
    statuses: Collection[str] = tuple(Status)
    """Of readers whose page has the button."""


class DayForm(forms.Form):
    until = forms.DateField(
        label="First day of digests again",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "Choose the first day of digests again."},
    )


def _ask_again(reader: Subscriber, _: object, now: dt.datetime) -> None:
    request = staff_choices.ask_again(reader.pk, now)
    # Where the queue cannot be reached, the next tick finds the request.
    transaction.on_commit(partial(tasks.answer_request.delay, request), robust=True)


def _pause(reader: Subscriber, until: dt.date | None, now: dt.datetime) -> None:
    staff_choices.pause(reader.pk, until or dt.date.min, now)


DECISIONS = {
    "resend": Decision(
        "Resend the confirmation",
        "Confirmation asked for again",
        "change_subscriber",
        _ask_again,
        statuses=(Status.PENDING,),
    ),
    "pause": Decision(
        "Pause",
        "Paused",
        "change_subscriber",
        _pause,
        "Nothing is sent until the day you choose; digests then bring what was missed, a week"
        " at most. Readers can end the pause themselves.",
        needs_day=True,
        statuses=READING,
    ),
    "end_pause": Decision(
        "End the pause",
        "Pause ended",
        "change_subscriber",
        lambda reader, _, now: staff_choices.end_pause(reader.pk, now),
        statuses=(Status.PAUSED,),
    ),
    "unsubscribe": Decision(
        "Unsubscribe",
        "Unsubscribed",
        "change_subscriber",
        lambda reader, _, now: staff_choices.unsubscribe(reader.pk, now),
        "Mail stops at once. Only readers themselves can come back, by signing up and confirming.",
        statuses=(Status.PENDING, *READING),
    ),
    "suppress": Decision(
        "Suppress",
        "Suppressed",
        "add_suppression",
        lambda reader, _, now: staff_choices.suppress(
            reader.email, Suppression.Reason.OPERATOR, now
        ),
        "Mail stops at once, and nobody is mailed at these addresses again, whoever signs up with"
        " them, until an operator deletes the suppression.",
    ),
    "erase": Decision(
        "Erase",
        "Erased",
        "delete_subscriber",
        lambda reader, _, now: erase(reader.pk, now),
        "All that is stored of them is deleted, and cannot be brought back. A suppression of an"
        " address stays, so that nobody is mailed there.",
    ),
}


class Decisions(admin.ModelAdmin[Any]):
    """Base of the subscribers' admin: each decision as a button, and as an action of the list."""

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(self.decide)
        return [
            path("decide/", decide, name="subscriptions_subscriber_decide"),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        def begin(
            name: str, model_admin: object, request: HttpRequest, queryset: QuerySet[Subscriber]
        ) -> HttpResponse | None:
            return self._begin(request, name, queryset)

        return {
            name: (partial(begin, name), name, decision.label)
            for name, decision in self.decisions_for(request).items()
        }

    def decisions_for(self, request: HttpRequest) -> dict[str, Decision]:
        """Those that whoever asks may take."""
        return {name: one for name, one in DECISIONS.items() if self._may(request, one)}

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Asks and erases as the button does, whatever else Django would show and delete."""
        if (reader := self.get_object(request, object_id)) is None:
            raise Http404
        readers = Subscriber.objects.filter(pk=reader.pk)
        return self._begin(request, "erase", readers) or redirect(self._there(request, readers))

    def decide(self, request: HttpRequest) -> HttpResponse:
        """Do what a button says for the subscribers in ``pks``, or ask first."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if (name := request.POST.get("action", "")) not in DECISIONS:
            raise Http404
        pks = [int(pk) for pk in request.POST.get("pks", "").split(",") if pk.isdecimal()]
        readers = Subscriber.objects.filter(pk__in=pks[: AT_ONCE + 1])
        return self._begin(request, name, readers) or redirect(self._there(request, readers))

    def _begin(
        self, request: HttpRequest, name: str, queryset: QuerySet[Subscriber]
    ) -> HttpResponse | None:
        decision = DECISIONS[name]
        if not self._may(request, decision):
            raise PermissionDenied
        readers = list(queryset.order_by("pk")[: AT_ONCE + 1])
        if len(readers) > AT_ONCE:
            told = f"At most {AT_ONCE:,} at once, and these are more: search or filter first."
            self.message_user(request, told, messages.ERROR)
            return None
        form = DayForm(request.POST if "until" in request.POST else None)
        ready = not decision.needs_day or form.is_valid()
        if not ready or (decision.asks and "post" not in request.POST):
            return self._ask(request, name, readers, form)
        until = form.cleaned_data["until"] if decision.needs_day else None
        self._do(request, decision, readers, until)
        return None

    def _ask(
        self, request: HttpRequest, name: str, readers: list[Subscriber], form: DayForm
    ) -> HttpResponse:
        decision = DECISIONS[name]
        one = readers[0].email if len(readers) == 1 else f"{len(readers):,} subscribers"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{decision.label}: {one}",
            "name": name,
            "decision": decision,
            "readers": readers[:20],
            "more": max(len(readers) - 20, 0),
            "pks": ",".join(str(reader.pk) for reader in readers),
            "form": form if decision.needs_day else None,
            "back": self._there(request, readers),
        }
        return TemplateResponse(request, "admin/subscriptions/subscriber/decide.html", context)

    def _do(
        self,
        request: HttpRequest,
        decision: Decision,
        readers: list[Subscriber],
        until: dt.date | None,
    ) -> None:
        now = timezone.now()
        told = f"{decision.done} until {until}." if until else f"{decision.done}."
        refused: Counter[str] = Counter()
        for reader in readers:
            try:
                with transaction.atomic():
                    self._note(request, decision, reader, told)  # erasing empties the note, too
                    decision.act(reader, until, now)
            except Refused as error:
                refused[str(error)] += 1
        if done := len(readers) - refused.total():
            count = "" if len(readers) == 1 else f"{done:,}: "
            self.message_user(request, f"{count}{told}", messages.SUCCESS)
        for reason, times in refused.items():
            count = "" if len(readers) == 1 else f"{times:,}: "
            self.message_user(request, f"{count}Nothing was done. {reason}", messages.WARNING)

    def _note(
        self, request: HttpRequest, decision: Decision, reader: Subscriber, told: str
    ) -> None:
        if decision is DECISIONS["erase"]:
            self.log_deletions(request, Subscriber.objects.filter(pk=reader.pk))
        else:
            self.log_change(request, reader, told)

    def _there(self, request: HttpRequest, readers: Iterable[Subscriber]) -> str:
        """The page of the one they are about, while it is there; else the list, as it was."""
        pks = [reader.pk for reader in readers]
        if len(pks) == 1 and not request.GET:
            return reverse("admin:subscriptions_subscriber_change", args=pks)
        there = reverse("admin:subscriptions_subscriber_changelist")
        return f"{there}?{request.GET.urlencode()}" if request.GET else there

    def _may(self, request: HttpRequest, decision: Decision) -> bool:
        may = request.user.has_perm(f"subscriptions.{decision.permission}")
        return may and self.has_view_permission(request)
