"""Opening a session: an address is typed, its owner gets a link that works once."""

import datetime as dt
import logging

from django.contrib.sessions.models import Session
from django.db import transaction

from subscriptions import links
from subscriptions.delivery.outcomes import Result
from subscriptions.models import READING, SignIn, SignInRequest, Subscriber, Suppression

from . import bounces
from .mail import LOST, NOT_TAKEN, mail_one

ASKED_FOR = dt.timedelta(hours=1)
"""Who asked longer ago does not wait for a link any more."""
MOST_AN_HOUR = 5
KEPT = dt.timedelta(days=1)
ADMITTED = (*READING, Subscriber.Status.UNSUBSCRIBED)
"""Who has left can still take along or erase what is stored of them."""

logger = logging.getLogger(__name__)


def receive(email: str, next_page: str, now: dt.datetime) -> int:
    """Store an address, the same way whoever's it is; the pk, for ``answer``."""
    return SignInRequest.objects.create(email=email, next=next_page, asked_at=now).pk


def unanswered(now: dt.datetime) -> list[int]:
    """Requests whose task was lost, or whose mail was not taken."""
    rows = SignInRequest.objects.filter(asked_at__range=(now - ASKED_FOR, now - LOST))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:1000])


def answer(pk: int, now: dt.datetime) -> bool:
    """Mail a reader the link they asked for; whether a mail went out.

    Whoever deletes the request answers it. It is put back where the mail server surely did
    not take the mail. If the worker dies before that, the mail is lost: the reader asks again,
    and ``purge`` forgets the link that nobody got.
    """
    with transaction.atomic():
        request = SignInRequest.objects.filter(pk=pk).first()
        if request is None or not SignInRequest.objects.filter(pk=pk).delete()[0]:
            return False
        sign_in = _admit(request, now)
    if sign_in is None:
        return False
    context = {"sign_in_url": links.SIGN_IN.url(sign_in.pk), "asked_at": request.asked_at}
    reader = sign_in.subscriber
    outcome = mail_one("sign_in", context, reader.email, subscriber=reader.pk)
    if outcome.result in NOT_TAKEN:
        logger.warning("sign-in %s was not mailed, and will be: %s", pk, outcome.reply)
        with transaction.atomic():
            sign_in.delete()
            request.pk = pk
            request.save(force_insert=True)
    bounces.refused(reader.pk, outcome, now)
    return outcome.result is Result.SENT


def _admit(request: SignInRequest, now: dt.datetime) -> SignIn | None:
    """A link for the reader with this address, unless they have had too many lately."""
    readers = Subscriber.objects.with_email(request.email).filter(status__in=ADMITTED)
    reader = readers.select_for_update().first()
    if reader is None or Suppression.objects.has(reader.email):
        return None
    if reader.sign_ins.filter(asked_at__gt=now - dt.timedelta(hours=1)).count() >= MOST_AN_HOUR:
        return None
    return SignIn.objects.create(subscriber=reader, next=request.next, asked_at=now)


def find(pk: int) -> SignIn | None:
    """What a link stands for, until it is used."""
    waiting = SignIn.objects.filter(pk=pk, subscriber__status__in=ADMITTED)
    return waiting.select_related("subscriber").first()


def use(pk: int) -> SignIn | None:
    """Use up a link; of two who do so at once, one has it."""
    found = find(pk)
    return found if found and SignIn.objects.filter(pk=pk).delete()[0] else None


def purge(now: dt.datetime) -> None:
    """Forget links and requests that nobody can use any more, and sessions that are over."""
    SignInRequest.objects.filter(asked_at__lte=now - KEPT).delete()
    SignIn.objects.filter(asked_at__lte=now - KEPT).delete()
    Session.objects.filter(expire_date__lte=now).delete()
