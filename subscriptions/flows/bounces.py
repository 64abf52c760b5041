"""What comes back about messages takes effect: each event once, whoever looks at it."""

import datetime as dt
import logging
from collections import Counter, defaultdict
from collections.abc import Callable

from django.db import connection, transaction
from django.db.models import Q

from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.delivery.refusals import refusal
from subscriptions.models import READING, DomainDay, MailEvent, Subscriber, Suppression

from . import preferences
from .soft_bounces import since, soft_run, tried_at

KEPT = dt.timedelta(days=90)
PURGED_AT_ONCE = 10_000
MOST = 500
"""Events that are looked at together, of those that may change a reader."""
AT_ONCE = 1_000
"""Events of one transaction, of those that change none."""

Kind = MailEvent.Kind
Status = Subscriber.Status
Reason = Suppression.Reason

CHANGES_NOBODY = (Kind.OURS, Kind.DELIVERED)

logger = logging.getLogger(__name__)


def apply_all(clock: Callable[[], dt.datetime]) -> Counter[str]:
    """Let all that came back have its effect, the first first; how many of each kind had it.

    ``old`` are those about a message from before the reader signed up or moved to this address:
    they have none. An event that fails is tried again by the next call, and stops no other.
    """
    done: Counter[str] = Counter()
    last = 0
    while pks := _changing(above=last):
        done.update(_apply_each(pks, clock()))
        last = pks[-1]
    while counted := _count_harmless(clock()):
        done.update(counted)
    return done


def apply_waiting(now: dt.datetime) -> Counter[str]:
    """As ``apply_all``, but no more than a web request waits for; the tick sees to the rest."""
    return _apply_each(_changing(), now) + _count_harmless(now)


def refused(pk: int, outcome: Outcome, now: dt.datetime) -> None:
    """Note what it says of a reader, if they are still here, that a letter was refused."""
    if outcome.result is not Result.REFUSED:
        return
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update(no_key=True).filter(pk=pk).first()
        if reader is None:
            return
        report = refusal(outcome, reader.email)
        event = MailEvent.about(
            reader,
            report.kind,
            MailEvent.Way.SMTP,
            ours=report.ours,
            key=f"letter-{pk}-{now.isoformat()}",
            now=now,
            status=report.status,
            reason=report.reason,
        )
        MailEvent.objects.note([event])


def purge(now: dt.datetime) -> None:
    """Forget events some time after they came, some at a time."""
    late = MailEvent.objects.filter(received_at__lte=now - KEPT).order_by("received_at")
    MailEvent.objects.filter(
        pk__in=list(late.values_list("pk", flat=True)[:PURGED_AT_ONCE])
    ).delete()


def _changing(above: int = 0) -> list[int]:
    """The next events that may change a reader, above a pk."""
    waiting = MailEvent.objects.waiting().exclude(kind__in=CHANGES_NOBODY).filter(pk__gt=above)
    return list(waiting.values_list("pk", flat=True)[:MOST])


def _apply_each(pks: list[int], now: dt.datetime) -> Counter[str]:
    done: Counter[str] = Counter()
    for pk in pks:
        try:
            if what := _apply(pk, now):
                done[what] += 1
        except Exception:
            logger.exception("mail event %s had no effect yet", pk)
    return done


def _count_harmless(now: dt.datetime) -> Counter[str]:
    """Take the next events that change no reader, in one transaction; how many of each kind."""
    waiting = MailEvent.objects.waiting().filter(kind__in=CHANGES_NOBODY)
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    with transaction.atomic():
        events = list(waiting[:AT_ONCE])
        MailEvent.objects.filter(pk__in=[event.pk for event in events]).update(applied_at=now)
        _count(events)
    return Counter(event.kind for event in events)


def _apply(pk: int, now: dt.datetime) -> str:
    """Take one event and let it have its effect; empty where another worker had it."""
    with transaction.atomic():
        event = MailEvent.objects.select_related("delivery").filter(pk=pk).first()
        if event is None:
            return ""
        reader = Subscriber.objects.select_for_update().filter(pk=event.subscriber_id).first()
        mine = MailEvent.objects.filter(pk=pk, applied_at=None).update(applied_at=now)
        if reader is None or not mine:
            return ""
        if _is_old(event, reader):
            return "old"
        if event.kind == Kind.COMPLAINT:
            _complained(reader, now)
        elif event.kind == Kind.HARD or soft_run(reader, now).is_enough:
            _bounced(reader, now)
        _count([event])
    return event.kind


def _is_old(event: MailEvent, reader: Subscriber) -> bool:
    """Whether it is about an earlier address or subscription.

    A reader complains whenever they like, also about what was sent before they came back.
    """
    if event.kind != Kind.COMPLAINT:
        return tried_at(event) < since(reader)
    moved = reader.address_changed_at
    return event.happened_at < since(reader) or bool(moved and tried_at(event) < moved)


def _bounced(reader: Subscriber, now: dt.datetime) -> None:
    """Give a locked reader's address up; one who had left already stays as they are."""
    Suppression.objects.add(reader.email, Reason.BOUNCE, now)
    if reader.status in (Status.PENDING, *READING):
        preferences.end(reader, Status.BOUNCED, now)


def _complained(reader: Subscriber, now: dt.datetime) -> None:
    """Never mail a locked reader again, also if they had left already."""
    Suppression.objects.add(reader.email, Reason.COMPLAINT, now)
    if reader.status != Status.COMPLAINED:
        preferences.end(reader, Status.COMPLAINED, now)


def _count(events: list[MailEvent]) -> None:
    """Count what came back by day and domain; one thing told twice counts once."""
    told = _told_before(events)
    days: dict[dt.date, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for event in events:
        thing = _thing(event)
        if thing and thing not in told:
            days[event.received_at.astimezone(dt.UTC).date()][event.domain][event.kind] += 1
            told.add(thing)
    for day in sorted(days):
        DomainDay.objects.add(day, days[day])


def _thing(event: MailEvent) -> tuple[str, int] | None:
    """What an event tells: the same for all that tell it; None for what is not counted.

    Of digests alone it is known how many were sent. A reader complains once, of whatever it is:
    who has signed addresses can write any number of reports.
    """
    if event.kind == Kind.COMPLAINT:
        return event.kind, event.subscriber_id
    if event.kind == Kind.DELIVERED or event.delivery_id is None:
        return None
    return event.kind, event.delivery_id


def _told_before(events: list[MailEvent]) -> set[tuple[str, int]]:
    """What other events told already of the same digests and readers."""
    digests = {event.delivery_id for event in events if event.delivery_id}
    complainers = {event.subscriber_id for event in events if event.kind == Kind.COMPLAINT}
    same = Q(delivery__in=digests) | Q(kind=Kind.COMPLAINT, subscriber__in=complainers)
    earlier = MailEvent.objects.filter(same, applied_at__isnull=False)
    others = earlier.exclude(pk__in=[event.pk for event in events])
    found = others.only("kind", "delivery_id", "subscriber_id")
    return {thing for event in found if (thing := _thing(event))}
