"""Messages to hand over, and what became of them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from django.core.mail import EmailMessage

from subscriptions.delivery.outcomes import Outcome, Result, Unavailable
from subscriptions.delivery.smtp import SmtpTransport
from subscriptions.delivery.transport import Transport
from tests.delivery.scripted_server import ScriptedServer


@dataclass(frozen=True)
class Letter:
    """A message whose number is in its sender's address."""

    number: int
    recipient: str = "ada@example.org"
    body: str = "Hello\r\n"
    domain: str = "example.com"

    @property
    def sender(self) -> str:
        return f"bounces+{self.number}@{self.domain}"

    def wire(self) -> bytes:
        return f"Subject: number {self.number}\r\n\r\n{self.body}".encode()

    def email(self) -> EmailMessage:
        return EmailMessage(f"number {self.number}", self.body, self.sender, [self.recipient])


def go_on() -> None:
    """The check of a sender who may always go on."""


def three() -> list[Letter]:
    return [Letter(1), Letter(2), Letter(3)]


@dataclass(frozen=True)
class Sent:
    """What became of each letter, and how sending ended."""

    outcomes: list[Outcome]
    raised: BaseException | None

    @property
    def results(self) -> list[str]:
        return [
            f"refused: {outcome.fault.value}"
            if outcome.result is Result.REFUSED and outcome.fault
            else outcome.result.value
            for outcome in self.outcomes
        ]

    @property
    def ending(self) -> str:
        return type(self.raised).__name__ if self.raised else ""


def send(server: ScriptedServer, letters: list[Letter]) -> Sent:
    """Hand over to a server, whose own list of what it took must agree."""
    sent = hand_over(letters, SmtpTransport)
    compare(server, letters, sent)
    return sent


def hand_over(letters: list[Letter], transport: Callable[[], Transport]) -> Sent:
    """Hand over on a connection of their own; a letter without an outcome was not tried."""
    outcomes: dict[int, Outcome] = {}
    raised: BaseException | None = None
    with closing(transport()) as connection:
        try:
            connection.send(enumerate(letters), outcomes, go_on)
        except (Unavailable, KeyboardInterrupt) as error:
            raised = error
    untried = Outcome(Result.NOT_TRIED, "interrupted")
    return Sent([outcomes.get(key, untried) for key in range(len(letters))], raised)


def compare(server: ScriptedServer, letters: list[Letter], sent: Sent) -> None:
    """What is said to be sent was taken once and whole; only what is in doubt may have been."""
    arrived = server.delivered
    assert len(arrived) == len(set(arrived)), "taken twice"
    certain = {
        letter.number: letter
        for letter, outcome in zip(letters, sent.outcomes, strict=True)
        if outcome.result is Result.SENT
    }
    doubtful = {
        letter.number
        for letter, outcome in zip(letters, sent.outcomes, strict=True)
        if outcome.result is Result.IN_DOUBT
    }
    assert set(certain) <= set(arrived) <= set(certain) | doubtful
    for number, message in zip(arrived, server.messages, strict=True):
        if number in certain:
            assert message.data == certain[number].wire()
