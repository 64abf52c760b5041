"""What goes over the line: envelope, content, and the order of both."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from subscriptions.delivery.line import Line
from subscriptions.delivery.outcomes import Outcome, Result, Unavailable
from subscriptions.delivery.smtp import SmtpTransport
from tests.delivery.conftest import Serve
from tests.delivery.letters import Letter, compare, go_on, send, three
from tests.delivery.scripted_server import EXTENSIONS

SENT, UNTRIED, DOUBT = "sent", "not tried", "in doubt"
ADDRESS, OURS = "refused: address", "refused: ours"

pipelined = pytest.mark.parametrize("offers", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelined", ""])


@pipelined
def test_three_messages_go_over_one_line(serve: Serve, offers: tuple[str, ...]) -> None:
    server = serve(offers=offers)
    assert send(server, three()).results == [SENT] * 3
    first = server.messages[0]
    assert first.mail == f"MAIL FROM:<bounces+1@example.com> SIZE={len(first.data)}"
    assert first.rcpt == "RCPT TO:<ada@example.org>"
    assert server.verbs() == ["EHLO", *(["MAIL", "RCPT", "DATA"] * 3), "QUIT"]
    assert server.connections == 1


def test_pipelined_commands_come_together_with_the_content_before(serve: Serve) -> None:
    server = serve()
    send(server, three())
    together = [chunk for chunk in server.chunks if b"MAIL" in chunk]
    assert all(chunk.endswith(b"DATA\r\n") for chunk in together)
    assert [b"Subject" in chunk for chunk in together] == [False, True, True]


def test_nothing_is_pipelined_where_that_is_not_offered(serve: Serve) -> None:
    server = serve(offers=EXTENSIONS[1:])
    send(server, three())
    commands = [chunk for chunk in server.chunks if b"Subject" not in chunk]
    assert all(chunk.count(b"\r\n") == 1 for chunk in commands)


@pytest.mark.parametrize("unheard", ["503 5.5.1 no recipient", "354 go on"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_recipient_is_refused_when_data_was_sent_too(
    serve: Serve, number: int, unheard: str
) -> None:
    """RFC 2920 3.1: a 354 all the same is answered by a lone dot, never by the next message."""
    server = serve({("RCPT", number): "550 5.1.1 nobody"}, unheard=unheard)
    sent = send(server, three())
    assert sent.results == [ADDRESS if n == number else SENT for n in (1, 2, 3)]
    assert sent.outcomes[number - 1].reply == "550 5.1.1 nobody"
    assert server.connections == 1
    lone = unheard.startswith("354")
    assert ("(0 octets for nobody)" in server.commands, "RSET" in server.verbs()) == (
        lone,
        not lone,
    )


@pipelined
def test_all_recipients_are_refused(serve: Serve, offers: tuple[str, ...]) -> None:
    server = serve({("RCPT", n): "550 5.1.1 nobody" for n in (1, 2, 3)}, offers=offers)
    assert send(server, three()).results == [ADDRESS] * 3
    assert server.connections == 1


@pipelined
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_the_line_ends_after_a_refusal(serve: Serve, stage: str, offers: tuple[str, ...]) -> None:
    """The message is turned away for good; the others go over another line."""
    server = serve({(stage, 2): "452 4.3.1 full|drop"}, offers=offers)
    sent = send(server, three())
    assert (sent.results, server.connections) == ([SENT, "retry later", SENT], 2)


@pipelined
def test_a_line_that_turned_a_message_away_is_progress(
    serve: Serve, offers: tuple[str, ...]
) -> None:
    server = serve({("RCPT", 1): "550 5.1.1 nobody", ("MAIL", 2): ["drop"]}, offers=offers)
    sent = send(server, three())
    assert (sent.results, server.connections) == ([ADDRESS, SENT, SENT], 2)


@pipelined
@pytest.mark.parametrize("stage", ["RCPT", "END"])
def test_a_sender_refused_late_stops_sending(
    serve: Serve, stage: str, offers: tuple[str, ...]
) -> None:
    """The message was not taken for certain, and is no worse than those after it."""
    server = serve({(stage, 2): "550 5.1.8 no such domain"}, offers=offers)
    sent = send(server, three())
    assert (sent.results, sent.ending) == ([SENT, UNTRIED, UNTRIED], "Stopped")
    assert sent.outcomes[1].reply == "550 5.1.8 no such domain"


def test_content_goes_octet_for_octet(serve: Serve) -> None:
    """Nothing is stuffed: by contract no line of it begins with a dot."""
    body = "a.\r\n \r\n .\r\n=2E\r\n\r\nwords. .more..\r\nMAIL FROM:<x@y>\r\n" + "z" * 900 + "\r\n"
    server = serve()
    assert send(server, [Letter(1, body=body), Letter(2)]).results == [SENT, SENT]
    assert server.messages[0].data.endswith(body.encode())


@pytest.mark.parametrize(
    ("recipient", "rcpt", "smtputf8"),
    [
        ("ada@bücher.example", "ada@xn--bcher-kva.example", False),
        ("jörg@example.org", "jörg@example.org", True),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example", True),
        ('"a b"@example.org', None, False),
        ("o'neil+x@example.org", "o'neil+x@example.org", False),
    ],
)
def test_addresses_beyond_ascii(
    serve: Serve, recipient: str, rcpt: str | None, smtputf8: bool
) -> None:
    server = serve()
    sent = send(server, [Letter(1), Letter(2, recipient), Letter(3)])
    assert sent.results == [SENT, SENT if rcpt else OURS, SENT]
    if rcpt:
        assert server.messages[1].rcpt == f"RCPT TO:<{rcpt}>"
        assert server.messages[1].mail.endswith(" SMTPUTF8") is smtputf8


@pytest.mark.parametrize(
    ("letter", "offers", "reply"),
    [
        (Letter(2, "jörg@example.org"), ["8BITMIME"], "the mail server does not offer SMTPUTF8"),
        (Letter(2, body="ö\r\n"), ["SMTPUTF8"], "the mail server does not offer 8BITMIME"),
        (Letter(2, body="x" * 80), ["SIZE 70"], "101 octets are more than the 70 of the mail"),
        (Letter(2, "ada@" + "ü" * 300 + ".example"), EXTENSIONS, "a domain of the envelope is not"),
    ],
)
def test_what_this_server_cannot_take(
    serve: Serve, letter: Letter, offers: list[str], reply: str
) -> None:
    server = serve(offers=[*offers, "PIPELINING"])
    sent = send(server, [Letter(1), letter, Letter(3)])
    assert sent.results == [SENT, OURS, SENT]
    assert sent.outcomes[1].reply.startswith(reply)
    assert server.verbs().count("MAIL") == 2


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE what"])
def test_a_size_that_is_no_limit(serve: Serve, size: str) -> None:
    server = serve(offers=[size])
    assert send(server, three()).results == [SENT] * 3


def test_eight_bits_are_announced(serve: Serve) -> None:
    server = serve()
    assert send(server, [Letter(1, body="ö\r\n"), Letter(2)]).results == [SENT, SENT]
    announced = ["BODY=8BITMIME" in message.mail for message in server.messages]
    assert announced == [True, False]


@pipelined
@pytest.mark.parametrize(
    "letter",
    [
        Letter(2, "ada@example.org>\r\nRCPT TO:<eve@example.org"),
        Letter(2, "ada@example.org\n"),
        Letter(2, "ada\r@example.org"),
        Letter(2, "ada@example.org> SIZE=1"),
        Letter(2, "ada"),
        Letter(2, "@example.org"),
        Letter(2, "ada\u2028@example.org"),
        Letter(2, "ada\ud800@example.org"),
        Letter(2, domain="example.com>\r\nRCPT TO:<eve@example.org"),
    ],
    ids=ascii,
)
def test_no_address_says_a_command(serve: Serve, letter: Letter, offers: tuple[str, ...]) -> None:
    server = serve(offers=offers)
    sent = send(server, [Letter(1), letter, Letter(3)])
    assert sent.results == [SENT, OURS, SENT]
    assert sent.outcomes[1].reply == "an address of the envelope is not valid"
    assert server.verbs() == ["EHLO", *(["MAIL", "RCPT", "DATA"] * 2), "QUIT"]


def test_a_line_is_kept_for_what_comes_later(serve: Serve) -> None:
    server = serve()
    outcomes: dict[int, Outcome] = {}
    with closing(SmtpTransport()) as transport:
        transport.send([(1, Letter(1))], outcomes, go_on)
        transport.send([(2, Letter(2))], outcomes, go_on)
    assert (server.delivered, server.connections) == ([1, 2], 1)


def test_a_kept_line_that_the_server_ended_is_replaced(serve: Serve) -> None:
    server = serve(close_after=1)
    outcomes: dict[int, Outcome] = {}
    with closing(SmtpTransport()) as transport:
        transport.send([(1, Letter(1))], outcomes, go_on)
        transport.send([(2, Letter(2))], outcomes, go_on)
    assert (server.delivered, server.connections) == ([1, 2], 2)


def test_nothing_to_send_opens_no_line(serve: Serve) -> None:
    server = serve()
    assert send(server, []).outcomes == []
    assert server.connections == 0


@pipelined
def test_an_interruption_while_a_message_is_made(serve: Serve, offers: tuple[str, ...]) -> None:
    """Only what was handed over and not answered is in doubt."""

    def letters() -> Iterator[tuple[int, Letter]]:
        yield 0, Letter(1)
        yield 1, Letter(2)
        raise KeyboardInterrupt

    server = serve(offers=offers)
    outcomes: dict[int, Outcome] = {}
    with closing(SmtpTransport()) as transport, pytest.raises(KeyboardInterrupt):
        transport.send(letters(), outcomes, go_on)
    assert {key: outcome.result for key, outcome in outcomes.items()} == {0: Result.IN_DOUBT}
    server.finish()
    assert server.delivered == [1]
    assert "QUIT" not in server.verbs()


@pipelined
def test_who_may_not_go_on_hands_nothing_over(serve: Serve, offers: tuple[str, ...]) -> None:
    """What the server awaits is not written, and not in doubt."""
    left = [None]
    server = serve(offers=offers)
    outcomes: dict[int, Outcome] = {}

    def check() -> None:
        if not left:
            raise Unavailable("too late")
        left.pop()

    with closing(SmtpTransport()) as transport, pytest.raises(Unavailable, match="too late"):
        transport.send(enumerate(three()), outcomes, check)
    assert outcomes[0].result is Result.SENT
    assert {outcomes[1], outcomes[2]} == {Outcome(Result.NOT_TRIED, "too late")}
    server.finish()
    assert server.delivered == [1]
    assert "QUIT" not in server.verbs()


@pipelined
@pytest.mark.parametrize("late", [False, True])
def test_an_interruption_at_any_moment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, late: bool, offers: tuple[str, ...]
) -> None:
    """Before or after each read and each write; at most one message is in doubt."""
    moments, sent = 0, None
    while sent is None or sent.ending:
        moments += 1
        server = serve(offers=offers)
        with monkeypatch.context() as patch:
            _interrupt(patch, moments, late=late)
            sent = send(server, three())
        server.finish()
        compare(server, three(), sent)
        assert set(sent.results) <= {SENT, DOUBT, UNTRIED}
        assert sent.results.count(DOUBT) <= 1
    assert sent.results == [SENT] * 3
    assert moments > 12


def _interrupt(monkeypatch: pytest.MonkeyPatch, moment: int, *, late: bool) -> None:
    """At this read or write of a line, counted from now."""
    left = moment

    def interrupted(work: Callable[..., Any]) -> Callable[..., Any]:
        def then(*args: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0 and not late:
                raise KeyboardInterrupt
            result = work(*args)
            if left == 0:
                raise KeyboardInterrupt
            return result

        return then

    for name in ("_read", "_write"):
        monkeypatch.setattr(Line, name, interrupted(getattr(Line, name)))
