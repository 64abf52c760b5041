"""What a mail service tells of messages (django-anymail's events): noted, and acted on once."""

import datetime as dt
import json
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, EventType, RejectReason
from django.db.models.functions import Lower

from subscriptions import verp
from subscriptions.delivery.answers import enhanced_status
from subscriptions.delivery.bounces import verdict
from subscriptions.delivery.bounces.statuses import reply_code
from subscriptions.delivery.bounces.verdicts import UNDELIVERED
from subscriptions.delivery.reports import Kind
from subscriptions.models import Delivery, MailEvent, Subscriber

from .bounces import apply_waiting
from .inbound import LARGEST, receive
from .preferences import unsubscribe
from .whose import Owner, same_address, signed_addresses

LEAVES = "leaves"
"""The reader wants no more, as the mail service tells it; else a ``MailEvent.Kind``."""
_OF_REJECTED = {
    RejectReason.INVALID: MailEvent.Kind.HARD,
    RejectReason.SPAM: MailEvent.Kind.COMPLAINT,
    RejectReason.UNSUBSCRIBED: LEAVES,
    RejectReason.TIMED_OUT: MailEvent.Kind.SOFT,
}
"""What a service that refuses to send says of the address; other refusals are ours."""
_LISTED = {
    "suppress-unsubscribe": LEAVES,
    "unsubscribed address": LEAVES,
    "suppress-complaint": MailEvent.Kind.COMPLAINT,
    "spam reporting address": MailEvent.Kind.COMPLAINT,
}
"""Why a service has an address on a list of its own: words of Mailgun and SendGrid."""
_LASTING = {"permanent", "hardbounce", "bademailaddress", "bounce", "suppress-bounce"}
_PASSING = {"transient", "undetermined", "softbounce", "dnserror", "blocked", "temporary"}
"""Words of the services: SES, Postmark, SendGrid and Mailgun."""

_RETURN_PATHS = {"delivery": verp.Kind.DIGEST, "subscriber": verp.Kind.LETTER}

logger = logging.getLogger(__name__)


def take(service: str, events: Iterable[Any], now: dt.datetime) -> None:
    """Note the events of one request, which was checked; the number of queries is constant.

    Only for who leaves, and for each mail that came in, there are some of their own. Events of
    nobody here, and of a reader's former address, are left out; so is, but for a dead address,
    what is without the number that goes along with our messages: others may use the account.
    """
    tracking = []
    for event in events:
        if isinstance(event, AnymailInboundEvent):
            _receive(event, now)
        elif (kind := judged(event)) is not None:
            tracking.append((event, kind))
    owners = _owners(tracking)
    noted = []
    for (event, kind), about in zip(tracking, owners, strict=True):
        if about is None:
            continue
        if kind == LEAVES:
            _leave(event, about, now)
        else:
            noted.append(_noted(service, event, kind, about, now))
    if noted:
        # as whoever queues digests locks readers: neither waits for the other
        MailEvent.objects.note(sorted(noted, key=lambda event: event.subscriber_id))
        apply_waiting(now)


def judged(event: AnymailTrackingEvent) -> str | None:
    """What an event says of an address: a ``MailEvent.Kind`` or LEAVES; None for nothing.

    A word that the receiving server is told to have said counts more than what the service
    makes of it, but what passes is never hard.
    """
    word, reason = _word(event), event.reject_reason
    match event.event_type:
        case EventType.REJECTED | EventType.BOUNCED if word in _LISTED:
            return _LISTED[word]
        case EventType.DELIVERED:
            return MailEvent.Kind.DELIVERED
        case EventType.UNSUBSCRIBED:
            return LEAVES
        case EventType.COMPLAINED:  # Postmark's other word is for what a filter refused
            spam = word == "spamnotification"
            return MailEvent.Kind.OURS if spam else MailEvent.Kind.COMPLAINT
        case EventType.FAILED:
            return MailEvent.Kind.OURS
        case EventType.REJECTED if reason != RejectReason.BOUNCED:
            return _OF_REJECTED.get(reason, MailEvent.Kind.OURS)
        case EventType.REJECTED | EventType.BOUNCED:
            return _of_bounce(event, word)
    return None


def _of_bounce(event: AnymailTrackingEvent, word: str) -> str:
    text = _text(event)
    code, status = reply_code(text), enhanced_status(text)
    found = verdict(code, status, text)
    if found.ours:
        return MailEvent.Kind.OURS
    lasting = word in _LASTING or event.event_type == EventType.REJECTED
    if word in _PASSING or found.kind is Kind.DELIVERED:
        return MailEvent.Kind.SOFT
    if found.kind is Kind.HARD or (lasting and found == UNDELIVERED and not (code or status)):
        return MailEvent.Kind.HARD
    return MailEvent.Kind.SOFT


def _word(event: AnymailTrackingEvent) -> str:
    """The service's own word for the kind of a bounce, in lower case."""
    told = event.esp_event
    if not isinstance(told, Mapping):
        return ""
    data = told.get("event-data")  # Mailgun
    if isinstance(data, Mapping):
        reason = str(data.get("reason", "")).lower()
        return reason if reason.startswith("suppress-") else str(data.get("severity", "")).lower()
    bounce = told.get("bounce")  # SES
    if isinstance(bounce, Mapping):
        return str(bounce.get("bounceType", "")).lower()
    names = ["SuppressionReason", "Type", "type"]  # Postmark; SendGrid
    if event.event_type == EventType.REJECTED:  # else it is what the receiving server said
        names.append("reason")
    return next((str(told[name]).lower() for name in names if told.get(name)), "")


def _text(event: AnymailTrackingEvent) -> str:
    return str(event.mta_response or event.description or "")


def _owners(tracking: list[tuple[AnymailTrackingEvent, str]]) -> list[Owner | None]:
    """Whose message each is about: by the number that went along with it.

    Without one somebody else may have written: then only that the address is dead is a reader's.
    """
    events = [event for event, _ in tracking]
    digests = {number for event in events if (number := _number(event, "delivery"))}
    letters = {number for event in events if (number := _number(event, "subscriber"))}
    emails = {str(event.recipient).lower() for event in events if event.recipient}
    deliveries = Delivery.objects.select_related("subscriber").in_bulk(digests)
    readers = Subscriber.objects.in_bulk(letters)
    lowered = Subscriber.objects.annotate(email_lower=Lower("email"))
    by_email = {one.email.lower(): one for one in lowered.filter(email_lower__in=emails)}
    found = []
    for event, kind in tracking:
        digest, about = _number(event, "delivery"), None
        reader = readers.get(_number(event, "subscriber"))
        if reader is None and kind == MailEvent.Kind.HARD:
            reader = by_email.get(str(event.recipient).lower())
        if digest:
            delivery = deliveries.get(digest)
            about = Owner(delivery.subscriber, delivery) if delivery else None
        elif reader:
            about = Owner(reader)
        found.append(about if about and _is_theirs(event, about) else None)
    return found


def _is_theirs(event: AnymailTrackingEvent, about: Owner) -> bool:
    """A service names the address that it was given, forwarding or not."""
    if event.recipient:
        return same_address(str(event.recipient), about.reader.email)
    return about.still_at("")


def _number(event: AnymailTrackingEvent, name: str) -> int:
    """What was sent along as metadata, else in the return path that is told; 0 without both.

    Over SMTP there is no metadata.
    """
    value = str(event.metadata.get(name)) if isinstance(event.metadata, Mapping) else ""
    if re.fullmatch("[0-9]{1,18}", value):
        return int(value)
    told = json.dumps(event.esp_event, default=str)[:LARGEST]
    return next((pk for kind, pk in signed_addresses(told) if kind is _RETURN_PATHS[name]), 0)


def _leave(event: AnymailTrackingEvent, about: Owner, now: dt.datetime) -> None:
    """At once; not for what is told again of a time before they subscribed anew."""
    confirmed = about.reader.confirmed_at
    if not (event.timestamp and confirmed and event.timestamp < confirmed):
        unsubscribe(about.reader.pk, now)


def _noted(
    service: str, event: AnymailTrackingEvent, kind: str, about: Owner, now: dt.datetime
) -> MailEvent:
    text = _text(event)
    told = event.event_id or json.dumps(event.esp_event, sort_keys=True, default=str)
    same = "\n".join(["webhook", service, str(event.event_type), str(about.reader.pk), str(told)])
    return about.event(
        kind,
        MailEvent.Way.WEBHOOK,
        key=same,
        now=now,
        happened_at=event.timestamp,
        status=enhanced_status(text),
        reason=text,
    )


def _receive(event: AnymailInboundEvent, now: dt.datetime) -> None:
    """A mail that the service took in; one that cannot be read stops no other."""
    try:
        message = event.message.as_bytes()
    except Exception:  # the email package has many ways to fail
        logger.exception("a mail that a mail service took in could not be read")
        return
    receive(message, event.message.envelope_recipient, now)
