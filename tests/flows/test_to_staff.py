"""What a person wrote goes to staff, or waits at the mail server."""

import datetime as dt
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client

from subscriptions.flows.inbound import Taken, receive
from subscriptions.flows.to_staff import MOST_A_DAY
from subscriptions.models import Subscriber
from subscriptions.verp import Kind
from tests.conftest import MONDAY
from tests.returned import answer, of

DAY = dt.timedelta(days=1)


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
    client: Client, question: bytes, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": "a:b"}
    monkeypatch.setattr(EmailMessage, "send", lambda *_, **__: 0)
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
