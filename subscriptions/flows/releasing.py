"""Letting days go out, and holding them back: what editors decide about editions."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from enum import Enum
from itertools import zip_longest

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from subscriptions.models import Edition, Subscriber

from .approvals import touched
from .curating import said

Status = Edition.Status


class Answer(Enum):
    """What became of an editor's release of a day."""

    RELEASED = "released"
    """With the closed days before it."""
    HOLD_ENDED = "hold ended"
    """It is open still, and is not held any more."""
    APPROVED = "approved"
    """By the first of two; nothing is released."""
    ANOTHER_WANTED = "another wanted"
    """The same editor has approved it before."""
    NOT_OVER = "not over"
    """It is open, and not held."""
    OUT = "out"
    """Released before."""
    CHANGED = "changed"
    """It is not what the editor had seen; nothing is done."""


def readers() -> int:
    """How many get digests now: one query."""
    return Subscriber.objects.filter(status=Subscriber.Status.ACTIVE).count()


def needs_two(readers: int) -> bool:
    """Whether the site asks for two editors to release to so many readers."""
    return 0 < int(settings.TWO_RELEASE_ABOVE) < readers


def goes_out(edition: Edition) -> list[Edition]:
    """What a release of this day lets go, the oldest first: itself, and closed days before it.

    Of an open day, itself alone. Empty for one that is out.
    """
    if edition.status == Status.OPEN:
        return [edition]
    before = Edition.objects.filter(day__lte=edition.day, status=Status.CLOSED)
    return list(before.select_related("approved_by").order_by("day"))


def version(days: Iterable[Edition]) -> str:
    """What an editor decides upon, for a form to carry: days, states, holds, approvals, intros."""
    return json.dumps({str(one.day): _marks(one) for one in days})


def differences(seen: str, days: Iterable[Edition]) -> list[str]:
    """What has changed since a ``version`` was seen, in words; never empty unless they are one."""
    now = {str(one.day): one for one in days}
    try:
        before = {str(day): list(marks) for day, marks in json.loads(seen).items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return ["it was not seen what would go out"]
    told = [f"{said(one.day)} would go out, too" for day, one in now.items() if day not in before]
    if before.keys() - now.keys():
        told.append("not all days that were shown would go out")
    for day, one in now.items():
        if day in before and before[day] != _marks(one):
            words = [
                f"is {one.status}",
                "is held" if one.held_at else "is not held",
                f"is approved by {one.approved_by}" if one.approved_by else "is not approved",
                "has another intro",
            ]
            news = [
                word
                for word, was, mark in zip_longest(words, before[day], _marks(one))
                if word and was != mark
            ]
            told.append(f"{said(one.day)} {' and '.join(news) or 'is another'}")
    return told


@transaction.atomic
def release(day: dt.date, by: User, seen: str, now: dt.datetime) -> tuple[Answer, list[Edition]]:
    """Let a closed day go out with all closed days before it; holds of them end.

    Nothing is done unless ``seen`` is the ``version`` of the days it is about. Of an open day
    only the hold ends. Where two must release, all days that would go out need
    the approval of another editor; without it, this one is noted on each as the first. Returns
    the days it was about, as they were.
    """
    # One look, in the order of all who lock days: none closes or is held between two.
    inside = Edition.objects.filter(day__lte=day).exclude(status=Status.RELEASED)
    locked = list(inside.select_for_update().order_by("day"))
    if not locked or locked[-1].day != day:
        return Answer.OUT, []
    edition = locked[-1]
    locked = [one for one in locked if one.status == edition.status]
    if edition.status == Status.OPEN:
        locked = [edition]
        if not edition.held_at:
            return Answer.NOT_OVER, locked
    if differences(seen, locked):
        return Answer.CHANGED, locked
    days = Edition.objects.filter(pk__in=[one.pk for one in locked])
    approved = {one.approved_by_id for one in locked}
    if needs_two(readers()) and approved & {None, by.pk}:
        if approved == {by.pk}:
            return Answer.ANOTHER_WANTED, locked
        days.update(approved_by=by)
        return Answer.APPROVED, locked
    days.update(held_at=None, hold_reason="")
    if edition.status == Status.OPEN:
        return Answer.HOLD_ENDED, locked
    days.release(day, now)
    return Answer.RELEASED, locked


@transaction.atomic
def hold(day: dt.date, reason: str, now: dt.datetime) -> bool:
    """Keep a day that is not out, and so all after it, from going out until it is released.

    It may be open still. False where it is out, or held.
    """
    held = Edition.objects.hold(day, reason, now)
    if held:
        touched([day])
    return held


def held_before(day: dt.date) -> Edition | None:
    """The first held day before this one: it, too, keeps this one from going out."""
    return Edition.objects.filter(held_at__isnull=False, day__lt=day).order_by("day").first()


def _marks(edition: Edition) -> list[str]:
    """A short mark each of its state, hold, approval and intro."""
    hold = f"{edition.held_at and edition.held_at.timestamp()} {edition.hold_reason}"
    values = (edition.status, hold, str(edition.approved_by_id), edition.intro)
    return [hashlib.sha256(value.encode()).hexdigest()[:16] for value in values]
