"""A reader moves to another address: its owner confirms, and the old one is told."""

import datetime as dt
import logging
from enum import Enum

from django.db import IntegrityError, transaction

from subscriptions import links
from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.masking import mask_email
from subscriptions.models import AddressChange, Subscriber, Suppression

from .erase import forget
from .mail import mail_one
from .sign_in import READING

BETWEEN = dt.timedelta(minutes=5)
"""Two changes of one reader: what is mailed to strangers must not become many."""
KEPT = dt.timedelta(days=2)

Status = Subscriber.Status
ENDED = (Status.PENDING, Status.UNSUBSCRIBED)
"""A subscription that makes room for one that moves to its address."""

logger = logging.getLogger(__name__)


class Confirmed(Enum):
    DONE = "done"
    TAKEN = "taken"
    """The address has a subscription of its own."""
    GONE = "gone"


def ask(reader: Subscriber, email: str, now: dt.datetime) -> int | None:
    """Store the new address in place of an earlier one, whose link is void then.

    The pk, for ``mail``; None where the last one is too short ago.
    """
    with transaction.atomic():
        Subscriber.objects.select_for_update().get(pk=reader.pk)
        before = AddressChange.objects.filter(subscriber=reader)
        if before.filter(asked_at__gt=now - BETWEEN).exists():
            return None
        before.delete()
        return AddressChange.objects.create(subscriber=reader, email=email, asked_at=now).pk


def mail(pk: int) -> bool:
    """Mail the owner of the new address what fits their state, if anything; whether it went."""
    change = find(pk)
    if change is None or Suppression.objects.has(change.email):
        return False
    there = Subscriber.objects.with_email(change.email).first()
    if there and there.status not in (*READING, *ENDED):
        return False
    context: dict[str, object] = {
        "old": mask_email(change.subscriber.email), "asked_at": change.asked_at,
    }  # fmt: skip
    if there is None or there.status in ENDED:
        context["confirm_url"] = links.NEW_ADDRESS.url(pk)
    return _sent(pk, mail_one("new_address", context, change.email))


def find(pk: int) -> AddressChange | None:
    """What a link stands for, until it is used or another address is given."""
    waiting = AddressChange.objects.filter(pk=pk, subscriber__status__in=READING)
    return waiting.select_related("subscriber").first()


def confirm(pk: int) -> tuple[Confirmed, int, str]:
    """Move the subscription: what became of it, its pk and the address it had.

    Whoever deletes the change makes it.
    """
    try:
        with transaction.atomic():
            return _confirm(pk)
    except IntegrityError:  # somebody signed up with it at this moment
        return Confirmed.TAKEN, 0, ""


def _confirm(pk: int) -> tuple[Confirmed, int, str]:
    change = find(pk)
    if change is None or Suppression.objects.has(change.email):
        return Confirmed.GONE, 0, ""
    others = Subscriber.objects.exclude(pk=change.subscriber_id)  # who may have it since a moment
    there = others.with_email(change.email).first()
    if there and there.status not in ENDED:
        return Confirmed.TAKEN, 0, ""
    if not AddressChange.objects.filter(pk=pk).delete()[0]:
        return Confirmed.GONE, 0, ""
    if there:
        forget(there)
    reader = Subscriber.objects.select_for_update().get(pk=change.subscriber_id)
    old, reader.email = reader.email, change.email
    reader.save(update_fields=["email"])
    return Confirmed.DONE, reader.pk, old


def tell_old(pk: int, old: str, now: dt.datetime) -> bool:
    """Tell the owner of the old address where digests go now, masked; whether a mail went."""
    reader = Subscriber.objects.filter(pk=pk).first()
    if reader is None or Suppression.objects.has(old):
        return False
    context = {"new": mask_email(reader.email), "changed_at": now}
    return _sent(pk, mail_one("address_changed", context, old))


def _sent(pk: int, outcome: Outcome) -> bool:
    if outcome.result is not Result.SENT:
        logger.warning("a mail of a change of address, %s, was not sent: %s", pk, outcome.reply)
    return outcome.result is Result.SENT


def purge(now: dt.datetime) -> None:
    """Forget addresses that were not confirmed in time."""
    AddressChange.objects.filter(asked_at__lte=now - KEPT).delete()
