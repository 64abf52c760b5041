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

from subscriptions.models import MailboxState

MOST_A_DAY = 50
"""Mails of readers that staff get: a loop or a flood ends there."""

logger = logging.getLogger(__name__)


def pass_on(message: bytes, now: dt.datetime) -> None:
    """Mail it to all staff who have an address, whole and as an attachment.

    Raises ConnectionError where the mail server took none of it.
    """
    staff = get_user_model().objects.filter(is_active=True, is_staff=True).exclude(email="")
    addresses = list(staff.values_list("email", flat=True))
    if not addresses:
        logger.warning("a reader wrote, and no staff has an address to be sent it")
    elif not MailboxState.objects.may_pass_on(now.date(), MOST_A_DAY):
        logger.warning("a reader wrote; staff were sent %s such mails today already", MOST_A_DAY)
    elif not sum(_sent(_enclosing(message, address)) for address in addresses):
        raise ConnectionError("what a reader wrote could not be mailed to staff")


def _sent(mail: EmailMessage) -> bool:
    try:
        return bool(mail.send())
    except Exception:  # of smtplib, or of a mail service's interface
        logger.exception("what a reader wrote could not be mailed to one of staff")
        return False


def _enclosing(message: bytes, address: str) -> EmailMessage:
    """A mail to one of staff; their answer goes to who wrote."""
    sender = _sender(message)
    return EmailMessage(
        "A reader wrote to Paper Round",
        "Somebody answered a mail of Paper Round. What they wrote is attached; your answer to\n"
        f"this mail goes to {'them' if sender else 'nobody: they gave no usable address'}.\n\n"
        f"{settings.SITE_URL}\n",
        to=[address],
        reply_to=[sender] if sender else None,
        headers={"Auto-Submitted": "auto-generated"},
        attachments=[("written.eml", message, _type(message))],
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
    written = email.message_from_bytes(message)
    for field in ("Reply-To", "From"):
        address = parseaddr(str(written.get(field, "")))[1]
        try:
            validate_email(address)
        except ValidationError:
            continue
        return address
    return ""
