"""Signing up: the form is stored, a mail goes to the owner, nothing else is said to anyone."""

import datetime as dt
import logging
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from subscriptions import links
from subscriptions.delivery.outcomes import Result
from subscriptions.models import READING, Movement, SignupRequest, Subscriber, Suppression

from . import bounces
from .choices import CONSENT_VERSION, Choices
from .erase import forget
from .mail import LOST, NOT_TAKEN, mail_one
from .wanted import want_examples

MAIL_INTERVAL = dt.timedelta(days=1)
AFTER_BOUNCE = dt.timedelta(days=30)
"""How long an address that bounced rests before its owner may be asked again."""
MAIL_RETRY = dt.timedelta(minutes=15)
UNCONFIRMED_FOR = dt.timedelta(days=14)
FORGOTTEN_AT_ONCE = 1_000

Status = Subscriber.Status
Reason = Suppression.Reason

logger = logging.getLogger(__name__)


def receive(email: str, choices: Choices, network: str, now: dt.datetime) -> int:
    """Store a posted form, the same way for every address; its pk, for ``answer_request``."""
    stored = choices.as_json()
    return SignupRequest.objects.create(
        email=email, choices=stored, network=network, asked_at=now
    ).pk


def receive_again(reader: Subscriber, network: str, now: dt.datetime) -> int:
    """As ``receive``, for a reader who gets a new link and chooses nothing."""
    return SignupRequest.objects.create(
        email=reader.email, choices={}, network=network, asked_at=now
    ).pk


def unanswered(now: dt.datetime) -> list[int]:
    """Forms whose task was lost, or that may be tried again."""
    lost = Q(retry_at=None, asked_at__lte=now - LOST)
    rows = SignupRequest.objects.filter(lost | Q(retry_at__lte=now)).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:1000])


def answer_request(pk: int, now: dt.datetime) -> bool:
    """Mail the owner what fits their state, at most once a day; whether a mail went out.

    The day is claimed in the database before the mail is sent. Only where the mail server
    surely did not take it is the day given back, to try again later.
    """
    request, subscriber = _claimed(pk, now)
    if request is None or subscriber is None:
        return False
    name, context = _answer(subscriber, request)
    outcome = mail_one(name, context, subscriber.email, subscriber=subscriber.pk)
    if outcome.result in NOT_TAKEN:
        logger.warning("sign-up %s was not answered, and will be: %s", pk, outcome.reply)
        Subscriber.objects.filter(pk=subscriber.pk, signup_mailed_at=now).update(
            signup_mailed_at=None
        )
        SignupRequest.objects.filter(pk=pk).update(retry_at=now + MAIL_RETRY)
    else:
        SignupRequest.objects.filter(pk=pk).delete()
        bounces.refused(subscriber.pk, outcome, now)
    return outcome.result is Result.SENT


def _claimed(pk: int, now: dt.datetime) -> tuple[SignupRequest | None, Subscriber | None]:
    """The form and who is to be mailed about it now; a form that needs no answer is deleted."""
    try:
        with transaction.atomic():
            return _claim(pk, now)
    except IntegrityError:  # the same address was posted twice at the same moment
        with transaction.atomic():
            return _claim(pk, now)


def _claim(pk: int, now: dt.datetime) -> tuple[SignupRequest | None, Subscriber | None]:
    request = SignupRequest.objects.select_for_update().filter(pk=pk).first()
    if request is None or (request.retry_at and request.retry_at > now):
        return None, None
    found = Subscriber.objects.select_for_update().with_email(request.email).first()
    reading = found is not None and found.status in READING
    if wait := mailable_from(request.email, found, now):
        if found and wait <= now + MAIL_INTERVAL and _is_owed(request, found):
            request.retry_at = wait
            request.save()
        else:
            request.delete()
        return None, None
    if not request.choices and (found is None or found.status not in (Status.PENDING, *READING)):
        request.delete()
        return None, None
    subscriber = found or Subscriber(email=request.email)
    if request.choices and not reading:
        _sign_up(subscriber, Choices.from_json(request.choices), request.asked_at)
    subscriber.signup_mailed_at = now
    subscriber.save(update_fields=["signup_mailed_at"])
    request.retry_at = now + MAIL_RETRY  # so that no other worker takes it meanwhile
    request.save()
    return request, subscriber


def _is_owed(request: SignupRequest, found: Subscriber) -> bool:
    """Whether a form is answered when the day is over: of one who left and comes back, or
    where the worker that had claimed the day died before it could tell what became of the mail.
    """
    if found.status == Status.UNSUBSCRIBED:
        return True
    claimed = found.signup_mailed_at and request.retry_at == found.signup_mailed_at + MAIL_RETRY
    confirmed = found.confirmed_at and found.confirmed_at >= request.asked_at
    return bool(claimed and not confirmed)


def mailable_from(email: str, found: Subscriber | None, now: dt.datetime) -> dt.datetime | None:
    """When this address may be mailed next; None for now, the end of time for never."""
    suppression = Suppression.objects.of(email)
    reason = suppression.reason if suppression else None
    status = found.status if found else None
    if reason in (Reason.COMPLAINT, Reason.OPERATOR) or status == Status.COMPLAINED:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
    bounced = reason == Reason.BOUNCE or status == Status.BOUNCED
    since = [found.signup_mailed_at] if found and found.signup_mailed_at else []
    if bounced and suppression:
        since.append(suppression.created_at)
    interval = AFTER_BOUNCE if bounced else MAIL_INTERVAL
    allowed = max(since) + interval if since else now
    return allowed if allowed > now else None


def sign_up(email: str, choices: Choices, now: dt.datetime) -> Subscriber:
    """A new or returning reader who has yet to confirm, with these choices."""
    subscriber = Subscriber.objects.with_email(email).first() or Subscriber(email=email)
    with transaction.atomic():
        _sign_up(subscriber, choices, now)
    return subscriber


def _sign_up(subscriber: Subscriber, choices: Choices, asked_at: dt.datetime) -> None:
    subscriber.status = Status.PENDING
    subscriber.consent_version = CONSENT_VERSION
    subscriber.consent_asked_at = asked_at
    choices.apply_settings(subscriber)
    subscriber.save()
    choices.apply_interests(subscriber)


def _answer(subscriber: Subscriber, request: SignupRequest) -> tuple[str, dict[str, object]]:
    """The name of the mail that fits a subscriber's state, and what it says."""
    if subscriber.status != Status.PENDING:
        return "already_subscribed", {
            "preferences_url": links.PREFERENCES.url(subscriber.pk),
            "unsubscribe_url": links.UNSUBSCRIBE.url(subscriber.pk),
        }
    zone = ZoneInfo(subscriber.timezone)
    interests = list(subscriber.interests.select_related("topic", "paper").order_by("pk"))
    return "confirmation", {
        "confirm_url": links.CONFIRM.url(subscriber.pk),
        "asked_at": subscriber.consent_asked_at.astimezone(zone),
        "network": request.network,
        "choices": schedule_in_words(subscriber),
        "follows": [str(interest) for interest in interests if interest.weight > 0],
        "muted": [str(interest) for interest in interests if interest.weight < 0],
    }


def schedule_in_words(subscriber: Subscriber) -> str:
    """``Weekly, Monday at 08:00 (Europe/Berlin)``."""
    if subscriber.cadence == Subscriber.Cadence.DAILY:
        words = _("Daily at %(hour)s (%(zone)s)")
    else:
        words = _("Weekly, %(weekday)s at %(hour)s (%(zone)s)")
    return words % {
        "weekday": subscriber.get_weekday_display(),
        "hour": f"{subscriber.hour:02}:00",
        "zone": subscriber.timezone.replace("_", " "),
    }


def confirm(pk: int, now: dt.datetime) -> Subscriber | None:
    """Make a pending subscriber active; their first digest is due at once.

    The subscriber if they are active or paused afterwards, else None. Confirming twice
    changes nothing; an old link does not bring back a reader who has left. Whoever confirms
    receives mail again: that it bounced or was erased in the past no longer counts.
    """
    with transaction.atomic():
        subscriber = Subscriber.objects.select_for_update().filter(pk=pk).first()
        if subscriber is None:
            return None
        if subscriber.status == Status.PENDING:
            Suppression.objects.lift(subscriber.email)
            if Suppression.objects.has(subscriber.email):
                return None
            subscriber.status = Status.ACTIVE
            subscriber.confirmed_at = now
            subscriber.next_digest_at = now
            subscriber.covered_until = None  # of one who comes back: the newest week, too
            subscriber.save()
            want_examples(subscriber, now)
            Movement.objects.note(Movement.Kind.JOINED, now)
    return subscriber if subscriber.status in READING else None


def purge_unconfirmed(now: dt.datetime) -> int:
    """Forget sign-ups that were not confirmed in time, some at a time; how many.

    One who had confirmed an earlier sign-up is unsubscribed again rather than forgotten.
    """
    limit = now - UNCONFIRMED_FOR
    SignupRequest.objects.filter(asked_at__lte=limit).delete()
    mailed = Q(signup_mailed_at__isnull=True) | Q(signup_mailed_at__lte=limit)
    late = Subscriber.objects.filter(mailed, status=Status.PENDING, consent_asked_at__lte=limit)
    back = late.filter(confirmed_at__isnull=False).update(status=Status.UNSUBSCRIBED)
    with transaction.atomic():
        never = late.filter(confirmed_at__isnull=True).order_by("consent_asked_at", "pk")
        oldest = never.select_for_update().values_list("pk", flat=True)
        if pks := list(oldest[:FORGOTTEN_AT_ONCE]):
            forget(pks)
    return back + len(pks)
