"""One mail to one person, outside the ledger of digests."""

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from subscriptions import emails
from subscriptions.delivery.outcomes import Outcome, Result, Unavailable
from subscriptions.delivery.transport import BackendTransport

LOST = dt.timedelta(minutes=1)
"""What waits for a mail for so long was lost on the way to a worker."""
NOT_TAKEN = (Result.NOT_TRIED, Result.RETRY_SOON, Result.RETRY_LATER)
"""The mail server surely does not have it, and may take it later."""


def mail_one(
    name: str, context: Mapping[str, Any], to: str, headers: dict[str, str] | None = None
) -> Outcome:
    """Fill ``templates/email/<name>/`` and hand the mail over; what became of it."""
    rendered = emails.render(
        name,
        {
            "site_name": "Paper Round",
            "site_url": settings.SITE_URL,
            "postal_address": settings.POSTAL_ADDRESS,
            **context,
        },
    )
    message = EmailMultiAlternatives(
        rendered.subject,
        rendered.text,
        to=[to],
        headers={"Auto-Submitted": "auto-generated", **(headers or {})},
    )
    message.attach_alternative(rendered.html, "text/html")
    try:
        with closing(BackendTransport()) as transport:
            return transport.send_one(message)
    except Unavailable as error:
        return Outcome(Result.NOT_TRIED, str(error))
