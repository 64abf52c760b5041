"""Signing up: the form is stored, a mail goes to the owner, nothing else is said to anyone."""

import datetime as dt
import logging
from contextlib import closing
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from subscriptions import emails, links
from subscriptions.delivery.outcomes import Outcome, Result, Unavailable
from subscriptions.delivery.transport import BackendTransport
from subscriptions.models import Subscriber, Suppression, Topic

from .choices import CONSENT_VERSION, Choices

MAIL_INTERVAL = dt.timedelta(days=1)
MAIL_RETRY = dt.timedelta(minutes=15)
UNCONFIRMED_FOR = dt.timedelta(days=14)

Status = Subscriber.Status
ANSWERED = (Status.PENDING, Status.ACTIVE, Status.PAUSED)

logger = logging.getLogger(__name__)


def request_subscription(email: str, choices: Choices, now: dt.datetime) -> int:
    """Store a posted form; the subscriber's pk, for ``answer_request``.

    A new or unsubscribed address becomes pending with these choices. Anyone can post the
    form, so the choices of an active or paused reader are left as they are.
    """
    try:
        with transaction.atomic():
            return _store(email, choices, now)
    except IntegrityError:  # the same address was posted twice at the same moment
        with transaction.atomic():
            return _store(email, choices, now)


def _store(email: str, choices: Choices, now: dt.datetime) -> int:
    found = Subscriber.objects.select_for_update().with_email(email).first()
    subscriber = found or Subscriber(email=email)
    if subscriber.status not in (Status.PENDING, Status.UNSUBSCRIBED):
        return subscriber.pk
    mailed = subscriber.signup_mailed_at
    if subscriber.status == Status.PENDING and mailed and mailed > now - MAIL_INTERVAL:
        return subscriber.pk  # its owner was asked to confirm what is stored, not this
    subscriber.status = Status.PENDING
    subscriber.consent_version = CONSENT_VERSION
    subscriber.consent_asked_at = now
    choices.apply_schedule(subscriber)
    subscriber.save()
    choices.apply_interests(subscriber)
    return subscriber.pk


def unanswered(now: dt.datetime) -> list[int]:
    """Pending sign-ups of the last day that were never answered: their task was lost."""
    asked = Q(consent_asked_at__gt=now - MAIL_INTERVAL)
    never = Q(signup_mailed_at__isnull=True) | Q(signup_mailed_at__lt=F("consent_asked_at"))
    may = Q(signup_mailed_at__isnull=True) | Q(signup_mailed_at__lte=now - MAIL_INTERVAL)
    rows = Subscriber.objects.filter(asked, never, may, status=Status.PENDING)
    return list(rows.values_list("pk", flat=True)[:1000])


def answer_request(pk: int, now: dt.datetime) -> bool:
    """Mail the owner what fits their state, at most once a day; whether a mail went out.

    The day is claimed by a conditional UPDATE before the mail is sent. Only where the mail
    server surely did not take it is a part of the day given back, to try again later.
    """
    subscriber = Subscriber.objects.filter(pk=pk, status__in=ANSWERED).first()
    if subscriber is None or Suppression.objects.has(subscriber.email):
        return False
    free = Q(signup_mailed_at__isnull=True) | Q(signup_mailed_at__lte=now - MAIL_INTERVAL)
    if not Subscriber.objects.filter(free, pk=pk).update(signup_mailed_at=now):
        return False
    try:
        with closing(BackendTransport()) as transport:
            outcome = transport.send_one(_message(subscriber))
    except Unavailable as error:
        outcome = Outcome(Result.NOT_TRIED, str(error))
    if outcome.result in (Result.NOT_TRIED, Result.RETRY_SOON, Result.RETRY_LATER):
        logger.warning("sign-up %s was not answered, and will be: %s", pk, outcome.reply)
        again = now - MAIL_INTERVAL + MAIL_RETRY
        Subscriber.objects.filter(pk=pk, signup_mailed_at=now).update(signup_mailed_at=again)
    return outcome.result is Result.SENT


def _message(subscriber: Subscriber) -> EmailMultiAlternatives:
    context = {
        "site_name": "Paper Round",
        "site_url": settings.SITE_URL,
        "postal_address": settings.POSTAL_ADDRESS,
    }
    if subscriber.status == Status.PENDING:
        name = "confirmation"
        zone = ZoneInfo(subscriber.timezone)
        topics = Topic.objects.filter(interest__subscriber=subscriber)
        context |= {
            "confirm_url": links.CONFIRM.url(subscriber.pk),
            "asked_at": subscriber.consent_asked_at.astimezone(zone),
            "choices": schedule_in_words(subscriber),
            "topics": [topic.name for topic in topics],
        }
    else:
        name = "already_subscribed"
        context |= {
            "preferences_url": links.PREFERENCES.url(subscriber.pk),
            "unsubscribe_url": links.UNSUBSCRIBE.url(subscriber.pk),
        }
    rendered = emails.render(name, context)
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[subscriber.email],
        headers={"Auto-Submitted": "auto-replied"},
    )
    message.attach_alternative(rendered.html, "text/html")
    return message


def schedule_in_words(subscriber: Subscriber) -> str:
    """``Weekly, Monday at 08:00 (Europe/Berlin)``."""
    days = f", {subscriber.get_weekday_display()}" if subscriber.cadence == "weekly" else ""
    return (
        f"{subscriber.get_cadence_display()}{days} at {subscriber.hour:02}:00 "
        f"({subscriber.timezone.replace('_', ' ')})"
    )


def confirm(pk: int, now: dt.datetime) -> Subscriber | None:
    """Make a pending subscriber active, their schedule starting now.

    The subscriber if they are active or paused afterwards, else None. Confirming twice
    changes nothing; an old link does not bring back a reader who has left.
    """
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if subscriber is None:
            return None
        if subscriber.status == Status.PENDING:
            subscriber.status = Status.ACTIVE
            subscriber.confirmed_at = now
            subscriber.next_digest_at = subscriber.next_slot(now)
            subscriber.save()
    return subscriber if subscriber.status in (Status.ACTIVE, Status.PAUSED) else None


def purge_unconfirmed(now: dt.datetime) -> int:
    """Forget sign-ups that were not confirmed in time; how many.

    One who had confirmed an earlier sign-up is unsubscribed again rather than forgotten.
    """
    limit = now - UNCONFIRMED_FOR
    mailed = Q(signup_mailed_at__isnull=True) | Q(signup_mailed_at__lte=limit)
    late = Subscriber.objects.filter(mailed, status=Status.PENDING, consent_asked_at__lte=limit)
    back = late.filter(confirmed_at__isnull=False).update(status=Status.UNSUBSCRIBED)
    with transaction.atomic():
        never = late.filter(confirmed_at__isnull=True).select_for_update()
        pks = list(never.values_list("pk", flat=True))
        Subscriber.objects.filter(pk__in=pks).delete()
    return back + len(pks)
