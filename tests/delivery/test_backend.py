"""Django's other backends: memory, and one that fails as backends do."""

import smtplib
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends import locmem

from subscriptions.delivery.outcomes import Outcome, Unavailable
from subscriptions.delivery.smtp import SmtpTransport
from subscriptions.delivery.transport import BackendTransport, open_transport
from tests.delivery.letters import Letter, Sent, hand_over, three

SENT, UNTRIED, DOUBT = "sent", "not tried", "in doubt"


@pytest.fixture
def failing(settings: Any) -> type["Failing"]:
    settings.EMAIL_BACKEND = "tests.delivery.test_backend.Failing"
    Failing.second, Failing.opening, Failing.closing, Failing.closed = None, None, None, 0
    return Failing


class Failing(locmem.EmailBackend):
    """Takes all but the second message, unless it cannot be opened."""

    second: BaseException | None = None
    opening: Exception | None = None
    closing: Exception | None = None
    closed = 0

    def open(self) -> bool:
        if self.opening:
            raise self.opening
        return True

    def close(self) -> None:
        Failing.closed += 1
        if self.closing:
            raise self.closing

    def send_messages(self, messages: Iterable[EmailMessage]) -> int:
        messages = list(messages)
        if self.second and messages[0].subject == "number 2":
            raise self.second
        return super().send_messages(messages)


def recipient_refused(code: int, text: bytes) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({"ada@example.org": (code, text)})


def send(letters: list[Letter]) -> Sent:
    return hand_over(letters, BackendTransport)


def test_the_setting_chooses_the_transport(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert isinstance(open_transport(), SmtpTransport)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert isinstance(open_transport(), BackendTransport)


def test_every_message_is_handed_over() -> None:
    sent = send(three())
    assert (sent.results, sent.ending) == ([SENT] * 3, "")
    assert [email.subject for email in mail.outbox] == ["number 1", "number 2", "number 3"]
    assert mail.outbox[0].from_email == "bounces+1@example.com"
    assert mail.outbox[0].to == ["ada@example.org"]


@pytest.mark.parametrize(
    ("error", "result", "reply"),
    [
        (recipient_refused(550, b"5.1.1 nobody"), "refused: address", "550 5.1.1 nobody"),
        (recipient_refused(450, b"4.2.0 later"), "retry later", "450 4.2.0 later"),
        (recipient_refused(421, b"closing"), "retry soon", "421 closing"),
        (smtplib.SMTPSenderRefused(452, b"full", "us"), "retry later", "452 full"),
        (smtplib.SMTPDataError(554, b"spam"), "refused: ours", "554 spam"),
        (smtplib.SMTPDataError(421, b"closing"), "retry soon", "421 closing"),
        (smtplib.SMTPDataError(-1, b"what"), DOUBT, "-1 what"),
        (smtplib.SMTPDataError(354, b"go on"), DOUBT, "354 go on"),
        (smtplib.SMTPServerDisconnected("gone"), DOUBT, "SMTPServerDisconnected: gone"),
        (TimeoutError("timed out"), DOUBT, "TimeoutError: timed out"),
        (KeyError("an ESP's"), DOUBT, 'KeyError: "an ESP\'s"'),
    ],
    ids=str,
)
def test_a_message_that_is_not_taken_leaves_the_others(
    failing: type[Failing], error: Exception, result: str, reply: str
) -> None:
    failing.second = error
    sent = send(three())
    assert (sent.results, sent.ending) == ([SENT, result, SENT], "")
    assert sent.outcomes[1].reply == reply
    assert len(mail.outbox) == 2
    assert failing.closed == 2  # a line that failed is not used again


def test_a_refused_sender_stops(failing: type[Failing]) -> None:
    failing.second = smtplib.SMTPSenderRefused(550, b"5.7.1 not yours", "us")
    sent = send(three())
    assert (sent.results, sent.ending) == ([SENT, UNTRIED, UNTRIED], "Stopped")
    assert sent.outcomes[1].reply == str(sent.raised) == "550 5.7.1 not yours"


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (ConnectionRefusedError(111, "refused"), "Unavailable"),
        (smtplib.SMTPServerDisconnected("gone"), "Unavailable"),
        (smtplib.SMTPConnectError(421, b"busy"), "Unavailable"),
        (smtplib.SMTPAuthenticationError(535, b"no"), "Stopped"),
        (smtplib.SMTPNotSupportedError("STARTTLS extension not supported"), "Stopped"),
    ],
    ids=str,
)
def test_a_backend_that_cannot_be_opened(
    failing: type[Failing], error: Exception, ending: str
) -> None:
    failing.opening = error
    sent = send(three())
    assert (sent.results, sent.ending) == ([UNTRIED] * 3, ending)
    assert mail.outbox == []


def test_a_line_that_does_not_close_well_changes_no_outcome(failing: type[Failing]) -> None:
    failing.second = recipient_refused(550, b"5.1.1 nobody")
    failing.closing = smtplib.SMTPResponseException(500, b"what?")
    assert send(three()).results == [SENT, "refused: address", SENT]


def test_an_interrupted_message_is_in_doubt(failing: type[Failing]) -> None:
    failing.second = KeyboardInterrupt()
    sent = send(three())
    assert (sent.results, sent.ending) == ([SENT, DOUBT, UNTRIED], "KeyboardInterrupt")


def test_who_may_not_go_on_hands_nothing_over() -> None:
    outcomes: dict[int, Outcome] = {}

    def check() -> None:
        if outcomes:
            raise Unavailable("too late")

    with closing(BackendTransport()) as transport, pytest.raises(Unavailable, match="too late"):
        transport.send(enumerate(three()), outcomes, check)
    assert {key: outcome.reply for key, outcome in outcomes.items()} == {
        0: "accepted",
        1: "too late",
    }
    assert len(mail.outbox) == 1
