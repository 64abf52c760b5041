"""What a person wrote to an address that nobody reads: staff get it, some a day."""

import datetime as dt
import email
import logging
from email.utils import parseaddr

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from subscriptions.delivery.bounces.letter import tidied
from subscriptions.models import MailboxState

MOST_A_DAY = 50
"""Mails of readers that staff get: a loop or a flood waits at the mail server."""
LONGEST_FIELD = 2_000

logger = logging.getLogger(__name__)


def pass_on(message: bytes, now: dt.datetime) -> None:
    """Mail it to all staff who have an address, whole and as an attachment.

    Raises ConnectionError where whoever brought it must keep it: the mail server took none of
    it, or staff were sent enough today.
    """
    staff = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
    addresses = list(staff.values_list("email", flat=True))
    today = now.date()
    if not addresses:
        logger.warning("a reader wrote, and no staff has an address to be sent it")
        return
    if MailboxState.objects.passed_on_at(today) >= MOST_A_DAY:
        logger.warning("a reader wrote; staff were sent %s such mails today already", MOST_A_DAY)
        raise ConnectionError("staff were sent enough mails of readers today")
    sender, kind = _sender(message), _type(message)
    if not sum(_sent(_enclosing(message, kind, sender, address)) for address in addresses):
        raise ConnectionError("what a reader wrote could not be mailed to staff")
    MailboxState.objects.count_passed_on(today)


def _sent(mail: EmailMessage) -> bool:
    try:
        return bool(mail.send())
    except Exception:  # of smtplib, or of a mail service's interface
        logger.exception("what a reader wrote could not be mailed to one of staff")
        return False


def _enclosing(message: bytes, kind: str, sender: str, address: str) -> EmailMessage:
    """A mail to one of staff; their answer goes to who wrote."""
    return EmailMessage(
        "A reader wrote to Paper Round",
        "Somebody answered a mail of Paper Round. What they wrote is attached; your answer to\n"
        f"this mail goes to {'them' if sender else 'nobody: they gave no usable address'}.\n\n"
        f"{settings.SITE_URL}\n",
        to=[address],
        reply_to=[sender] if sender else None,
        headers={"Auto-Submitted": "auto-generated"},
        attachments=[("written.eml", message, kind)],
    )


def _type(message: bytes) -> str:
    """What to attach it as: bytes, where Python cannot write it out again as a message."""
    try:
        email.message_from_bytes(message).as_bytes()
    except Exception:  # the email package has many ways to fail
        logger.exception("what a reader wrote is no well-formed message")
        return "application/octet-stream"
    return "message/rfc822"


def _sender(message: bytes) -> str:
    """Who wrote, as answers find them; empty where that is no address."""
    written = email.message_from_bytes(tidied(message))
    for field in ("Reply-To", "From"):
        try:
            address = parseaddr(str(written.get(field, ""))[:LONGEST_FIELD])[1]
            validate_email(address)
        except (ValidationError, RecursionError):  # the latter with many brackets
            continue
        return address
    return ""
