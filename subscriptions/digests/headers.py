"""What mail programs and servers read of a digest: its headers, and its envelope sender."""

import datetime as dt
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings

from subscriptions import verp
from subscriptions.delivery.mime import bare
from subscriptions.models import Delivery

SENDER_ID = "paper-round"
"""The last field of every ``Feedback-ID``: 5 to 15 characters that stay, as Gmail asks."""
LONGEST_URI = 73
"""Characters of an address on a line of its own below 78: `` <`` before it, ``>,`` behind."""


class Headers:
    """Makes them for many; what all have in common is looked up once."""

    def __init__(self) -> None:
        self._list_id = f"Paper Round <digest.{settings.SITE_HOST}>"
        self._from = bare(settings.DEFAULT_FROM_EMAIL)
        self._tagged = bool(settings.BOUNCE_ADDRESS)
        self._bounce = verp.maker(verp.Kind.DIGEST)
        self._reply = verp.maker(verp.Kind.REPLY)
        self._unsubscribe = verp.maker(verp.Kind.UNSUBSCRIBE)

    def envelope_sender(self, delivery: Delivery) -> str:
        """Where bounces of this delivery go: a signed address; without ``BOUNCE_ADDRESS``, From."""
        return self._bounce(delivery.pk) if self._tagged and delivery.pk else self._from

    def of(self, delivery: Delivery, unsubscribe_url: str, date: dt.datetime) -> dict[str, str]:
        """Besides From, To and Subject, unfolded.

        They say how to unsubscribe, by one click (RFC 8058) and, where ``BOUNCE_ADDRESS`` takes
        mail in, by mail (RFC 2369); and that a machine wrote it, which no machine should answer
        (RFC 3834). In one that is not stored, no address is the reader's: others see it.
        """
        unsubscribe, reply_to = f"<{unsubscribe_url}>", {}
        if self._tagged and delivery.pk:
            reader = delivery.subscriber.pk
            unsubscribe += f", <{_mailto(self._unsubscribe(reader))}>"
            reply_to = {"Reply-To": self._reply(reader)}
        return {
            **reply_to,
            "Message-ID": message_id(delivery),
            "Date": _date(date.replace(microsecond=0)),
            "List-Id": self._list_id,
            "List-Unsubscribe": unsubscribe,
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Feedback-ID": _feedback_id(delivery.newest_day, delivery.subscriber.cadence),
            "Auto-Submitted": "auto-generated",
            "Precedence": "bulk",
        }


def message_id(delivery: Delivery) -> str:
    """RFC 5322 Message-ID of a delivery, the same for every attempt."""
    return f"<digest-{delivery.pk}@{settings.SITE_HOST}>"


def _mailto(address: str) -> str:
    """The subject is for people who look; it stays away where the line would be too long."""
    uri = f"mailto:{address}?subject=unsubscribe"
    return uri if len(uri) <= LONGEST_URI else f"mailto:{address}"


@lru_cache(16)
def _feedback_id(day: dt.date, cadence: str) -> str:
    """By which Gmail's Postmaster Tools count complaints: of a day's edition, and its kind."""
    return f"{day:%Y%m%d}:{cadence}:digest:{SENDER_ID}"


@lru_cache(16)
def _date(date: dt.datetime) -> str:
    return format_datetime(date)
