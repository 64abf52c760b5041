"""The mailbox, read over IMAP from a real server."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.checks import run_checks
from django.db import OperationalError
from imap_tools import BaseMailBox

from subscriptions import tasks
from subscriptions.flows import inbound, mailbox
from subscriptions.flows.inbound import Taken
from subscriptions.models import MailboxState, MailEvent, Subscriber
from subscriptions.verp import Kind
from tests import imap_server
from tests.conftest import MONDAY
from tests.imap_server import PASSWORD, USER, Mailbox
from tests.returned import answer, bounce, of, of_digest, sent_digest

LATER = MONDAY + dt.timedelta(hours=1)
UNKNOWN = "550 5.1.1 no such user here"
TAKEN = "Paper Round/Taken"


@pytest.fixture(scope="module")
def server() -> Iterator[Mailbox]:
    with imap_server.running() as box:
        yield box


@pytest.fixture
def box(server: Mailbox, settings: Any) -> Iterator[Mailbox]:
    """An empty mailbox that the settings name."""
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    settings.IMAP_URL = url(server.port)
    yield server
    server.empty()


def url(port: int, scheme: str = "imap", host: str = "127.0.0.1") -> str:
    return f"{scheme}://{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@{host}:{port}/INBOX"


def poll(minutes: int = 0) -> dict[str, int]:
    at = LATER + dt.timedelta(minutes=minutes)
    return {kind.name: count for kind, count in mailbox.poll(lambda: at).items()}


def state() -> MailboxState:
    return MailboxState.objects.get()


def test_what_is_ours_is_taken_and_the_rest_is_not_touched(box: Mailbox, ada: Subscriber) -> None:
    User.objects.create_user("staff", "staff@example.org", is_staff=True)
    to = of_digest(sent_digest(ada, MONDAY))
    box.put(
        answer("editor@example.org", "Lunch?", "Lunch"),
        bounce(to, (ada.email, UNKNOWN), at=LATER),
        answer(of(Kind.REPLY, ada), "Hello", "A question"),
        answer(of(Kind.REPLY, ada), "Away", "Away", Auto_Submitted="auto-replied"),
        bounce(to.replace("-", "-z")[:-1], (ada.email, UNKNOWN), at=LATER),
    )
    assert poll() == {"NOT_OURS": 2, "NOTED": 1, "FOR_STAFF": 1, "NOTHING": 1}
    unread = [flags for flags, _ in box.subjects()]
    assert [subject for _, subject in box.subjects()] == [
        "Lunch", "A question", "Undelivered Mail Returned to Sender",
    ]  # fmt: skip
    assert not any("Seen" in flags or "Deleted" in flags for flags in unread)
    assert [subject for _, subject in box.subjects(TAKEN)] == [
        "Undelivered Mail Returned to Sender", "Away",
    ]  # fmt: skip
    ada.refresh_from_db()
    assert ada.status == "bounced" and mail.outbox == []


def test_each_message_is_looked_at_once(box: Mailbox, ada: Subscriber) -> None:
    box.put(answer("editor@example.org", "Lunch?"))
    assert poll() == {"NOT_OURS": 1}
    assert poll(10) == {}
    box.put(answer(of(Kind.UNSUBSCRIBE, ada), ""))
    assert poll(20) == {"UNSUBSCRIBED": 1}
    assert poll(30) == {}


def test_the_same_bounce_by_pipe_and_by_mailbox_counts_once(box: Mailbox, ada: Subscriber) -> None:
    message = bounce(of_digest(sent_digest(ada, MONDAY)), (ada.email, UNKNOWN), at=LATER)
    inbound.receive(message, None, LATER)
    box.put(b"Received: by mail.example.org\n" + message)
    assert poll() == {"NOTED": 1}
    assert MailEvent.objects.count() == 1


def test_what_others_marked_as_deleted_stays(box: Mailbox, ada: Subscriber) -> None:
    box.put(answer("editor@example.org", "Lunch?", "Lunch"))
    box.mark_deleted()
    box.put(answer(of(Kind.UNSUBSCRIBE, ada), ""))
    poll()
    assert [subject for _, subject in box.subjects()] == ["Lunch"]


def test_a_server_without_move_keeps_what_was_taken_marked(
    box: Mailbox, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = mailbox._connect

    def without(where: mailbox.Account) -> BaseMailBox:
        connection = connect(where)
        monkeypatch.setattr(connection.client, "capability", lambda: ("OK", [b"IMAP4rev1 UIDPLUS"]))
        return connection

    monkeypatch.setattr(mailbox, "_connect", without)
    box.put(answer("editor@example.org", "Lunch?", "Lunch"))
    box.mark_deleted()
    box.put(answer(of(Kind.UNSUBSCRIBE, ada), "", "unsubscribe"))
    assert poll() == {"NOT_OURS": 1, "UNSUBSCRIBED": 1}
    assert [subject for _, subject in box.subjects()] == ["Lunch", "unsubscribe"]
    assert [subject for _, subject in box.subjects(TAKEN)] == ["unsubscribe"]


def test_one_bad_message_stops_no_other(
    box: Mailbox, ada: Subscriber, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    take = inbound.take

    def fragile(message: bytes, recipient: str | None, now: dt.datetime) -> Taken:
        if b"poison" in message:
            raise RecursionError("too deep")
        return take(message, recipient, now)

    monkeypatch.setattr(mailbox, "take", fragile)
    box.put(answer("x@example.org", "poison"), answer(of(Kind.UNSUBSCRIBE, ada), ""))
    assert poll() == {"UNSUBSCRIBED": 1}
    assert "was left as it is" in caplog.text
    assert poll(10) == {}


def test_while_the_database_is_away_nothing_is_passed_over(
    box: Mailbox, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    box.put(answer("x@example.org", "Lunch?"), answer(of(Kind.UNSUBSCRIBE, ada), ""))
    with monkeypatch.context() as patch:
        patch.setattr(mailbox, "take", away)
        with pytest.raises(OperationalError):
            poll()
    assert poll(10) == {"NOT_OURS": 1, "UNSUBSCRIBED": 1}


def test_a_look_has_an_end_and_the_next_goes_on(
    box: Mailbox, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "MOST", 2)
    box.put(*[answer("x@example.org", f"{n}") for n in range(3)])
    assert [poll(), poll(10), poll(20)] == [{"NOT_OURS": 2}, {"NOT_OURS": 1}, {}]
    times = iter([LATER + dt.timedelta(minutes=30 + 4 * n) for n in range(20)])
    monkeypatch.setattr(mailbox, "MOST", 500)
    box.put(*[answer("x@example.org", f"{n}") for n in range(5)])
    assert mailbox.poll(lambda: next(times))[Taken.NOT_OURS] < 5
    assert mailbox.poll(lambda: LATER + dt.timedelta(hours=3))[Taken.NOT_OURS] > 0


def test_another_mailbox_is_read_from_its_beginning(box: Mailbox, db: None, settings: Any) -> None:
    box.put(answer("x@example.org", "one"))
    poll()
    settings.IMAP_URL = url(box.port, host="localhost")
    assert poll(10) == {"NOT_OURS": 1}


def test_a_large_message_is_read_as_far_as_it_matters(
    box: Mailbox, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(mailbox, "take", lambda message, *_: seen.append(len(message)))
    box.put(answer("x@example.org", "x" * 60 + "\n") + b"y" * 70 * 30_000)
    poll()
    assert seen == [inbound.LARGEST]


def test_two_workers_do_not_read_at_once(box: Mailbox, ada: Subscriber) -> None:
    box.put(answer(of(Kind.UNSUBSCRIBE, ada), ""))
    assert mailbox.due(LATER)
    assert MailboxState.objects.lease(LATER, LATER + mailbox.LEASE, mailbox.EVERY)
    assert not mailbox.due(LATER) and poll() == {} and poll(10) == {}
    assert poll(16) == {"UNSUBSCRIBED": 1}, "whoever had it is gone"
    assert not mailbox.due(LATER + dt.timedelta(minutes=18))
    assert mailbox.due(LATER + dt.timedelta(minutes=19))


def test_trouble_is_told_when_it_begins_and_when_it_is_over(
    box: Mailbox, db: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.IMAP_URL = url(box.port).replace("100", "99")
    assert poll() == {} and poll(10) == {}
    (line,) = caplog.messages
    assert "the mailbox cannot be read" in line
    assert (state().trouble_since, bool(state().trouble)) == (LATER, True)
    caplog.clear()
    settings.IMAP_URL = url(1)
    poll(20)
    assert "refused" in state().trouble and caplog.messages == []
    settings.IMAP_URL = url(box.port)
    poll(30)
    assert caplog.messages == ["the mailbox can be read again"]
    assert (state().trouble, state().trouble_since) == ("", None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("pop3://user:pass@host", "begins with"),
        ("imaps://host/INBOX", "a user, a password"),
        ("imaps://user:pass@", "a host"),
        ("imaps://user:secret/pass@host", "not percent-encoded"),
    ],
)
def test_a_wrong_address_is_trouble_without_its_password(
    db: None, settings: Any, wrong: str, said: str
) -> None:
    settings.IMAP_URL = wrong
    found = {one.id: one.msg for one in run_checks()}
    assert said in found["paper_round.E020"] and "paper_round.W020" in found
    poll()
    assert said in state().trouble and not re.search("pass@|secret", state().trouble)


def test_where_nothing_is_set_nothing_is_read(db: None, settings: Any) -> None:
    settings.IMAP_URL = ""
    assert not mailbox.due(LATER)


def test_ports_and_folders_have_their_usual_names() -> None:
    assert mailbox.account("imaps://u%40x:p%2F%3A@host")[:] == (
        "imaps", "host", 993, "u@x", "p/:", "INBOX",
    )  # fmt: skip
    assert mailbox.account("imap+tls://u:p@host/Post/R%C3%BCck")[2:] == (143, "u", "p", "Post/Rück")


def test_a_certificate_that_nobody_vouches_for_is_trouble(
    ada: Subscriber,
    settings: Any,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    with imap_server.running(certificate) as secure:
        settings.IMAP_URL = url(secure.port, "imap+tls", "localhost")
        secure.put(answer(of(Kind.UNSUBSCRIBE, ada), ""))
        assert poll() == {} and "certificate" in state().trouble.lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert poll(10) == {"UNSUBSCRIBED": 1}


def test_the_tick_reads_it(box: Mailbox, ada: Subscriber, settings: Any, time_machine: Any) -> None:
    time_machine.move_to(LATER, tick=False)
    settings.SOURCES = ["none"]
    box.put(answer(of(Kind.UNSUBSCRIBE, ada), ""))
    tasks.tick.delay()
    ada.refresh_from_db()
    assert ada.status == "unsubscribed"
