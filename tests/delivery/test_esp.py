"""Messages over the HTTP interfaces of mail services."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives

from subscriptions.delivery import esp as module
from subscriptions.delivery.esp import EspTransport
from subscriptions.delivery.outcomes import Outcome, Result, Stopped, Unavailable
from subscriptions.delivery.transport import open_transport
from tests.delivery.esp_server import ESPS, EspServer, forget_key, running_esp
from tests.delivery.esp_speech import MAILGUN, POSTMARK, SENDGRID, SES
from tests.delivery.letters import Letter, Sent, go_on, hand_over

Start = Callable[..., EspServer]
SENT, UNTRIED, DOUBT, LATER = "sent", "not tried", "in doubt", "retry later"
ADDRESS, OURS = "refused: address", "refused: ours"
HEADERS = {
    "Message-ID": "<digest-1@example.org>",
    "Date": "Mon, 13 Oct 2025 09:00:00 +0000",
    "List-Id": "Paper Round <digest.example.org>",
    "List-Unsubscribe": "<https://example.org/u/1/>, <mailto:bounces+u1@example.org>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
KEPT = HEADERS.keys() - {"Date"}


class Note(Letter):
    """A letter with headers and HTML."""

    def email(self) -> EmailMultiAlternatives:
        message = EmailMultiAlternatives(
            f"number {self.number}", "Hello", to=[self.recipient], headers=dict(HEADERS)
        )
        message.attach_alternative("<p>Hello</p>", "text/html")
        return message


def notes(count: int = 3) -> list[Letter]:
    return [Note(n, f"r{n}@example.org") for n in range(1, count + 1)]


@pytest.fixture
def start(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    settings.DEFAULT_FROM_EMAIL = "Paper Round <digest@example.com>"
    with ExitStack() as stack:

        def started(esp: str, answers: Mapping[str, str] | None = None) -> EspServer:
            return stack.enter_context(running_esp(esp, settings, monkeypatch, answers))

        yield started


def send(server: EspServer, letters: list[Letter], timeout: float = 30) -> Sent:
    """Hand over; only what is said to be sent, or in doubt, may have been taken."""
    sent = hand_over(letters, lambda: open_transport(timeout))
    results = dict(zip([letter.recipient for letter in letters], sent.results, strict=True))
    certain = {to for to, result in results.items() if result == SENT}
    doubtful = {to for to, result in results.items() if result == DOUBT}
    assert certain <= set(server.delivered) <= certain | doubtful
    assert len(server.delivered) == len(set(server.delivered)), "taken twice"
    return sent


@pytest.mark.parametrize("esp", ESPS)
def test_every_message_is_taken_with_headers_of_its_own(start: Start, esp: str) -> None:
    server = start(esp)
    sent = send(server, notes())
    assert (sent.results, sent.ending) == ([SENT] * 3, "")
    assert all(outcome.reply.startswith("accepted: ") for outcome in sent.outcomes)
    if esp != SENDGRID:  # it makes its own up, as its webhooks tell it
        assert sent.outcomes[0].reply == "accepted: <id.r1@mail.example>"
    for got in server.messages:
        assert got.sender.endswith("digest@example.com>" if esp != SENDGRID else "@example.com")
        assert (got.text.strip(), got.html.strip()) == ("Hello", "<p>Hello</p>")
        headers = {name.lower(): value for name, value in got.headers.items()}
        assert {name: headers.get(name.lower()) for name in KEPT} == {
            name: HEADERS[name] for name in KEPT
        }
        assert ("x-pm-keepid" in headers) == (esp == POSTMARK)
        assert ("date" in headers) == (esp == SES), "each writes the time when it took it"


@pytest.mark.parametrize(
    ("esp", "expected"),
    [
        (MAILGUN, {"o:tracking": "no", "o:tracking-opens": "no", "o:tracking-clicks": "no"}),
        (POSTMARK, {"TrackOpens": False, "TrackLinks": "None"}),
        (
            SENDGRID,
            {
                "open_tracking": {"enable": False},
                "click_tracking": {"enable": False},
                "ganalytics": {"enable": False},
                "subscription_tracking": {"enable": False},
            },
        ),
    ],
)
def test_nobody_is_tracked(start: Start, esp: str, expected: dict[str, Any]) -> None:
    server = start(esp)
    send(server, notes(1))
    assert server.messages[0].tracking == expected


@pytest.mark.parametrize("esp", ESPS)
def test_the_service_knows_which_delivery_it_is(start: Start, esp: str) -> None:
    server = start(esp)
    with closing(open_transport()) as transport:
        transport.send([(7, notes()[0]), (0, notes()[1])], {}, go_on)
    digest, letter = sorted(server.messages, key=lambda got: got.to)
    assert (digest.metadata, digest.tags) == ({"delivery": "7"}, ["digest"])
    assert (letter.metadata, letter.tags) == ({}, []), "it is in no ledger"
    assert digest.envelope == ("bounces+1@example.com" if esp == SES else "")


def test_what_a_message_says_of_itself_is_told(start: Start) -> None:
    class Told(Note):
        def email(self) -> EmailMultiAlternatives:
            message = super().email()
            vars(message).update(metadata={"subscriber": "5"})
            return message

    server = start(MAILGUN)
    with closing(open_transport()) as transport:
        transport.send([(0, Told(1))], {}, go_on)
    assert server.messages[0].metadata == {"subscriber": "5"}


@pytest.mark.parametrize("esp", ESPS)
@pytest.mark.parametrize(
    ("answer", "result"),
    [("invalid", ADDRESS), ("content", OURS), ("busy", LATER), ("broken", LATER),
     ("gateway", DOUBT), ("drop", DOUBT)],
)  # fmt: skip
def test_a_message_that_is_not_taken_leaves_the_others(
    start: Start, esp: str, answer: str, result: str
) -> None:
    server = start(esp, {"r2@example.org": answer})
    sent = send(server, notes())
    if esp == POSTMARK and answer in ("broken", "gateway", "drop"):
        assert (sent.results, sent.ending) == ([result] * 3, "Unavailable"), "all are in a batch"
        return
    if esp == SES and answer == "invalid":
        result = OURS  # Amazon does not say whose address it means
    assert (sent.results, sent.ending) == ([SENT, result, SENT], "")
    assert "example.org" not in sent.outcomes[1].reply


def test_who_is_on_postmarks_own_list_is_refused(start: Start) -> None:
    server = start(POSTMARK, {"r2@example.org": "inactive"})
    sent = send(server, notes())
    assert sent.results == [SENT, ADDRESS, SENT]
    assert sent.outcomes[1].reply.startswith("HTTP 200 406 You tried to send to a recipient")
    assert "r1@" not in sent.outcomes[1].reply


@pytest.mark.parametrize("esp", ESPS)
def test_a_service_that_refuses_this_site_stops(
    start: Start, esp: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(esp)
    forget_key(settings, monkeypatch)
    sent = send(server, notes(9))
    assert (sent.results, sent.ending) == ([UNTRIED] * 9, "Stopped")
    assert str(sent.raised).startswith(f"HTTP {403 if esp == SES else 401} ")


@pytest.mark.parametrize("esp", ESPS)
def test_a_service_that_cannot_be_reached_is_tried_later(start: Start, esp: str) -> None:
    server = start(esp)
    server.stop()
    sent = send(server, notes())
    assert (sent.results, sent.ending) == ([UNTRIED] * 3, "Unavailable")


@pytest.mark.parametrize("esp", ESPS)
def test_a_service_that_does_not_answer_leaves_the_rest_untried(start: Start, esp: str) -> None:
    letters = notes(10)
    stalled = letters if esp == POSTMARK else letters[: module.LINES]
    server = start(esp, {letter.recipient: "stall" for letter in stalled})
    sent = send(server, letters, timeout=0.3)
    doubts = [DOUBT] * len(stalled)
    assert sent.results == doubts + [UNTRIED] * (len(letters) - len(stalled))
    assert sent.ending == "Unavailable"


@pytest.mark.parametrize("esp", ESPS)
def test_who_may_not_go_on_hands_nothing_over(start: Start, esp: str) -> None:
    server = start(esp)
    outcomes: dict[int, Outcome] = {}

    def check() -> None:
        raise Unavailable("too late")

    with closing(open_transport()) as transport, pytest.raises(Unavailable, match="too late"):
        transport.send(enumerate(notes()), outcomes, check)
    assert not server.requests
    assert {outcome.result for outcome in outcomes.values()} == {Result.NOT_TRIED}


def test_a_message_that_cannot_be_encoded_stops_no_other(start: Start) -> None:
    class Broken(Note):
        def email(self) -> EmailMultiAlternatives:
            raise ValueError("bad")

    server = start(MAILGUN)
    first, _, third = notes()
    sent = send(server, [first, Broken(2, "r2@example.org"), third])
    assert sent.results == [SENT, OURS, SENT]


@pytest.mark.parametrize("esp", [MAILGUN, SENDGRID, SES])
def test_requests_of_one_message_go_side_by_side(start: Start, esp: str) -> None:
    """The service answers when three are there, so that one after the other none would be."""
    server = start(esp)
    server.before = threading.Barrier(3, timeout=10).wait
    assert send(server, notes()).results == [SENT] * 3


@pytest.mark.parametrize("esp", ESPS)
def test_connections_are_kept(start: Start, esp: str) -> None:
    server = start(esp)
    assert send(server, notes(40)).results == [SENT] * 40
    assert server.connections <= module.LINES
    assert len(server.requests) == (1 if esp == POSTMARK else 40)


def test_a_batch_has_an_end(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    server = start(POSTMARK)
    assert send(server, notes()).results == [SENT] * 3
    assert server.requests == [["r1@example.org", "r2@example.org"], ["r3@example.org"]]


def test_a_batch_that_is_refused_as_a_whole_is_taken_apart(start: Start) -> None:
    server = start(POSTMARK, {"r2@example.org": "too large"})
    assert send(server, notes()).results == [SENT] * 3
    assert [len(each) for each in server.requests] == [3, 1, 1, 1]


@pytest.mark.parametrize("esp", [MAILGUN, SES])
def test_an_interruption_keeps_the_answers_that_come(start: Start, esp: str) -> None:
    server = start(esp)
    server.before = threading.Barrier(3, lambda: os.kill(os.getpid(), signal.SIGINT), 10).wait
    sent = send(server, notes())
    assert (sent.results, sent.ending) == ([SENT] * 3, "KeyboardInterrupt")


def test_an_interrupted_batch_is_in_doubt(start: Start) -> None:
    server = start(POSTMARK)
    server.before = lambda: os.kill(os.getpid(), signal.SIGINT)
    outcomes: dict[int, Outcome] = {}
    with closing(open_transport()) as transport, pytest.raises(KeyboardInterrupt):
        transport.send(enumerate(notes()), outcomes, go_on)
    assert {outcome.result for outcome in outcomes.values()} == {Result.IN_DOUBT}


def test_amazon_without_keys_or_region_stops(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    server = start(SES)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert send(server, notes()).ending == "Stopped"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert send(server, notes()).ending == "Stopped"


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAILGUN_API_URL", "nowhere"), ("MAILGUN_SENDER_DOMAIN", "a/b"), ("MAILGUN_API_KEY", "ключ")],
)
def test_a_setting_that_cannot_be_used_stops(
    start: Start, settings: Any, name: str, value: str
) -> None:
    server = start(MAILGUN)
    settings.ANYMAIL = settings.ANYMAIL | {name: value}
    sent = send(server, notes())
    assert (sent.results, sent.ending) == ([UNTRIED] * 3, "Stopped")
    assert "ключ" not in str(sent.raised)


def test_a_service_that_proves_not_who_it_is_stops(start: Start, settings: Any, tls: Any) -> None:
    server = start(POSTMARK)
    server.wrap(tls)
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_API_URL": server.url}
    sent = hand_over(notes(), EspTransport)
    assert isinstance(sent.raised, Stopped) and "CERTIFICATE_VERIFY_FAILED" in str(sent.raised)
