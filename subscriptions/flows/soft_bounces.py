"""How many digests in a row a mailbox did not take: too many for too long is as good as gone."""

import datetime as dt
from collections import defaultdict
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, Max

from subscriptions.models import Delivery, MailEvent, Subscriber

SPREAD = dt.timedelta(days=7)
"""From the first to the last of them, at least: a mailbox may be full for a few days."""
QUEUE_LIFE = dt.timedelta(days=5)
"""After so long a relay has told of what it could not hand on (RFC 5321 4.5.4.1)."""

Kind = MailEvent.Kind


class Run(NamedTuple):
    """Digests in a row that bounced softly, the newest of them among the last."""

    length: int
    is_enough: bool
    """Whether the address is to be given up."""


def soft_run(reader: Subscriber, now: dt.datetime) -> Run:
    """Those since the last success, within ``SOFT_BOUNCE_DAYS``; three queries at most.

    A success is a digest that was told to be delivered, or that a server took and nothing came
    back about within ``QUEUE_LIFE``. A digest counts once, as the last that was told of it, but
    not of a try before it was sent; one that was refused for what this site did says nothing of
    the mailbox.
    """
    within = dt.timedelta(days=settings.SOFT_BOUNCE_DAYS)
    start = max(now - 2 * within, since(reader))
    told: dict[int | None, dict[str, dt.datetime]] = defaultdict(dict)
    events = reader.mail_events.filter(happened_at__gte=start).order_by()
    events = events.exclude(
        delivery__sent_at__isnull=False, received_at__lt=F("delivery__last_attempt_at")
    )
    for digest, kind, last in events.values_list("delivery", "kind").annotate(Max("happened_at")):
        told[digest][kind] = last
    tries: list[tuple[dt.datetime, bool]] = []
    if delivered := told.pop(None, {}).get(Kind.DELIVERED):
        tries.append((delivered, False))
    digests = reader.deliveries.filter(last_attempt_at__gte=start)
    for pk, tried_at, sent_at in digests.values_list("pk", "last_attempt_at", "sent_at"):
        if tried_at and (softly := _was_soft(told[pk], sent_at, now)) is not None:
            tries.append((tried_at, softly))
    run: list[dt.datetime] = []
    for tried_at, softly in sorted(tries, reverse=True):
        if not softly or (run and tried_at < run[0] - within):
            break
        run.append(tried_at)
    enough = len(run) >= settings.SOFT_BOUNCES and run[0] - run[-1] >= SPREAD
    return Run(len(run), enough)


def _was_soft(
    told: dict[str, dt.datetime], sent_at: dt.datetime | None, now: dt.datetime
) -> bool | None:
    """Whether a digest bounced softly, or was a success; None where neither is known."""
    soft, delivered = told.get(Kind.SOFT), told.get(Kind.DELIVERED)
    if soft and not (delivered and delivered > soft):
        return True
    if delivered or (not told and sent_at and sent_at <= now - QUEUE_LIFE):
        return False
    return None


def since(reader: Subscriber) -> dt.datetime:
    """What was sent before says nothing: to another address, or before they signed up again."""
    times = reader.consent_asked_at, reader.confirmed_at, reader.address_changed_at
    return max(time for time in times if time)


def tried_at(event: MailEvent) -> dt.datetime:
    """When the message that an event is about was sent, as far as is known; at the latest."""
    digest: Delivery | None = event.delivery
    sent = digest.last_attempt_at if digest else None
    return min(sent or event.happened_at, event.happened_at)
