"""A reader changes their choices, pauses, or leaves."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Case, Min, QuerySet, When

from subscriptions.models import READING, Delivery, Interest, Movement, Subscriber

from .choices import Choices
from .wanted import want_examples

LONGEST_PAUSE = dt.timedelta(days=366)

Status = Subscriber.Status
Weight = Interest.Weight
_GONE = {
    Status.UNSUBSCRIBED: Movement.Kind.LEFT,
    Status.BOUNCED: Movement.Kind.BOUNCED,
    Status.COMPLAINED: Movement.Kind.COMPLAINED,
}


def save_preferences(
    pk: int,
    choices: Choices,
    paused_until: dt.date | None,
    now: dt.datetime,
    weights: Mapping[int, int] | None = None,
) -> Subscriber | None:
    """Store a reader's choices and their pause; None where they no longer subscribe.

    ``weights`` has, by pk, how much of each interest they want. With a new schedule, a pause or
    its end the next digest is planned afresh, after a pause on or after the day it ends.
    """
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if subscriber is None or subscriber.status not in READING:
            return None
        changed = choices.apply_settings(subscriber)
        choices.apply_interests(subscriber)
        _weigh(pk, weights or {})
        want_examples(subscriber, now)
        if paused_until:
            pause(subscriber, paused_until, now)
        elif subscriber.status == Status.PAUSED:
            end_pause(subscriber, now)
        elif changed:
            subscriber.reschedule(now)
        subscriber.save()
    return subscriber


def may_pause(until: dt.date, zone: str, now: dt.datetime) -> bool:
    """Whether a pause may last until this day: after today by the reader's clock, within a year."""
    today = now.astimezone(ZoneInfo(zone)).date()
    return today < until <= today + LONGEST_PAUSE


def pause(subscriber: Subscriber, until: dt.date, now: dt.datetime) -> None:
    """Pause a locked row, for the caller to save: digests come again from this day on."""
    _give_back_unsent(subscriber)
    rest_until(subscriber, until, now)


def rest_until(subscriber: Subscriber, until: dt.date, now: dt.datetime) -> None:
    """``pause``, of one who has no digest that waits."""
    subscriber.status = Status.PAUSED
    subscriber.paused_until = until
    morning = dt.datetime.combine(until, dt.time(), tzinfo=ZoneInfo(subscriber.timezone))
    subscriber.reschedule(max(now, morning.astimezone(dt.UTC) - dt.timedelta(seconds=1)))


def end_pause(subscriber: Subscriber, now: dt.datetime) -> None:
    """Plan the next digest of a locked row afresh, for the caller to save."""
    subscriber.status = Status.ACTIVE
    subscriber.paused_until = None
    subscriber.reschedule(now)


def turn_down(interest: int, pk: int) -> bool:
    """Want less of an interest of this reader: from more to normal, from normal to less."""
    less = Case(When(weight=Weight.MORE, then=Weight.NORMAL), default=Weight.LESS)
    return bool(_followed(pk).filter(pk=interest).update(weight=less))


def _weigh(pk: int, weights: Mapping[int, int]) -> None:
    """At most three statements, however many interests."""
    for weight in set(weights.values()):
        alike = [interest for interest, wanted in weights.items() if wanted == weight]
        _followed(pk).filter(pk__in=alike).update(weight=weight)


def _followed(pk: int) -> QuerySet[Interest]:
    return Interest.objects.filter(subscriber=pk, weight__gt=0)


def _give_back_unsent(subscriber: Subscriber) -> None:
    """Take back digests that wait to be sent: a later one covers their days.

    A worker that holds some sends none of them: it asks whether they are still its own.
    """
    waiting = subscriber.deliveries.filter(
        status__in=[Delivery.Status.QUEUED, Delivery.Status.DEFERRED, Delivery.Status.CLAIMED]
    )
    first = waiting.aggregate(day=Min("first_day"))["day"]
    if first and waiting.delete()[0]:
        subscriber.covered_until = first - dt.timedelta(days=1)


def unsubscribe(pk: int, now: dt.datetime) -> bool:
    """Stop mailing a reader, at once. False, and nothing happens, where they have left."""
    receiving = (Status.PENDING, *READING)
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if subscriber is None or subscriber.status not in receiving:
            return False
        end(subscriber, Status.UNSUBSCRIBED, now)
    return True


def end(subscriber: Subscriber, status: Subscriber.Status, now: dt.datetime) -> None:
    """Mail a locked row no more, and say why; whoever was reading is counted among who went."""
    was_reading = subscriber.status in READING
    _give_back_unsent(subscriber)
    subscriber.status = status
    subscriber.next_digest_at = subscriber.paused_until = None
    subscriber.save()
    if was_reading:
        Movement.objects.note(_GONE[status], now)
