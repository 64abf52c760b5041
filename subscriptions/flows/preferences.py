"""A reader changes their choices, pauses, or leaves."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Case, Min, QuerySet, When

from subscriptions.models import READING, Delivery, Interest, Movement, Subscriber

from .choices import Choices
from .wanted import want_examples

Status = Subscriber.Status
Weight = Interest.Weight


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
            _give_back_unsent(subscriber)
            subscriber.status = Status.PAUSED
            subscriber.paused_until = paused_until
            zone = ZoneInfo(subscriber.timezone)
            morning = dt.datetime.combine(paused_until, dt.time(), tzinfo=zone)
            subscriber.reschedule(max(now, morning.astimezone(dt.UTC) - dt.timedelta(seconds=1)))
        elif subscriber.status == Status.PAUSED or changed:
            subscriber.status = Status.ACTIVE
            subscriber.paused_until = None
            subscriber.reschedule(now)
        subscriber.save()
    return subscriber


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


def unsubscribe(pk: int, now: dt.datetime) -> None:
    """Stop mailing a reader, at once. Nothing happens for one who has left or is erased."""
    receiving = (Status.PENDING, *READING)
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if subscriber is None or subscriber.status not in receiving:
            return
        was_reading = subscriber.status in READING
        _give_back_unsent(subscriber)
        subscriber.status = Status.UNSUBSCRIBED
        subscriber.next_digest_at = subscriber.paused_until = None
        subscriber.save()
        if was_reading:
            Movement.objects.note(Movement.Kind.LEFT, now)
