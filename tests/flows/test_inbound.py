"""A mail that arrived for an address of ours, as a mail server hands it over."""

import datetime as dt
import email
import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from subscriptions import verp
from subscriptions.flows.inbound import LARGEST, Taken, take
from subscriptions.models import MailEvent, Subscriber, Suppression
from subscriptions.verp import Kind
from tests.conftest import MONDAY, ROOT
from tests.returned import (
    answer,
    bounce,
    of,
    of_digest,
    sent_digest,
    status,
)

UNKNOWN = "550 5.1.1 no such user here"
LATER = MONDAY + dt.timedelta(hours=1)
MAILS = (".eml", ".txt")
Pipe = Callable[..., str]


@pytest.fixture(autouse=True)
def _an_address(settings: Any, time_machine: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    time_machine.move_to(LATER, tick=False)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pipe:
    """``manage.py bounce`` with a message on standard input; what it says."""

    def run(message: bytes, *arguments: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(message)))
        call_command("bounce", *arguments)
        return capsys.readouterr().out.strip()

    return run


def events() -> list[tuple[str, str]]:
    return list(MailEvent.objects.values_list("subscriber__email", "kind"))


def test_a_hard_bounce_is_noted_once_whatever_way_it_comes(pipe: Pipe, ada: Subscriber) -> None:
    delivery = sent_digest(ada, MONDAY)
    message = bounce(of_digest(delivery), (ada.email, UNKNOWN), at=LATER)
    from_postfix = b"From MAILER-DAEMON  Mon Oct 13 10:00:00 2025\nReturn-Path: <>\n"
    assert pipe(from_postfix + message) == "what came back was noted"
    event = MailEvent.objects.get()
    assert (event.subscriber, event.delivery, event.kind) == (ada, delivery, "hard")
    assert (event.status, event.domain, event.happened_at) == ("5.1.1", "example.org", LATER)
    assert "no such user" in event.reason and "ada@" not in event.reason
    assert status(ada) == "bounced" and Suppression.objects.has(ada.email)
    pipe(b"Delivered-To: bounces@example.org\r\n" + message.replace(b"\n", b"\r\n"))
    assert MailEvent.objects.count() == 1


def test_two_copies_without_a_message_id_are_told_by_what_they_say(
    pipe: Pipe, ada: Subscriber
) -> None:
    to = of_digest(sent_digest(ada, MONDAY))
    message = bounce(to, (ada.email, UNKNOWN), at=LATER).replace(b"Message-ID: ", b"X-Was: ")
    pipe(message)
    pipe(b"Received: from elsewhere\n" + message)
    assert MailEvent.objects.count() == 1
    pipe(message.replace(b"no such user", b"really no such user"))
    assert MailEvent.objects.count() == 2


@pytest.mark.parametrize("field", ["Delivered-To", "X-Original-To", "Envelope-To", "the envelope"])
def test_the_address_is_found_where_a_server_writes_it(
    pipe: Pipe, ada: Subscriber, field: str
) -> None:
    address = of_digest(sent_digest(ada, MONDAY))
    message = bounce("undisclosed-recipients:;", (ada.email, UNKNOWN), at=LATER)
    if field == "the envelope":
        pipe(message, "--recipient", address.upper())
    else:
        pipe(f"{field}: <{address}>\n".encode() + message)
    assert events() == [(ada.email, "hard")]


def test_a_forged_bounce_is_nothing(pipe: Pipe, ada: Subscriber) -> None:
    address = of_digest(sent_digest(ada, MONDAY))
    for forged in (
        address.replace("-", "-a")[:-1],
        address.replace("+b", "+m"),
        address.replace("@example.org", "@example.net"),
        "bounces@example.org",
        "bounces+b1-aaaaaaaaaaaaaaaa@example.org",
    ):
        message = bounce(forged, (ada.email, UNKNOWN), at=LATER)
        assert pipe(message) == "not for an address that this site signed"
    assert events() == [] and status(ada) == "active"


def test_a_bounce_is_about_whom_the_digest_went_to_and_nobody_else(
    pipe: Pipe, ada: Subscriber, bo: Subscriber
) -> None:
    """Forwarding changes the address that is told."""
    pipe(bounce(of_digest(sent_digest(ada, MONDAY)), (bo.email, UNKNOWN), at=LATER))
    assert events() == [(ada.email, "hard")]
    assert (status(ada), status(bo)) == ("bounced", "active")


def test_of_several_recipients_the_readers_own_counts(pipe: Pipe, ada: Subscriber) -> None:
    address = of_digest(sent_digest(ada, MONDAY))
    full = "452 4.2.2 mailbox full"
    strangers = [("x@example.net", UNKNOWN), ("y@example.net", full)]
    assert "changes nothing" in pipe(bounce(address, *strangers, at=LATER))
    mine = ("Ada@Example.org", full)
    pipe(bounce(address, strangers[0], mine, at=LATER))
    assert events() == [(ada.email, "soft")]


def test_a_letters_bounce_counts_only_for_the_address_it_names(pipe: Pipe, ada: Subscriber) -> None:
    """It may have gone to an address that the reader mistyped when they wanted to move."""
    address = of(Kind.LETTER, ada)
    pipe(bounce(address, ("typo@example.org", UNKNOWN), at=LATER))
    assert events() == []
    pipe(bounce(address, (ada.email, UNKNOWN), at=LATER))
    assert events() == [(ada.email, "hard")]


def test_an_old_bounce_says_nothing_of_a_new_address(pipe: Pipe, ada: Subscriber) -> None:
    delivery = sent_digest(ada, MONDAY)
    Subscriber.objects.update(email="new@example.org", address_changed_at=LATER)
    assert "changes nothing" in pipe(bounce(of_digest(delivery), (ada.email, UNKNOWN), at=LATER))
    assert events() == []


def test_of_an_erased_reader_there_is_nothing_to_note(pipe: Pipe, ada: Subscriber) -> None:
    address, leaving = of_digest(sent_digest(ada, MONDAY)), of(Kind.UNSUBSCRIBE, ada)
    ada.delete()
    assert "changes nothing" in pipe(bounce(address, ("ada@example.org", UNKNOWN), at=LATER))
    assert "changes nothing" in pipe(answer(leaving, ""))


def test_a_mail_to_unsubscribe_is_honoured_whatever_it_says(
    pipe: Pipe, ada: Subscriber, bo: Subscriber
) -> None:
    assert pipe(answer(of(Kind.UNSUBSCRIBE, ada), "", "")) == "the reader was unsubscribed"
    assert (status(ada), status(bo)) == ("unsubscribed", "active")
    programs = answer(of(Kind.UNSUBSCRIBE, bo), "", "unsubscribe", Auto_Submitted="auto-generated")
    pipe(programs)
    assert status(bo) == "unsubscribed"
    assert mail.outbox == []


def test_what_a_program_answers_there_unsubscribes_nobody(pipe: Pipe, ada: Subscriber) -> None:
    address = of(Kind.UNSUBSCRIBE, ada)
    away = answer(address, "I am away.", "Away: unsubscribe", Auto_Submitted="auto-replied")
    assert "changes nothing" in pipe(away)
    assert "changes nothing" in pipe(bounce(address, (ada.email, UNKNOWN), at=LATER))
    assert status(ada) == "active" and events() == []


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Your papers", "Unsubscribe"),
        ("Re: Your papers", "Hi,\n\nplease remove me from this list. Thanks!\n\nAda"),
        ("STOP", "\n"),
        ("AW: Ihre Artikel", "Bitte melden Sie mich ab.\n"),
        ("Re: Your papers", "取消订阅"),
    ],
)
def test_an_answer_that_asks_for_it_unsubscribes(
    pipe: Pipe, ada: Subscriber, subject: str, text: str
) -> None:
    quoted = "\n\nOn Mon, Oct 13, 2025 at 8:00 Paper Round <digest@example.org> wrote:\n> Papers"
    pipe(answer(of(Kind.REPLY, ada), text + quoted, subject))
    assert status(ada) == "unsubscribed"


@pytest.mark.parametrize(
    "text",
    [
        "How do I unsubscribe from the topic robotics?",
        "Please stop sending me robotics papers, the rest is good.",
        "Great!\n\n> unsubscribe",
        "Great!\n\nAm 13. Oktober schrieb Paper Round:\nunsubscribe",
        "Great!\n\n-----Original Message-----\nunsubscribe",
        "Great!\n-- \nunsubscribe",
    ],
)
def test_any_other_answer_goes_to_staff(pipe: Pipe, ada: Subscriber, text: str) -> None:
    for name in ("one", "two"):
        User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    User.objects.create_user("gone", "gone@example.org", is_staff=True, is_active=False)
    message = answer(of(Kind.REPLY, ada), text)
    assert pipe(message) == "a person wrote; it is passed on to staff"
    assert status(ada) == "active"
    assert [one.to for one in mail.outbox] == [["one@example.org"], ["two@example.org"]]
    passed = mail.outbox[0].message()
    assert (passed["Auto-Submitted"], passed["Reply-To"]) == ("auto-generated", "ada@example.org")
    enclosed = list(passed.walk())[2:]
    assert [part.get_content_type() for part in enclosed] == ["message/rfc822", "text/plain"]
    assert str(enclosed[1].get_payload()).strip() == text.strip()


def test_html_is_read_without_its_quotations(pipe: Pipe, ada: Subscriber) -> None:
    message = answer(of(Kind.REPLY, ada), "<p>Hello</p><blockquote>unsubscribe</blockquote>")
    html = message.replace(b"text/plain", b"text/html")
    assert "a person wrote" in pipe(html)
    assert "unsubscribed" in pipe(html.replace(b"Hello", b"Please unsubscribe me"))


def test_staff_are_not_told_of_programs(pipe: Pipe, ada: Subscriber) -> None:
    User.objects.create_user("staff", "staff@example.org", is_staff=True)
    address = of(Kind.REPLY, ada)
    for extra in (
        {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<a.b>"},
        {"Return_Path": "<>"}, {"Return_Path": "<MAILER-DAEMON>"},
    ):  # fmt: skip
        assert "changes nothing" in pipe(answer(address, "I am away. Unsubscribe", **extra))
    assert mail.outbox == [] and status(ada) == "active"


def test_headers_of_any_length_are_cut_before_they_are_read(
    ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The email package takes quadratic time for some."""
    longest = 0
    read = email.message_from_bytes

    def measured(raw: bytes, *arguments: Any) -> Any:
        nonlocal longest
        longest = max(longest, *map(len, raw.split(b"\n")))
        return read(raw, *arguments)

    monkeypatch.setattr(email, "message_from_bytes", measured)
    long = b"Content-Type: text/plain" + b";a=b" * 237_000
    message = b"To: %s\n%s\n\nunsubscribe\n"
    assert take(message % (b"x@example.org", long), None, LATER) is Taken.NOT_OURS
    to = of(Kind.REPLY, ada).encode()
    assert take(message % (to, long), None, LATER) is Taken.UNSUBSCRIBED
    assert longest < 10_000


def test_more_than_a_megabyte_is_cut(pipe: Pipe, ada: Subscriber) -> None:
    message = bounce(of_digest(sent_digest(ada, MONDAY)), (ada.email, UNKNOWN), at=LATER)
    pipe(message + b"x" * (3 * LARGEST))
    assert events() == [(ada.email, "hard")]


def test_without_its_environment_the_mail_server_keeps_it(
    pipe: Pipe, ada: Subscriber, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    address = of(Kind.UNSUBSCRIBE, ada)
    settings.BOUNCE_ADDRESS = ""
    assert take(answer(address, ""), address, LATER) is Taken.NOT_OURS
    with pytest.raises(SystemExit) as ended:
        pipe(answer(address, ""))
    assert ended.value.code == os.EX_TEMPFAIL
    assert "BOUNCE_ADDRESS is not set" in capsys.readouterr().err
    assert status(ada) == "active"


def test_while_the_database_is_away_the_mail_server_keeps_it(settings: Any) -> None:
    settings.SECRET_KEY = "k"
    message = bounce(verp.address(Kind.DIGEST, 1), ("ada@example.org", UNKNOWN), at=LATER)
    away = {"DATABASE_URL": "postgres://nobody:secret@127.0.0.1:1/none", "SECRET_KEY": "k"}
    done = subprocess.run(
        [sys.executable, "manage.py", "bounce"], cwd=ROOT, capture_output=True, input=message,
        env={**os.environ, **away, "BOUNCE_ADDRESS": settings.BOUNCE_ADDRESS},
    )  # fmt: skip
    assert done.returncode == os.EX_TEMPFAIL, done.stderr
    assert b"not now" in done.stderr and b"secret" not in done.stderr


def test_real_bounces_change_nobody_by_an_address_that_takes_none(
    real_data: Path, ada: Subscriber
) -> None:
    """Sent to where answers go, or requests to unsubscribe, or to an address of no reader's."""
    files = [path for path in (real_data / "bounces").rglob("*") if path.suffix in MAILS]
    assert len(files) > 400
    forged = "bounces+b1-aaaaaaaaaaaaaaaa@example.org"
    bare = "bounces@example.org"
    for to in (of(Kind.REPLY, ada), of(Kind.UNSUBSCRIBE, ada), bare, forged):
        became = Counter(take(path.read_bytes(), to, LATER) for path in files)
        wrong = became[Taken.UNSUBSCRIBED] + became[Taken.FOR_STAFF]
        assert wrong <= len(files) / 100, (to, became)
        assert to != forged or set(became) == {Taken.NOT_OURS}
    assert not MailEvent.objects.exists()


@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(head=st.binary(max_size=300), body=st.binary(max_size=300), kind=st.sampled_from(Kind))
def test_nothing_crashes_it(ada: Subscriber, head: bytes, body: bytes, kind: verp.Kind) -> None:
    to = verp.address(kind, ada.pk).encode()
    for message in (head + b"\n\n" + body, b"To: " + to + b"\n" + head + b"\n\n" + body):
        assert isinstance(take(message, None, LATER), Taken)
    assert MailEvent.objects.filter(kind__in=["hard", "complaint"]).count() == 0
