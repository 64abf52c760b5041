"""Letters: mails outside the ledger, as a mail server gets them."""

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail

from subscriptions import emails, verp
from subscriptions.delivery.outcomes import Fault, Result
from subscriptions.flows import address, sign_in, subscribe
from subscriptions.flows.mail import Letter, mail_one
from subscriptions.verp import Kind
from tests.conftest import MONDAY, choices
from tests.delivery.conftest import Serve, serve

__all__ = ["serve"]

Make = Callable[..., Any]

CONTEXT = {"sign_in_url": "https://example.org/", "asked_at": MONDAY}


@pytest.fixture(autouse=True)
def bounces(settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    settings.SITE_HOST = "papers.example.org"


def parsed(data: bytes) -> EmailMessage:
    found = message_from_bytes(data, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def sender(mail_command: str) -> str:
    found = re.match("MAIL FROM:<(.*?)>", mail_command)
    assert found
    return found[1]


def test_what_mail_programs_and_servers_read_of_one(serve: Serve, make_reader: Make) -> None:
    server = serve()
    reader = make_reader("ada@bücher.example")
    for _ in range(2):
        pk = sign_in.receive(reader.email, "", MONDAY)
        assert sign_in.answer(pk, MONDAY)
    first, second = (parsed(message.data) for message in server.messages)
    assert [sender(message.mail) for message in server.messages] == [
        verp.address(Kind.LETTER, reader.pk)
    ] * 2
    assert server.messages[0].rcpt == "RCPT TO:<ada@xn--bcher-kva.example>"
    assert first["To"] == "ada@xn--bcher-kva.example"
    assert first["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<letter-[-0-9a-f]{36}@papers\.example\.org>", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Date"].datetime
    assert not [name for name in first if name.startswith("List-") or name == "Precedence"]


def test_a_sign_up_bounces_for_its_address(serve: Serve, db: None) -> None:
    server = serve()
    pk = subscribe.receive("ada@example.org", choices(phrases=("x",)), "", MONDAY)
    assert subscribe.answer_request(pk, MONDAY)
    kind, _ = verp.read(sender(server.messages[0].mail))
    assert kind is Kind.LETTER


def test_a_new_address_that_bounces_is_not_the_readers(serve: Serve, make_reader: Make) -> None:
    """It is not theirs yet: the one they have must not be given up for it."""
    server = serve()
    reader = make_reader("ada@example.org")
    pk = address.ask(reader, "ada@example.net", MONDAY)
    assert isinstance(pk, int) and address.mail(pk, MONDAY)
    assert sender(server.messages[0].mail) == "bounces@example.org"


def test_without_a_mailbox_bounces_go_to_the_sender(serve: Serve, settings: Any) -> None:
    settings.BOUNCE_ADDRESS = ""
    settings.DEFAULT_FROM_EMAIL = "Paper Round <digest@example.org>"
    server = serve()
    assert mail_one("sign_in", CONTEXT, "ada@example.org", subscriber=1).result is Result.SENT
    assert sender(server.messages[0].mail) == "digest@example.org"


@pytest.mark.parametrize(
    "text",
    [
        ".\n..\n.leading dots\n",
        "From here\n",
        "naïve — 漢字 " * 40 + "\n",
        "x" * 1200 + "\n",
        "tail \n",
    ],
)
def test_any_text_arrives_as_it_is(text: str) -> None:
    html = f"<p>{text}</p>\n"
    letter = Letter("a@b.c", "ada@example.org", emails.Rendered("Ä", text, html), {}, None)
    data = letter.wire()
    assert data.isascii() and data.endswith(b"\r\n") and b"\r\n." not in data
    assert max(map(len, data.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76
    found = parsed(data)
    parts = [part for part in found.walk() if not part.is_multipart()]
    assert [part.get_content().replace("\r\n", "\n") for part in parts] == [text, html]
    assert found["Subject"] == "Ä"


def test_what_became_of_one(serve: Serve, settings: Any) -> None:
    def sent() -> tuple[Result, Fault | None]:
        outcome = mail_one("sign_in", CONTEXT, "ada@example.org")
        return outcome.result, outcome.fault

    serve({("RCPT", 0): "550 5.1.1 nobody"})
    assert sent() == (Result.REFUSED, Fault.ADDRESS)
    serve({("END", 0): "451 4.7.1 greylisted"})
    assert sent() == (Result.RETRY_LATER, Fault.TEMPORARY)
    serve({("END", 0): "drop"})
    assert sent() == (Result.IN_DOUBT, Fault.TEMPORARY)
    settings.EMAIL_PORT = 9
    assert sent()[0] is Result.NOT_TRIED


def test_other_backends_get_the_same(settings: Any) -> None:
    assert mail_one("sign_in", CONTEXT, "ada@example.org").result is Result.SENT
    message = mail.outbox[0].message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@papers.example.org>")
