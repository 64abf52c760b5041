"""One mail to one person, outside the ledger of digests."""

import datetime as dt
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from subscriptions import emails, verp
from subscriptions.delivery import mime
from subscriptions.delivery.message import Message
from subscriptions.delivery.outcomes import Outcome, Outcomes, Result, Unavailable
from subscriptions.delivery.transport import open_transport

LOST = dt.timedelta(minutes=1)
"""What waits for a mail for so long was lost on the way to a worker."""
NOT_TAKEN = (Result.NOT_TRIED, Result.RETRY_SOON, Result.RETRY_LATER)
"""The mail server surely does not have it, and may take it later."""
_BOUNDARY = b"=_letter"


@dataclass(frozen=True)
class Letter:
    """A ``delivery.message.Message``."""

    sender: str
    recipient: str
    rendered: emails.Rendered
    headers: dict[str, str]
    subscriber: int | None = None

    def email(self) -> EmailMultiAlternatives:
        """As Django's message, for backends that want decoded bodies."""
        message = EmailMultiAlternatives(
            self.rendered.subject, self.rendered.text, to=[self.recipient], headers=self.headers
        )
        message.attach_alternative(self.rendered.html, "text/html")
        if self.subscriber:  # what a mail service says of it in its webhooks
            vars(message).update(metadata={"subscriber": str(self.subscriber)})
        return message

    def wire(self) -> bytes:
        """As RFC 5322 and 2045 have it: CRLF line ends, no line begins with a dot."""
        head = mime.head(self.recipient, self.rendered.subject, self.headers)
        text, html = map(mime.quoted_printable, (self.rendered.text, self.rendered.html))
        return mime.message(head, _BOUNDARY, [text], [html])


def mail_one(
    name: str,
    context: Mapping[str, Any],
    to: str,
    *,
    subscriber: int | None = None,
) -> Outcome:
    """Fill ``templates/email/<name>/`` and hand the mail over; what became of it.

    ``subscriber``: the one whose address ``to`` is, for whom its bounces count. RFC 3834 calls
    all of these generated: what they answer is a form, and no message.
    """
    rendered = emails.render(
        name,
        {
            "site_name": "Paper Round",
            "site_url": settings.SITE_URL,
            "postal_address": settings.POSTAL_ADDRESS,
            **context,
        },
    )
    sender = envelope_sender(subscriber)
    return hand_over(Letter(sender, to, rendered, generated_headers(), subscriber))


def hand_over(message: Message) -> Outcome:
    """Hand over one mail; what became of it."""
    outcomes: Outcomes = {}
    with closing(open_transport()) as transport, suppress(Unavailable):
        transport.send([(0, message)], outcomes, lambda: None)
    return outcomes[0]  # of what is unavailable, too


def generated_headers() -> dict[str, str]:
    """What each mail has beside those that tell of its content."""
    return {
        "Message-ID": f"<letter-{uuid4()}@{settings.SITE_HOST}>",
        "Date": format_datetime(timezone.now().replace(microsecond=0)),
        "Auto-Submitted": "auto-generated",
    }


def envelope_sender(subscriber: int | None = None) -> str:
    """Where bounces go: a signed address of the subscriber, or one that nobody loses by."""
    if not settings.BOUNCE_ADDRESS:
        return mime.bare(settings.DEFAULT_FROM_EMAIL)
    if subscriber is None:
        return str(settings.BOUNCE_ADDRESS)
    return verp.address(verp.Kind.LETTER, subscriber)
