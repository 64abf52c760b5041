"""Letting days go out, and holding them back: what editors decide about editions."""

import datetime as dt
from enum import Enum

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from subscriptions.models import Edition, Subscriber
from subscriptions.models.editions import EditionQuerySet

from .curating import touched

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
    return list(_before(edition.day).select_related("approved_by").order_by("day"))


@transaction.atomic
def release(day: dt.date, by: User, now: dt.datetime) -> tuple[Answer, list[Edition]]:
    """Let a closed day go out with all closed days before it; holds of them end.

    Of an open day only the hold ends. Where two must release, all days that would go out need
    the approval of another editor; without it, this one is noted on each as the first. Returns
    the days it was about, as they were.
    """
    locked = list(_before(day).select_for_update().order_by("day"))
    edition = Edition.objects.select_for_update().filter(day=day).first()
    if edition is None or edition.status == Status.RELEASED:
        return Answer.OUT, []
    if edition.status == Status.OPEN:
        locked = [edition]
        if not edition.held_at:
            return Answer.NOT_OVER, locked
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


def _before(day: dt.date) -> EditionQuerySet:
    return Edition.objects.filter(day__lte=day, status=Status.CLOSED)
