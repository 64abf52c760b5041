"""Every answer, and every way a line can end, at every stage: what becomes of each message."""

from typing import Any

import pytest

from tests.delivery.conftest import Serve
from tests.delivery.letters import Letter, Sent, send, three
from tests.delivery.scripted_server import EXTENSIONS, ScriptedServer

SENT, UNTRIED, DOUBT = "sent", "not tried", "in doubt"
SOON, LATER = "retry soon", "retry later"
ADDRESS, OURS = "refused: address", "refused: ours"

OPENING = ["greeting", "EHLO", "STARTTLS", "AUTH"]
EXCHANGE = ["MAIL", "RCPT", "DATA", "END"]
LINE_ENDS = ["drop", "reset", "stall", "hello", "999 what", "250 " + "x" * 9000, "250-x\r\n" * 200]

pipelined = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "stepwise"])


@pytest.fixture
def start(serve: Serve, settings: Any, trusted: None, tls: object) -> Serve:
    """A server with everything that has a stage; a stall is noticed after half a second."""

    def start(answers: object, pipelining: bool, **options: object) -> ScriptedServer:
        offers = [*EXTENSIONS[not pipelining :], "STARTTLS", "AUTH PLAIN"]
        server = serve(answers, offers=offers, tls=tls, **options)
        settings.EMAIL_USE_TLS = True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
        return server

    return start


@pipelined
@pytest.mark.parametrize("code", [421, 450, 452, 454, 550, 552, 554])
@pytest.mark.parametrize("stage", OPENING)
def test_refused_on_the_way_in(start: Serve, stage: str, code: int, pipelining: bool) -> None:
    """Nothing was tried, nobody is marked; a lasting refusal stops all sending."""
    server = start({(stage, 1): f"{code} 4.7.0 no"}, pipelining)
    sent = send(server, three())
    assert sent.results == [UNTRIED] * 3
    assert sent.ending == ("Stopped" if code >= 500 else "Unavailable")
    assert str(sent.raised) == sent.outcomes[0].reply == f"{code} 4.7.0 no"
    assert "MAIL" not in server.verbs() and server.connections == 1


REFUSALS = {
    ("MAIL", 421): ([SENT, SOON, UNTRIED], "Unavailable"),
    ("MAIL", 450): ([SENT, LATER, SENT], ""),
    ("MAIL", 452): ([SENT, LATER, SENT], ""),
    ("MAIL", 454): ([SENT, LATER, SENT], ""),
    ("MAIL", 550): ([SENT, UNTRIED, UNTRIED], "Stopped"),
    ("MAIL", 552): ([SENT, OURS, SENT], ""),
    ("MAIL", 554): ([SENT, UNTRIED, UNTRIED], "Stopped"),
    ("RCPT", 421): ([SENT, SOON, UNTRIED], "Unavailable"),
    ("RCPT", 450): ([SENT, LATER, SENT], ""),
    ("RCPT", 452): ([SENT, LATER, SENT], ""),
    ("RCPT", 454): ([SENT, LATER, SENT], ""),
    ("RCPT", 550): ([SENT, ADDRESS, SENT], ""),
    ("RCPT", 552): ([SENT, ADDRESS, SENT], ""),
    ("RCPT", 554): ([SENT, ADDRESS, SENT], ""),
    ("DATA", 421): ([SENT, SOON, UNTRIED], "Unavailable"),
    ("DATA", 450): ([SENT, LATER, SENT], ""),
    ("DATA", 452): ([SENT, LATER, SENT], ""),
    ("DATA", 454): ([SENT, LATER, SENT], ""),
    ("DATA", 550): ([SENT, OURS, SENT], ""),
    ("DATA", 552): ([SENT, OURS, SENT], ""),
    ("DATA", 554): ([SENT, OURS, SENT], ""),
    ("END", 421): ([SENT, SOON, SENT], ""),
    ("END", 450): ([SENT, LATER, SENT], ""),
    ("END", 452): ([SENT, LATER, SENT], ""),
    ("END", 454): ([SENT, LATER, SENT], ""),
    ("END", 550): ([SENT, OURS, SENT], ""),
    ("END", 552): ([SENT, OURS, SENT], ""),
    ("END", 554): ([SENT, OURS, SENT], ""),
}


@pipelined
@pytest.mark.parametrize(("stage", "code"), REFUSALS)
def test_the_second_message_is_refused(
    start: Serve, stage: str, code: int, pipelining: bool
) -> None:
    server = start({(stage, 2): f"{code} no"}, pipelining)
    sent = send(server, three())
    assert (sent.results, sent.ending) == REFUSALS[stage, code]
    assert sent.outcomes[1].reply == f"{code} no"
    assert server.connections == (2 if code == 421 else 1)


@pipelined
@pytest.mark.parametrize("stage", EXCHANGE)
def test_421_to_the_first_message_ends_the_attempt(
    start: Serve, stage: str, pipelining: bool
) -> None:
    server = start({(stage, 1): "421 4.3.2 closing"}, pipelining)
    sent = send(server, three())
    assert (sent.results, sent.ending) == ([SOON, UNTRIED, UNTRIED], "Unavailable")
    assert server.connections == 1


@pipelined
@pytest.mark.parametrize("end", LINE_ENDS, ids=lambda end: end[:9].strip())
@pytest.mark.parametrize("stage", OPENING)
def test_the_line_ends_on_the_way_in(
    start: Serve, settings: Any, stage: str, end: str, pipelining: bool
) -> None:
    settings.EMAIL_TIMEOUT = 0.5 if end == "stall" else 10
    server = start({(stage, 1): end}, pipelining)
    sent = send(server, three())
    assert (sent.results, sent.ending) == ([UNTRIED] * 3, "Unavailable")
    assert sent.outcomes[0].reply == str(sent.raised)


@pipelined
@pytest.mark.parametrize("end", LINE_ENDS, ids=lambda end: end[:9].strip())
@pytest.mark.parametrize("stage", EXCHANGE)
def test_the_line_ends_at_the_second_message(
    start: Serve, settings: Any, stage: str, end: str, pipelining: bool
) -> None:
    """The first went through, so another line is opened; in doubt is only what was written."""
    settings.EMAIL_TIMEOUT = 0.5 if end == "stall" else 10
    server = start({(stage, 2): [end]}, pipelining)
    sent = send(server, three())
    assert sent.results == [SENT, DOUBT if stage == "END" else SENT, SENT]
    assert (sent.ending, server.connections) == ("", 2)


@pipelined
@pytest.mark.parametrize("stage", EXCHANGE)
def test_the_line_ends_at_the_first_message(start: Serve, stage: str, pipelining: bool) -> None:
    server = start({(stage, 1): "drop"}, pipelining)
    sent = send(server, three())
    first = DOUBT if stage == "END" else SOON
    assert (sent.results, sent.ending) == ([first, UNTRIED, UNTRIED], "Unavailable")
    assert "closed the connection" in sent.outcomes[0].reply
    assert server.connections == 1


@pipelined
@pytest.mark.parametrize("stage", EXCHANGE)
def test_the_line_always_ends_at_the_second_message(
    start: Serve, stage: str, pipelining: bool
) -> None:
    server = start({(stage, 2): "drop"}, pipelining)
    sent = send(server, three())
    rest = ([SENT, DOUBT, SENT], "") if stage == "END" else ([SENT, SOON, UNTRIED], "Unavailable")
    assert (sent.results, sent.ending) == rest
    assert server.connections == 2


@pipelined
@pytest.mark.parametrize(
    ("stage", "answer"),
    [("MAIL", "354 go on"), ("RCPT", "354 go on"), ("DATA", "250 ok"), ("END", "354 go on")],
)
def test_an_answer_out_of_step_ends_the_line(
    start: Serve, stage: str, answer: str, pipelining: bool
) -> None:
    server = start({(stage, 2): [answer]}, pipelining)
    sent = send(server, three())
    assert sent.results == [SENT, DOUBT if stage == "END" else SENT, SENT]
    assert server.connections == 2


@pipelined
@pytest.mark.parametrize("end", ["drop", "reset"])
def test_accepted_and_then_the_line_ends(start: Serve, end: str, pipelining: bool) -> None:
    server = start({("END", 2): f"250 ok|{end}"}, pipelining)
    sent = send(server, three())
    assert (sent.results, sent.ending) == ([SENT] * 3, "")


@pipelined
def test_the_server_closes_after_ten_messages(start: Serve, pipelining: bool) -> None:
    server = start({}, pipelining, close_after=10)
    sent = send(server, [Letter(n) for n in range(1, 36)])
    assert (sent.results, sent.ending) == ([SENT] * 35, "")
    assert server.connections == 4


@pipelined
def test_a_server_that_goes_away_for_good(start: Serve, pipelining: bool) -> None:
    answers = {("MAIL", 3): "drop", ("greeting", 2): "421 4.3.2 closing"}
    sent: Sent = send(start(answers, pipelining), [Letter(n) for n in range(1, 6)])
    assert sent.results == [SENT, SENT, UNTRIED, UNTRIED, UNTRIED]
    assert sent.ending == "Unavailable"
    assert [outcome.reply for outcome in sent.outcomes[2:]] == [
        "421 4.3.2 closing",
        "421 4.3.2 closing",
        "interrupted",
    ]
