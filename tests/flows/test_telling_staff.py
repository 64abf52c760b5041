"""Staff are mailed each pause once, whatever the mail server does meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection

from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.digests.settle import resume
from subscriptions.flows import brakes, staff_mail
from subscriptions.models import Cause, DomainPause, SendingPause
from tests.delivery.conftest import serve
from tests.flows.test_brakes import DAY, HOUR, NOW, Make, came, staff, tick

__all__ = ["serve", "staff"]


def test_a_mail_server_that_refuses_this_site_is_told_when_it_takes_mail_again(
    make_reader: Make, make_paper: Make, serve: Any, settings: Any
) -> None:
    make_paper("Robot arms", votes=5)
    make_reader(phrases=("robot arms",))
    refusing = serve({("MAIL", 0): "553 5.1.8 sender domain not found"})
    tick(NOW, NOW + HOUR)
    site = SendingPause.objects.get()
    assert (site.cause, site.told_at) == (Cause.SERVER, None)
    assert not refusing.messages
    taking = serve()
    tick(NOW + 2 * HOUR, NOW + 3 * HOUR)
    (told,) = taking.messages
    assert told.rcpt == "RCPT TO:<operator@example.org>"
    assert b"Subject: Sending is paused\r\n" in told.data
    assert b"553 5.1.8" in told.data and b"EMAIL_URL" in told.data
    site.refresh_from_db()
    assert site.told_at == NOW + 2 * HOUR


def test_staff_without_an_address_are_not_asked_for_ever(
    staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.update(email="")
    came("bad.example", sent=500, hard=100)
    tick(NOW, NOW + HOUR)
    said = [record.message for record in caplog.records if "no staff has" in record.message]
    assert len(said) == 1 and said[0].startswith("bad.example, since")


def test_one_mail_that_is_taken_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("second", "second@example.org", is_staff=True)
    answers = iter([Result.REFUSED, Result.SENT])

    def mail_one(*given: Any) -> Outcome:
        return Outcome(next(answers), "")

    monkeypatch.setattr(staff_mail, "mail_one", mail_one)
    came("bad.example", sent=500, hard=100)
    tick(NOW, NOW + HOUR)
    assert next(answers, None) is None


class Server:
    """A mail server that gives these answers, the last for ever, and runs something before each."""

    def __init__(self, *answers: Result, first: Callable[[], object] = lambda: None) -> None:
        self.answers, self.first = list(answers), first
        self.asked = 0

    def __call__(self, *given: Any) -> Outcome:
        self.first()
        self.asked += 1
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return Outcome(answer, "")


@pytest.fixture
def several() -> None:
    """Staff, and pauses that they are to be told of."""
    for n in range(3):
        User.objects.create_user(f"more{n}", f"more{n}@example.org", is_staff=True)
        DomainPause.objects.begin(f"d{n}.example", Cause.BOUNCES, "too many", NOW)
    SendingPause.objects.begin(Cause.SERVER, "refused", NOW)


@pytest.mark.parametrize("away", [Result.NOT_TRIED, Result.RETRY_SOON])
def test_a_server_that_is_away_is_asked_once_in_a_tick(
    several: None, monkeypatch: pytest.MonkeyPatch, away: Result
) -> None:
    server = Server(away)
    monkeypatch.setattr(staff_mail, "mail_one", server)
    tick()
    assert server.asked == 1
    server.answers = [Result.SENT]
    tick(NOW + HOUR / 60, NOW + HOUR)
    assert server.asked == 1 + 4 * 4, "each of staff of each pause"
    assert not brakes.untold(NOW + DAY)


def test_what_is_in_doubt_is_not_mailed_again_and_one_full_mailbox_stops_nobody(
    several: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(Result.RETRY_LATER, Result.IN_DOUBT)
    monkeypatch.setattr(staff_mail, "mail_one", server)
    tick(NOW, NOW + HOUR)
    assert server.asked == 4 * 4


def test_nobody_is_told_twice_while_a_server_hangs(
    several: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailed: list[object] = []

    def mail_staff(name: str, context: Any, news: str) -> None:
        assert type(context["pause"]).objects.get(pk=context["pause"].pk).telling_until
        mailed.append(news)
        brakes.tell_staff(lambda: NOW + HOUR / 2)  # as the next tick does meanwhile

    monkeypatch.setattr(brakes, "mail_staff", mail_staff)
    brakes.tell_staff(lambda: NOW)
    assert len(mailed) == len(set(mailed)) == 4


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_staff_are_mailed(
    several: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[bool] = []
    server = Server(Result.SENT, first=lambda: blocks.append(connection.in_atomic_block))
    monkeypatch.setattr(staff_mail, "mail_one", server)
    tick()
    assert blocks == [False] * 16


def test_a_worker_that_dies_before_staff_are_mailed_is_followed_by_another(
    several: None,
) -> None:
    DomainPause.objects.update(telling_until=NOW + HOUR)
    SendingPause.objects.update(telling_until=NOW + HOUR)
    tick(NOW + HOUR / 2)
    assert not mail.outbox
    tick(NOW + HOUR)
    assert len(mail.outbox) == 16


def test_a_pause_that_begins_while_staff_are_told_of_the_last_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    SendingPause.objects.begin(Cause.SERVER, "first", NOW)

    def again() -> None:
        if resume(NOW):
            SendingPause.objects.begin(Cause.SERVER, "second", NOW + HOUR)

    server = Server(Result.SENT, first=again)
    monkeypatch.setattr(staff_mail, "mail_one", server)
    brakes.tell_staff(lambda: NOW)
    server.first = lambda: None
    assert [str(pause.reason) for pause in brakes.untold(NOW)] == ["second"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_several_workers_one_tells_each_pause(several: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    barrier = threading.Barrier(3)

    def run(_: int) -> None:
        try:
            barrier.wait()
            brakes.tell_staff(lambda: NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    told = Counter((message.to[0], message.subject) for message in mail.outbox)
    assert len(told) == 4 * 4 and set(told.values()) == {1}
