"""Opening an SMTP connection as Django's settings ask, by smtplib."""

import smtplib
import ssl
from typing import Any

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from .answers import Action, Stage, classify, enhanced_status
from .outcomes import Stopped, Unavailable
from .replies import described, reply_in

_CUT_OFF = (
    smtplib.SMTPServerDisconnected,
    ssl.SSLEOFError,
    ssl.SSLSyscallError,
    ssl.SSLZeroReturnError,
)


def connect(timeout: float) -> smtplib.SMTP:
    """A connection to ``EMAIL_HOST``: greeted, secured and logged in.

    An answer may take ``timeout`` seconds, later ones too. Raises Unavailable; Stopped where
    the server's certificate does not prove who it is, it lacks the STARTTLS or AUTH that is
    configured, or refuses this site.
    """
    stage = Stage.CONNECT
    client: smtplib.SMTP | None = None
    try:
        client = _greeted(timeout)
        stage = Stage.EHLO
        _ehlo(client)
        if settings.EMAIL_USE_TLS:
            stage = Stage.STARTTLS
            client.starttls(context=ssl.create_default_context())
            stage = Stage.EHLO
            _ehlo(client)
        if settings.EMAIL_HOST_USER and settings.EMAIL_HOST_PASSWORD:
            stage = Stage.AUTH
            _log_in(client)
    except (OSError, UnicodeError) as error:  # smtplib's and ssl's are OSErrors
        if client:
            client.close()
        raise failure(stage, error) from error
    return client


def failure(stage: Stage, error: OSError | UnicodeError) -> Unavailable:
    """What an error on the way to a usable connection means."""
    if isinstance(error, UnicodeError):  # its text has a character of the password
        return Stopped("the mail server's name, user or password is not ASCII")
    if isinstance(error, smtplib.SMTPResponseException):
        reply = reply_in(error)
        action, _ = classify(stage, reply.code, enhanced_status(reply.text), reply.text)
        return (Stopped if action is Action.STOP else Unavailable)(str(reply))
    refuses = isinstance(error, smtplib.SMTPException | ssl.SSLError)
    stopped = refuses and not isinstance(error, _CUT_OFF)
    return (Stopped if stopped else Unavailable)(described(error))


def _greeted(timeout: float) -> smtplib.SMTP:
    host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
    name = DNS_NAME.get_fqdn()
    if settings.EMAIL_USE_SSL:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, name, timeout=timeout, context=context)
    return smtplib.SMTP(host, port, name, timeout=timeout)


def _ehlo(client: smtplib.SMTP) -> None:
    code, text = client.ehlo()
    if code != 250:
        raise smtplib.SMTPHeloError(code, text)


def _log_in(client: smtplib.SMTP) -> None:
    """As ``login``, whose next mechanism may find the line ended after a wrong password: 535."""
    refusals: list[smtplib.SMTPAuthenticationError] = []
    auth = client.auth

    def remembered(*args: Any, **options: Any) -> tuple[int, bytes]:
        try:
            return auth(*args, **options)
        except smtplib.SMTPAuthenticationError as error:
            refusals.append(error)
            raise

    client.auth = remembered  # type: ignore[method-assign]
    try:
        client.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except smtplib.SMTPException:
        for refusal in refusals:
            if refusal.smtp_code == 535:
                raise refusal from None
        raise
