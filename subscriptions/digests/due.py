"""Who is due, and which days their digest covers: decisions 1 and 2 of the design."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max, Min

from subscriptions.models import WINDOW_DAYS, Edition, Subscriber

PATIENCE = dt.timedelta(hours=24)
"""How long a slot waits for its newest day to be released."""
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """What a slot that has come asks for: a digest of these days, or only the next slot."""

    subscriber: Subscriber
    days: tuple[dt.date, ...]
    next_digest_at: dt.datetime


def plan(subscribers: list[Subscriber], now: dt.datetime) -> list[Plan]:
    """A plan for each due subscriber whose slot need not wait.

    One query, and one for each newest day of those who never had a digest.

    Of several slots missed only the last counts. Its newest edition is the day before it,
    in UTC; the digest covers the released days after ``covered_until`` up to that one, at
    most seven. While the newest edition is not released the slot waits, up to 24 hours after
    it was due; then the digest has what is released, and the rest waits for the next one,
    which comes in time for it. A reader's first digest waits for nothing: it has the newest
    released week that has papers.
    """
    slots = {
        reader.pk: _slots(reader, reader.next_digest_at, now)
        for reader in subscribers
        if reader.next_digest_at
    }
    newest = {pk: slot.date() - DAY for pk, (slot, _) in slots.items()}
    if not newest:
        return []
    first, last = min(newest.values()) - WINDOW_DAYS * DAY, max(newest.values())
    status = dict(Edition.objects.filter(day__range=(first, last)).values_list("day", "status"))
    plans = []
    firsts: dict[dt.date, tuple[dt.date, ...]] = {}
    for reader in subscribers:
        (slot, following), day = slots[reader.pk], newest[reader.pk]
        due_since = reader.next_digest_at or slot
        unreleased = status.get(day) in (Edition.Status.CLOSED, Edition.Status.OPEN)
        days: tuple[dt.date, ...] = ()
        if not reader.covered_until:
            if day not in firsts:
                firsts[day] = Edition.objects.newest_week(day)
            days = firsts[day]
        if not days:
            if unreleased and now < due_since + PATIENCE:
                continue
            open_days = _open_days(reader, day)
            days = tuple(d for d in open_days if status.get(d) == Edition.Status.RELEASED)
        if unreleased:  # what it leaves behind must not be lost to the next
            following = reader.slot_in_time(now, days[-1] if days else reader.covered_until)
        plans.append(Plan(reader, days, following))
    return plans


def coming_days(subscriber: Subscriber, now: dt.datetime) -> tuple[dt.date, ...]:
    """What the digest of a reader's next slot covers, as far as can be said now."""
    slot = subscriber.next_digest_at or subscriber.next_slot(now)
    newest = max(slot, now).astimezone(dt.UTC).date() - DAY
    if not subscriber.covered_until and (week := Edition.objects.newest_week(newest)):
        return week
    return _open_days(subscriber, newest) or (newest,)


def days_up_to(subscriber: Subscriber, newest: dt.date) -> tuple[dt.date, ...]:
    """What a digest whose newest day is this one covers for a reader.

    The days they have had no digest of; for who has had that day, as many as between two digests.
    """
    usual = 1 if subscriber.cadence == Subscriber.Cadence.DAILY else WINDOW_DAYS
    return _open_days(subscriber, newest) or days_between(newest - usual * DAY, newest)


def _open_days(subscriber: Subscriber, newest: dt.date) -> tuple[dt.date, ...]:
    """What this reader has had no digest of up to a day, at most seven days."""
    after = max(subscriber.covered_until or dt.date.min, newest - WINDOW_DAYS * DAY)
    return days_between(after, newest)


def first_and_last(day: dt.date, now: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    """When the first and the last active reader get a day that is released in time.

    By their schedules as they are, in UTC: five queries. Whoever waits for it now gets it now.
    None without readers.
    """
    begin = max(now, dt.datetime.combine(day + DAY, dt.time(), dt.UTC))
    active = Subscriber.objects.filter(status=Subscriber.Status.ACTIVE)
    coming = active.filter(next_digest_at__gte=begin).aggregate(
        first=Min("next_digest_at"), last=Max("next_digest_at")
    )
    slots = [slot for slot in coming.values() if slot]
    before = active.filter(next_digest_at__lt=begin).order_by("next_digest_at")
    daily = before.filter(cadence=Subscriber.Cadence.DAILY, next_digest_at__gte=begin - DAY)
    weekly = before.filter(cadence=Subscriber.Cadence.WEEKLY)
    for reader in (daily.first(), daily.last(), weekly.last()):
        if reader and reader.next_digest_at:
            waits = reader.next_digest_at <= now and day < now.date()
            slots.append(now if waits else reader.next_slot(begin - dt.timedelta(seconds=1)))
    return (min(slots), max(slots)) if slots else None


def days_between(after: dt.date, last: dt.date) -> tuple[dt.date, ...]:
    """The days after ``after`` up to and with ``last``, in order."""
    return tuple(after + n * DAY for n in range(1, (last - after).days + 1))


def _slots(
    subscriber: Subscriber, slot: dt.datetime, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """The last slot that has come, and the one after it."""
    while (later := subscriber.next_slot(slot)) <= now:
        slot = later
    return slot.astimezone(dt.UTC), later
