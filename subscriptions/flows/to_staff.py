"""What a person wrote to an address that nobody reads: staff get it, some a day."""

import datetime as dt
import email
import logging
import re
from dataclasses import dataclass
from email.charset import QP, Charset
from email.message import Message
from email.policy import compat32
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.urls import reverse

from subscriptions import links
from subscriptions.delivery.bounces.letter import tidied
from subscriptions.delivery.outcomes import Outcome
from subscriptions.masking import mask_email
from subscriptions.models import MailboxState

from .mail import envelope_sender, generated_headers, hand_over
from .staff_mail import tell_staff
from .whose import addressed, owner

MOST_A_DAY = 50
"""Mails of readers that staff get: a loop or a flood waits at the mail server."""
LONGEST_FIELD = 2_000
_UTF_8 = Charset("utf-8")
_UTF_8.body_encoding = QP
_LINE_END = re.compile(rb"\r\n|\r|\n")
_NOT_FOR_THE_WIRE = re.compile(rb"^(?:\.|.{999})|[^\x01-\x7f]", re.MULTILINE)
"""RFC 5322 2.1.1; the rest as of ``delivery.message.Message.wire``."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Passed:
    """A ``delivery.message.Message`` to one of staff; their answer goes to who wrote."""

    recipient: str
    text: str
    reply_to: str
    attachment: tuple[str, bytes, str]

    @property
    def sender(self) -> str:
        return envelope_sender()

    def email(self) -> EmailMessage:
        return EmailMessage(
            "A reader wrote to Paper Round",
            self.text,
            to=[self.recipient],
            reply_to=[self.reply_to] if self.reply_to else None,
            headers=generated_headers(),
            attachments=[self.attachment],
        )

    def wire(self) -> bytes:
        mail = self.email()
        mail.encoding = _UTF_8
        return _LINE_END.sub(b"\r\n", mail.message().as_bytes())


def pass_on(message: bytes, recipient: str | None, now: dt.datetime) -> None:
    """Mail it to all staff who have an address, whole and as an attachment.

    ``recipient``: of the envelope. Raises ConnectionError where whoever brought it must keep it:
    the mail server took none of it, or staff were sent enough today.
    """
    today = now.date()
    if MailboxState.objects.passed_on_at(today) >= MOST_A_DAY:
        logger.warning("a reader wrote; staff were sent %s such mails today already", MOST_A_DAY)
        raise ConnectionError("staff were sent enough mails of readers today")
    written = email.message_from_bytes(tidied(message))
    sender, attachment = _sender(written), attached(message)
    text = _text(written, recipient, sender)

    def mail(address: str) -> Outcome:
        return hand_over(Passed(address, text, sender, attachment))

    if tell_staff(mail, "a reader wrote"):
        MailboxState.objects.count_passed_on(today)


def _text(written: Message, recipient: str | None, sender: str) -> str:
    """Whose mail it was is signed; who answered it, by whatever address, is not."""
    found = addressed(written, recipient)
    about = found and owner(*found)
    what, link = "Somebody wrote to Paper Round.", settings.SITE_URL
    if about:
        what = f"Somebody answered a mail of Paper Round to {mask_email(about.reader.email)}."
        page = reverse("admin:subscriptions_subscriber_change", args=[about.reader.pk])
        link = links.absolute(page)
    to = "them" if sender else "nobody: they gave no usable address"
    return (
        f"{what}\nWhat they wrote is attached; your answer to this mail goes to {to}.\n\n{link}\n"
    )


def attached(message: bytes) -> tuple[str, bytes, str]:
    """As a message, in 7 bits where it can be had so; else its bytes as a file."""
    try:
        seven_bits = compat32.clone(cte_type="7bit")
        lines = _LINE_END.sub(b"\n", message)
        content = email.message_from_bytes(lines, policy=seven_bits).as_bytes()
        if not _NOT_FOR_THE_WIRE.search(content):
            return "written.eml", content, "message/rfc822"
    except Exception:  # the email package has many ways to fail
        logger.exception("what a reader wrote is no well-formed message")
    return "written.eml", message, "application/octet-stream"


def _sender(written: Message) -> str:
    """Who wrote, as answers find them; empty where that is no address."""
    for field in ("Reply-To", "From"):
        try:
            address = parseaddr(str(written.get(field, ""))[:LONGEST_FIELD])[1]
            validate_email(address)
        except (ValidationError, RecursionError):  # the latter with many brackets
            continue
        return address
    return ""
