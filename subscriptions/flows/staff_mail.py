"""News for all staff, each in a mail of their own."""

import logging
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model

from subscriptions.delivery.outcomes import Result

from .mail import mail_one

logger = logging.getLogger(__name__)


def mail_staff(name: str, context: Mapping[str, Any], news: str) -> None:
    """Fill ``templates/email/<name>/`` for all staff who have an address.

    ``news`` goes to the log where nobody has one. Raises ConnectionError where not one mail
    could be handed over.
    """
    staff = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
    addresses = staff.values_list("email", flat=True)
    results = [mail_one(name, context, address).result for address in addresses]
    if results and Result.SENT not in results:
        raise ConnectionError("the mail server took none of the mails")
    if not results:
        logger.warning("%s, and no staff has an address to be told at", news)
