"""A reader moves to another address: its owner confirms, and the old one is told."""

import datetime as dt
import logging
from enum import Enum

from django.db import IntegrityError, transaction
from django.db.models import Q

from subscriptions import links
from subscriptions.delivery.outcomes import Result
from subscriptions.masking import mask_email
from subscriptions.models import READING, AddressChange, Delivery, Subscriber, Suppression

from . import private_feed
from .erase import forget
from .mail import LOST, NOT_TAKEN, mail_one

BETWEEN = dt.timedelta(minutes=5)
"""Two changes of one reader: what is mailed to strangers must not become many."""
A_DAY = 3
"""Changes of one reader that were not confirmed."""
KEPT = dt.timedelta(days=2)
UNTOLD = dt.timedelta(days=7)
"""So long the owner of the old address is tried to be told."""
MAIL_RETRY = dt.timedelta(minutes=10)
ASKED_FOR = dt.timedelta(hours=1)
"""Who asked longer ago does not wait for the mail to the new address any more."""

Change = AddressChange.Status
ENDED = (Subscriber.Status.PENDING, Subscriber.Status.UNSUBSCRIBED)
"""A subscription that makes room for one that moves to its address."""

logger = logging.getLogger(__name__)


class TooOften(Enum):
    """Why nothing is mailed."""

    NOW = "the last one was just now"
    TODAY = "enough for a day"


class Confirmed(Enum):
    DONE = "done"
    TAKEN = "taken"
    """The address has a subscription of its own."""
    GONE = "gone"


def ask(reader: Subscriber, email: str, now: dt.datetime) -> int | TooOften:
    """Store the new address in place of an earlier one, whose link is void then.

    The pk, for ``mail``.
    """
    with transaction.atomic():
        Subscriber.objects.select_for_update().get(pk=reader.pk)
        before = AddressChange.objects.filter(
            subscriber=reader, status__in=[Change.ASKED, Change.REPLACED]
        )
        if before.filter(asked_at__gt=now - BETWEEN).exists():
            return TooOften.NOW
        if before.filter(asked_at__gt=now - dt.timedelta(days=1)).count() >= A_DAY:
            return TooOften.TODAY
        before.update(status=Change.REPLACED, mail_at=None)
        return AddressChange.objects.create(
            subscriber=reader, email=email, asked_at=now, mail_at=now
        ).pk


def unmailed(now: dt.datetime) -> list[int]:
    """Changes whose mail was lost on the way, or not taken by the mail server."""
    waits = Q(status=Change.CONFIRMED) | Q(status=Change.ASKED, asked_at__gt=now - ASKED_FOR)
    rows = AddressChange.objects.filter(waits, mail_at__lte=now - LOST).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:1000])


def mail(pk: int, now: dt.datetime) -> bool:
    """Mail the new address the link, or tell the old one of the change; whether a mail went.

    The row is claimed first, so that a task that runs twice mails once. Where the server
    surely did not take the mail, or the worker dies, it is tried again.
    """
    due = AddressChange.objects.filter(pk=pk, mail_at__lte=now)
    if not due.update(mail_at=now + MAIL_RETRY):
        return False
    change = AddressChange.objects.select_related("subscriber").filter(pk=pk).first()
    if change is None:
        return False
    outcome = None
    if message := _told(change) if change.status == Change.CONFIRMED else _link(change):
        outcome = mail_one(*message)
        if outcome.result is not Result.SENT:
            logger.warning("a mail of address change %s was not sent: %s", pk, outcome.reply)
        if outcome.result in NOT_TAKEN:
            return False
    mine = AddressChange.objects.filter(pk=pk, status=change.status)
    if change.status == Change.CONFIRMED:
        mine.delete()
    else:
        mine.update(mail_at=None)
    return outcome is not None and outcome.result is Result.SENT


def _link(change: AddressChange) -> tuple[str, dict[str, object], str] | None:
    """What fits the state of the owner of the new address, if anything."""
    if change.status != Change.ASKED or Suppression.objects.has(change.email):
        return None
    there = Subscriber.objects.with_email(change.email).first()
    if there and there.status not in (*READING, *ENDED):
        return None
    context: dict[str, object] = {
        "old": mask_email(change.subscriber.email), "asked_at": change.asked_at,
    }  # fmt: skip
    if there is None or there.status in ENDED:
        context["confirm_url"] = links.NEW_ADDRESS.url(change.pk)
    return "new_address", context, change.email


def _told(change: AddressChange) -> tuple[str, dict[str, object], str] | None:
    """For the owner of the old address: where digests go now, masked."""
    if Suppression.objects.has(change.old_email):
        return None
    context: dict[str, object] = {
        "new": mask_email(change.email),
        "changed_at": change.confirmed_at,
    }
    return "address_changed", context, change.old_email


def find(pk: int) -> AddressChange | None:
    """What a link stands for, until it is used or another address is given."""
    asked = AddressChange.objects.filter(pk=pk, status=Change.ASKED)
    return asked.filter(subscriber__status__in=READING).select_related("subscriber").first()


def confirm(pk: int, now: dt.datetime) -> Confirmed:
    """Move the subscription; ``mail`` then tells the old address.

    Whoever takes the change out of its state makes it.
    """
    try:
        with transaction.atomic():
            return _confirm(pk, now)
    except IntegrityError:  # somebody signed up with it at this moment
        return Confirmed.TAKEN


def _confirm(pk: int, now: dt.datetime) -> Confirmed:
    change = find(pk)
    if change is None or Suppression.objects.has(change.email):
        return Confirmed.GONE
    others = Subscriber.objects.exclude(pk=change.subscriber_id)  # who may have it since a moment
    there = others.with_email(change.email).first()
    if there and there.status not in ENDED:
        return Confirmed.TAKEN
    locked = Subscriber.objects.select_for_update().filter(pk=change.subscriber_id)
    reader = locked.first()  # before the change, as ``ask`` and an erasure do
    asked = AddressChange.objects.filter(pk=pk, status=Change.ASKED)
    if reader is None or not asked.update(
        status=Change.CONFIRMED, confirmed_at=now, old_email=reader.email, mail_at=now
    ):
        return Confirmed.GONE
    if there:
        forget([there.pk])
    Suppression.objects.keep_out(reader.email, now)
    Suppression.objects.lift(change.email)
    reader.email, reader.address_changed_at = change.email, now
    reader.save(update_fields=["email", "address_changed_at"])
    _close_the_old_mailbox(reader)
    return Confirmed.DONE


def _close_the_old_mailbox(reader: Subscriber) -> None:
    """What is there opens nothing any more; links and sessions go by ``address_changed_at``."""
    reader.sign_ins.all().delete()
    if reader.feed_key:
        private_feed.turn_on(reader.pk)
    claimed = reader.deliveries.filter(status=Delivery.Status.CLAIMED)  # with the old address
    claimed.update(status=Delivery.Status.QUEUED, claim_token=None, claim_expires_at=None)


def purge(now: dt.datetime) -> None:
    """Forget addresses that were not confirmed in time, and old ones that could not be told."""
    changes = AddressChange.objects
    changes.filter(status__in=[Change.ASKED, Change.REPLACED], asked_at__lte=now - KEPT).delete()
    changes.filter(status=Change.CONFIRMED, confirmed_at__lte=now - UNTOLD).delete()
