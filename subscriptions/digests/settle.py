"""What a person decides about sending: a pause, another try, and what is in doubt."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce

from subscriptions.models import Cause, Delivery, DomainPause, SendingPause

from .allowance import paused_reply
from .progress import newest_day

Status = Delivery.Status

IN_THE_LOG = "found in the mail server's log"
BY_HAND = "marked as sent by hand"
MARGIN = dt.timedelta(minutes=1)
CHUNK = 1000

_TAKEN = re.compile(rb"(\w+): (?:from=<[^>]*>, size=\d+, nrcpt=|removed\s*$)")


@dataclass
class Settled:
    """What a log could tell about the deliveries in doubt."""

    sent: int = 0
    """Found in the log."""
    queued: int = 0
    """Not in a log that covers their time: they will be sent again."""
    left: int = 0
    """Not found, and still in doubt, because the log does not cover their time."""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    """The time of those that are left."""
    known: int = 0
    """How many others of that time are known as sent."""
    lacking: int = 0
    """How many of those the log does not name."""


def pause(reason: str, now: dt.datetime) -> bool:
    """Send nothing from now on. False where that was so already; its reason stays."""
    return SendingPause.objects.begin(Cause.HAND, reason, now)


def resume(now: dt.datetime) -> bool:
    """End the pause, and keep that it was; False where there was none."""
    with transaction.atomic():
        if (ended := SendingPause.objects.select_for_update().first()) is None:
            return False
        DomainPause.objects.create(
            cause=ended.cause,
            reason=ended.reason,
            since=ended.since,
            ended_at=now,
            told_at=ended.told_at,
        )
        ended.delete()
    return True


def pause_domain(domain: str, reason: str, now: dt.datetime) -> bool:
    """Send nothing to a domain from now on. False where that was so already."""
    return DomainPause.objects.begin(domain, Cause.HAND, reason, now)


def resume_domain(domain: str, now: dt.datetime) -> bool:
    """End a domain's pause, and have what waited for that tried at once; False without one."""
    ended = DomainPause.objects.active().filter(domain=domain).update(ended_at=now)
    waiting = Delivery.objects.filter(status=Status.DEFERRED, last_reply=paused_reply(domain))
    waiting.update(retry_at=now, last_reply="")
    return bool(ended)


def retry_failed(day: dt.date | None = None) -> int:
    """Queue again what failed of an edition day, the newest if none is given."""
    if (day := day or newest_day()) is None:
        return 0
    return Delivery.objects.filter(newest_day=day, status=Status.FAILED).update(
        status=Status.QUEUED, attempts=0
    )


def requeue_failed(pks: Iterable[int]) -> int:
    """Queue again those of these that failed."""
    return _change(pks, Status.FAILED, status=Status.QUEUED, attempts=0)


def resend_doubtful(pks: Iterable[int]) -> int:
    """Queue again those of these that are in doubt: they may arrive twice."""
    return _change(pks, Status.IN_DOUBT, status=Status.QUEUED)


def mark_sent(pks: Iterable[int], now: dt.datetime, reply: str = BY_HAND) -> int:
    """Take those of these that are in doubt as sent."""
    moment = Value(now, output_field=DateTimeField())
    return _change(
        pks,
        Status.IN_DOUBT,
        status=Status.SENT,
        sent_at=Coalesce("last_attempt_at", moment),
        last_reply=reply,
    )


def settle(log_lines: Iterable[bytes], now: dt.datetime) -> Settled:
    """Settle what is in doubt by the mail server's log: sent where named, else queued again.

    The log must cover the time of those attempts. For each edition it is checked against the
    other deliveries of that time: where it lacks one that is known as sent, or where there is
    nothing to check it against, only those that it names are settled.

    ``log_lines`` is read once; a bit is kept per delivery, and the keys of those in doubt.
    """
    doubtful: dict[dt.date, dict[int, dt.datetime]] = defaultdict(dict)
    rows = Delivery.objects.filter(status=Status.IN_DOUBT)
    for pk, day, tried in rows.values_list("pk", "newest_day", "last_attempt_at").iterator():
        doubtful[day][pk] = tried or now
    done = Settled()
    if not doubtful:
        return done
    named = _Bits(Delivery.objects.order_by("-pk").values_list("pk", flat=True)[0])
    for pk in _taken(log_lines):
        named.add(pk)
    for day, attempts in doubtful.items():
        since, until = min(attempts.values()) - MARGIN, max(attempts.values()) + MARGIN
        known, lacking = _check(day, since, until, now, named)
        found = {pk for pk in attempts if pk in named}
        rest = attempts.keys() - found
        done.sent += mark_sent(found, now, IN_THE_LOG)
        if not lacking and (known or found):
            done.queued += resend_doubtful(rest)
        elif rest:
            done.left += len(rest)
            done.known += known
            done.lacking += lacking
            done.since = min(since, done.since or since)
            done.until = max(until, done.until or until)
    return done


def _check(
    day: dt.date, since: dt.datetime, until: dt.datetime, now: dt.datetime, named: "_Bits"
) -> tuple[int, int]:
    """How many of an edition are known as sent in that time, and how many of them lack."""
    others = Delivery.objects.filter(
        newest_day=day,
        status=Status.SENT,
        last_attempt_at__range=(since, until),
        sent_at__lte=now,  # what was sent since may not be in the log
    ).exclude(last_reply=BY_HAND)
    known = lacking = 0
    for pk in others.values_list("pk", flat=True).iterator():
        known += 1
        lacking += pk not in named
    return known, lacking


class _Bits:
    """A set of numbers up to a highest one, in a bit each."""

    def __init__(self, highest: int) -> None:
        self._highest, self._bytes = highest, bytearray(highest // 8 + 1)

    def add(self, number: int) -> None:
        if number <= self._highest:
            self._bytes[number // 8] |= 1 << number % 8

    def __contains__(self, number: int) -> bool:
        return bool(self._bytes[number // 8] >> number % 8 & 1)


def _taken(lines: Iterable[bytes]) -> Iterator[int]:
    """The deliveries that a log names as taken by the server.

    Postfix names a Message-ID as soon as it has read that header, even if the line then
    breaks; what it took, it names again by the queue id.
    """
    message_id = re.compile(
        rb"(?:(\w+): (?:resent-)?message-id=<?)?(?<![\w-])digest-(\d{1,18})@"
        + re.escape(settings.SITE_HOST.encode())
        + rb"(?![\w-]|\.\w)"
    )
    begun: dict[bytes, int] = {}
    for line in lines:
        if b"digest-" in line:
            for queue_id, pk in message_id.findall(line):
                if queue_id:
                    begun[queue_id] = int(pk)
                else:
                    yield int(pk)
        if begun and (b": from=<" in line or b": removed" in line):
            found = _TAKEN.search(line)
            if found and found[1] in begun:
                yield begun.pop(found[1])


def _change(pks: Iterable[int], was: Status, **fields: Any) -> int:
    """Update those that still have this status, in chunks; how many there were."""
    left, count = iter(pks), 0
    while chunk := list(islice(left, CHUNK)):
        count += Delivery.objects.filter(pk__in=chunk, status=was).update(**fields)
    return count
