"""News for all staff, each in a mail of their own."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth import get_user_model

from subscriptions.delivery.outcomes import Outcome, Result

from .mail import mail_one

AWAY = {Result.NOT_TRIED, Result.RETRY_SOON}
"""Another mail would fare no better now."""

logger = logging.getLogger(__name__)


def mail_staff(name: str, context: Mapping[str, Any], news: str) -> None:
    """Fill ``templates/email/<name>/`` for all staff, as ``tell_staff``."""
    tell_staff(lambda address: mail_one(name, context, address), news)


def tell_staff(mail: Callable[[str], Outcome], news: str) -> bool:
    """``mail`` all staff who have an address; False where nobody has one.

    ``news`` then goes to the log. Where the mail server is away, nobody else is tried. Raises
    ConnectionError where not one mail was handed over; what is in doubt counts.
    """
    staff = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
    results: set[Result] = set()
    for address in staff.order_by("pk").values_list("email", flat=True):
        results.add(mail(address).result)
        if results & AWAY:
            break
    if results and not results & {Result.SENT, Result.IN_DOUBT}:
        raise ConnectionError("the mail server took none of the mails")
    if not results:
        logger.warning("%s, and no staff has an address to be told at", news)
    return bool(results)
