"""What a person wrote goes to staff, or waits at the mail server."""

import datetime as dt
import email
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from subscriptions.flows.inbound import Taken, receive
from subscriptions.flows.to_staff import MOST_A_DAY, Passed, attached
from subscriptions.models import Subscriber
from subscriptions.verp import Kind
from tests.conftest import MONDAY
from tests.delivery.conftest import Serve, serve
from tests.delivery.test_dkim_signing import Verify, keys, summary, verify
from tests.returned import answer, bounce, of

__all__ = ["keys", "serve", "verify"]

DAY = dt.timedelta(days=1)
WRONG = re.compile(rb"^\.|(?<!\r)\n|\r(?!\n)|\0|^.{1000}", re.MULTILINE)
"""What ``delivery.message.Message.wire`` rules out, and RFC 5322 2.1.1."""


@pytest.fixture(autouse=True)
def _staff(settings: Any, db: None) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    User.objects.create_user("staff", "staff@example.org", is_staff=True)


@pytest.fixture
def question(make_reader: Callable[..., Subscriber]) -> bytes:
    return answer(of(Kind.REPLY, make_reader("ada@example.org")), "A question about a paper")


def piped(message: bytes, monkeypatch: pytest.MonkeyPatch) -> object:
    """How ``manage.py bounce`` ended."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(message)))
    try:
        call_command("bounce")
    except SystemExit as ended:
        return ended.code
    return 0


def test_what_is_over_the_days_number_waits(
    question: bytes, time_machine: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.INBOUND_SECRET = "hidden"
    time_machine.move_to(MONDAY, tick=False)
    for _ in range(MOST_A_DAY):
        assert receive(question, None, MONDAY) is Taken.FOR_STAFF
    assert piped(question, monkeypatch) == os.EX_TEMPFAIL
    bearer = {"Authorization": "Bearer hidden"}
    later = Client().post("/inbound/", question, "message/rfc822", headers=bearer)
    assert (later.status_code, len(mail.outbox)) == (503, MOST_A_DAY)
    time_machine.move_to(MONDAY + DAY, tick=False)
    assert piped(question, monkeypatch) == 0
    assert len(mail.outbox) == MOST_A_DAY + 1


def test_what_a_mail_service_brings_waits_there(
    client: Client, question: bytes, settings: Any
) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": "a:b"}
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    later = client.post(
        "/anymail/postmark/inbound/", {"RawEmail": question.decode()}, "application/json",
        headers={"Authorization": "Basic YTpi"},
    )  # fmt: skip
    assert later.status_code == 503


def test_while_the_mail_server_is_away_it_waits_and_counts_for_nothing(
    question: bytes, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    memory = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for _ in range(MOST_A_DAY + 1):
        with pytest.raises(ConnectionError):
            receive(question, None, MONDAY)
    assert piped(question, monkeypatch) == os.EX_TEMPFAIL
    settings.EMAIL_BACKEND = memory
    assert receive(question, None, MONDAY) is Taken.FOR_STAFF
    assert len(mail.outbox) == 1


def test_a_sender_that_cannot_be_read_gets_no_answer(question: bytes) -> None:
    for sender in (b"(" * 3000, b"(" * 900_000, b"a," * 400_000, b"Ada <ada@>"):
        broken = question.replace(b"Ada Ito <ada@example.org>", sender)
        assert receive(broken, None, MONDAY) is Taken.FOR_STAFF
        assert not mail.outbox[-1].reply_to and "no usable address" in mail.outbox[-1].body


def test_what_python_cannot_write_again_goes_as_it_is(question: bytes) -> None:
    broken = question.replace(
        b"\n\n", b"\nContent-Transfer-Encoding: 8bit\nX-Odd: \xff\xfe\n\n\xff", 1
    )
    assert receive(broken, None, MONDAY) is Taken.FOR_STAFF
    mail.outbox[0].message().as_bytes()


def test_it_is_sent_as_letters_are(
    question: bytes, serve: Serve, keys: None, verify: Verify, settings: Any
) -> None:
    settings.SITE_HOST = "papers.example.org"
    server = serve()
    latin = question.replace(b"about a paper", "über ein Blatt".encode("latin-1"))
    latin = latin.replace(b'charset="utf-8"', b'charset="iso-8859-1"')
    forms = {
        latin: "message/rfc822",
        question.replace(b"A question", b"\xff A question"): "message/rfc822",
        question.replace(b"A question", b".A question"): "application/octet-stream",
        question.replace(b"A question", b"x" * 2000): "application/octet-stream",
    }
    for written in forms:
        assert receive(written, None, MONDAY) is Taken.FOR_STAFF
    arrived = [message.data for message in server.messages]
    senders = {message.mail.split()[1] for message in server.messages}
    assert senders == {"FROM:<bounces@example.org>"}
    for message, kind in zip(arrived, forms.values(), strict=True):
        mail = email.message_from_bytes(message)
        assert mail["Message-ID"].endswith("@papers.example.org>") and message.isascii()
        assert [part.get_content_type() for part in mail.walk()][1:3] == ["text/plain", kind]
    *_, inner = email.message_from_bytes(arrived[0]).walk()
    assert "über ein Blatt".encode("latin-1") in bytes(inner.get_payload(decode=True))
    for signatures in verify(arrived):
        assert [result for *_, result in summary(signatures)] == ["pass", "pass"]


HEADS = (
    b"", b"Content-Type: text/plain; charset=latin-1\n", b"Content-Type: message/rfc822\n",
    b"Content-Type: text/html; charset=none\n", b"Content-Type: multipart/mixed; boundary=a\n",
)  # fmt: skip


BODIES = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\0", b"\xff", b"a" * 500])).map(b"".join)


@hypothesis_settings(max_examples=100, deadline=None)
@given(head=st.sampled_from(HEADS), more=st.binary(max_size=100), body=BODIES)
def test_whatever_was_written_goes_over_the_wire(head: bytes, more: bytes, body: bytes) -> None:
    for lines in (body, b"--a\n\n" + body + b"\n--a--\n"):
        attachment = attached(b"".join([head, more, b"\n\n", lines]))
        wire = Passed("staff@example.org", "Ada … wrote.\n", "", attachment).wire()
        assert wire.isascii() and not WRONG.search(wire)


def test_it_names_the_reader_whose_mail_was_answered(
    question: bytes, make_reader: Callable[..., Subscriber], settings: Any
) -> None:
    settings.SITE_URL = "https://papers.example.org"
    reader = Subscriber.objects.get()
    receive(question.replace(b"ada@", b"another@"), None, MONDAY)
    text = str(mail.outbox[0].body)
    assert "a…@e….org" in text and "ada@" not in text
    page = f"https://papers.example.org/admin/subscriptions/subscriber/{reader.pk}/change/"
    assert page in text.splitlines()
    reader.delete()
    receive(question, None, MONDAY)
    assert "…@" not in mail.outbox[1].body and "/admin/" not in mail.outbox[1].body


def test_what_a_person_writes_to_the_address_without_a_tag(
    make_reader: Callable[..., Subscriber],
) -> None:
    bare, wrong = "Bounces@Example.org", "bounces+b1-aaaaaaaaaaaaaaaa@example.org"
    reader = make_reader("ada@example.org")
    assert receive(answer(bare, "Unsubscribe"), None, MONDAY) is Taken.FOR_STAFF
    assert receive(answer("x@example.org", "Hello"), bare, MONDAY) is Taken.FOR_STAFF
    assert len(mail.outbox) == 2
    for to in (wrong, "bounces+@example.org", "x-bounces@example.org", f"{bare}.net", ""):
        assert receive(answer(to, "Hello"), None, MONDAY) is Taken.NOT_OURS
    assert receive(answer(bare, "Hello"), wrong, MONDAY) is Taken.NOT_OURS
    for extra in ({"Auto_Submitted": "auto-replied"}, {"Return_Path": "<>"}, {"List_Id": "<a.b>"}):
        assert receive(answer(bare, "Hello", **extra), None, MONDAY) is Taken.NOT_OURS
    dead = bounce(bare, ("ada@example.org", "550 5.1.1 no such user"), at=MONDAY)
    assert receive(dead, None, MONDAY) is Taken.NOT_OURS
    assert len(mail.outbox) == 2
    signed = f"{bare}, {of(Kind.REPLY, reader)}"
    assert receive(answer(signed, "Unsubscribe"), None, MONDAY) is Taken.UNSUBSCRIBED
