"""Messages in, outcomes out: over SMTP, a mail service, or any other of Django's backends."""

import logging
import smtplib
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from .answers import Stage, judge
from .connecting import failure
from .esp import EspTransport
from .message import Check, Messages
from .outcomes import Fault, Outcome, Outcomes, Result, Unavailable, unencoded
from .replies import Reply, described, reply_in
from .smtp import INTERRUPTED, SmtpTransport

logger = logging.getLogger(__name__)


class Transport(Protocol):
    """What carries messages."""

    def send(self, messages: Messages, outcomes: Outcomes, check: Check) -> None:
        """Hand over messages; ``outcomes`` tells at every moment what became of each.

        Messages are taken one by one when there is use for them. ``check`` is called right
        before each is handed over; what it raises ends this. Raises Unavailable, or Stopped,
        where there is no usable connection for what is left.
        """

    def close(self) -> None: ...


def open_transport(timeout: float | None = None) -> Transport:
    """The transport that ``EMAIL_URL`` asks for; it connects when it has something to send.

    ``timeout``: how many seconds an answer of the mail server may take, where not
    ``EMAIL_TIMEOUT``.
    """
    if settings.EMAIL_BACKEND == "django.core.mail.backends.smtp.EmailBackend":
        return SmtpTransport(timeout)
    if settings.EMAIL_BACKEND.startswith("anymail.backends."):
        return EspTransport(timeout)
    return BackendTransport()


class BackendTransport:
    """One connection of Django's backend: console, file or memory."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def close(self) -> None:
        try:
            self._connection.close()
        except Exception:  # a backend has its own
            logger.exception("a connection did not end well")

    def send(self, messages: Messages, outcomes: Outcomes, check: Check) -> None:
        """Hand over messages one by one, as ``Transport.send``."""
        for key, message in messages:
            try:
                email = message.email()
            except Exception as error:  # one bad message must not stop the rest
                logger.exception("message %s was not encoded", key)
                outcomes[key] = unencoded(error)
                continue
            try:
                self._open()
                check()
                outcomes[key] = INTERRUPTED
                outcomes[key] = self._hand_over(email)
            except Unavailable as error:
                outcomes[key] = Outcome(Result.NOT_TRIED, str(error))
                raise

    def _open(self) -> None:
        try:
            self._connection.open()
        except OSError as error:  # smtplib's errors are some too
            raise failure(Stage.CONNECT, error) from error

    def _hand_over(self, email: EmailMessage) -> Outcome:
        try:
            self._connection.send_messages([email])
            return Outcome(Result.SENT, "accepted")
        except smtplib.SMTPRecipientsRefused as error:
            outcome = _judge(Stage.RCPT, reply_in(next(iter(error.recipients.values()))))
        except smtplib.SMTPSenderRefused as error:
            outcome = _judge(Stage.MAIL, reply_in(error))
        except smtplib.SMTPResponseException as error:
            outcome = _judge(Stage.END_OF_DATA, reply_in(error))
        except Exception as error:  # a backend has its own
            logger.exception("a message is in doubt")
            outcome = Outcome(Result.IN_DOUBT, described(error), Fault.TEMPORARY)
        self.close()
        return outcome


def _judge(stage: Stage, reply: Reply) -> Outcome:
    outcome = judge(stage, reply)
    if outcome.result in (Result.SENT, Result.RETRY_SOON) and reply.code != 421:
        return Outcome(Result.IN_DOUBT, outcome.reply, Fault.TEMPORARY)
    return outcome
