"""Messages in, outcomes out, over Django's email connection, kept open for many."""

import smtplib
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection

from subscriptions.masking import mask

from .outcomes import Outcome, Result


class CannotConnect(Exception):
    """The mail server could not be reached, or refused us: nothing was handed over."""


class Transport:
    """One connection of the backend that ``EMAIL_URL`` names."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def send(self, message: EmailMessage) -> Outcome:
        """Hand over one message; an answer of the server is an outcome, never an exception.

        Raises CannotConnect where there is no usable connection.
        """
        try:
            self._connection.open()
        except (OSError, smtplib.SMTPException) as error:
            raise CannotConnect(_reply(error)) from error
        try:
            self._connection.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            outcome = _answered(code, text)
        except smtplib.SMTPResponseException as error:
            outcome = _answered(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            outcome = Outcome(Result.IN_DOUBT, _reply(error))
        else:
            return Outcome(Result.SENT, "accepted")
        self._connection.close()
        return outcome


def _answered(code: int, text: bytes | str) -> Outcome:
    reply = f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    return Outcome(Result.REFUSED if 500 <= code < 600 else Result.RETRY, mask(reply)[:500])


def _reply(error: Exception) -> str:
    return mask(f"{type(error).__name__}: {error}")[:500]
