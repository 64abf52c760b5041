"""A person's decisions about sending, and those that a mail server's log makes for them."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from subscriptions.digests import settle as module
from subscriptions.digests.settle import (
    Settled,
    mark_sent,
    pause,
    requeue_failed,
    resend_doubtful,
    resume,
    retry_failed,
    settle,
)
from subscriptions.models import Delivery, SendingPause

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
DAY = dt.date(2025, 10, 12)
MINUTE = dt.timedelta(minutes=1)

Make = Callable[..., Any]


@pytest.fixture
def deliver(make_reader: Make) -> Callable[..., Delivery]:
    """A delivery of a reader of its own, tried an hour ago."""
    numbers = count()

    def make(status: str, day: dt.date = DAY, **fields: object) -> Delivery:
        fields.setdefault("last_attempt_at", NOW - 60 * MINUTE)
        if status == "sent":
            fields.setdefault("sent_at", NOW - 59 * MINUTE)
        return Delivery.objects.create(
            subscriber=make_reader(f"r{next(numbers)}@example.org"),
            first_day=day, newest_day=day, status=status, created_at=NOW, **fields,
        )  # fmt: skip

    return make


Deliver = Callable[..., Delivery]


def named(*deliveries: Delivery) -> list[bytes]:
    return [b"accepted <digest-%d@localhost>\n" % delivery.pk for delivery in deliveries]


def status(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).status


def test_the_first_reason_of_a_pause_stays(db: None) -> None:
    assert pause("the server refused the sender" + "!" * 600, NOW)
    assert not pause("paused by hand", NOW + MINUTE)
    told = SendingPause.objects.get()
    assert told.reason.startswith("the server refused") and told.since == NOW
    assert resume(NOW) and not resume(NOW)
    assert pause("again", NOW)


def test_the_failed_of_one_edition_are_queued_again(deliver: Deliver) -> None:
    before = DAY - dt.timedelta(days=1)
    failed, old = deliver("failed", attempts=15), deliver("failed", before)
    others = [deliver("sent"), deliver("in_doubt"), deliver("skipped")]
    assert retry_failed() == 1
    failed.refresh_from_db()
    assert (failed.status, failed.attempts) == ("queued", 0)
    assert status(old) == "failed"
    assert [status(row) for row in others] == ["sent", "in_doubt", "skipped"]
    assert retry_failed(before) == 1 and status(old) == "queued"
    assert retry_failed() == 0


def test_no_edition_no_retry(db: None) -> None:
    assert retry_failed() == 0


def test_the_admins_decisions_leave_other_states_alone(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    rows = [deliver(state) for state in ("failed", "sent", "in_doubt", "in_doubt", "failed")]
    pks = [row.pk for row in rows]
    assert requeue_failed(pks) == 2
    assert resend_doubtful(pks[:3]) == 1
    assert mark_sent(pks, NOW) == 1
    assert [status(row) for row in rows] == ["queued", "sent", "queued", "sent", "queued"]
    marked = Delivery.objects.get(pk=pks[3])
    assert (marked.sent_at, marked.last_reply) == (
        marked.last_attempt_at,
        "marked as sent by hand",
    )


def test_named_is_sent_and_not_named_is_queued_again(deliver: Deliver) -> None:
    sent = deliver("sent")
    arrived, lost = deliver("in_doubt"), deliver("in_doubt")
    untried = deliver("in_doubt", last_attempt_at=None)
    others = [deliver("queued"), deliver("failed")]
    assert settle(named(sent, arrived, untried, *others), NOW) == Settled(sent=2, queued=1)
    arrived.refresh_from_db()
    assert (arrived.status, arrived.sent_at) == ("sent", arrived.last_attempt_at)
    assert arrived.last_reply == "found in the mail server's log"
    untried.refresh_from_db()
    assert (untried.status, untried.sent_at) == ("sent", NOW)
    assert status(lost) == "queued"
    assert [status(row) for row in others] == ["queued", "failed"]


def test_many_in_doubt_are_settled_in_chunks(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)
    rows = [deliver("in_doubt") for _ in range(20)]
    done = settle(named(*rows[::2]), NOW)
    assert (done.sent, done.queued) == (10, 10)
    assert [status(row) for row in rows] == ["sent", "queued"] * 10


def test_a_log_that_lacks_one_known_as_sent_queues_nothing(deliver: Deliver) -> None:
    there, lacking = deliver("sent"), deliver("sent", last_attempt_at=NOW - 61 * MINUTE)
    arrived, lost = deliver("in_doubt"), deliver("in_doubt")
    done = settle(named(there, arrived), NOW)
    hour_ago = NOW - 60 * MINUTE
    assert done == Settled(
        sent=1, left=1, since=hour_ago - MINUTE, until=hour_ago + MINUTE, known=2, lacking=1
    )
    assert [status(arrived), status(lost)] == ["sent", "in_doubt"]
    again = settle(named(there, lacking, arrived), NOW)
    assert (again.queued, again.left, status(lost)) == (1, 0, "queued")


def test_a_log_that_nothing_vouches_for_queues_nothing(deliver: Deliver) -> None:
    lost = deliver("in_doubt")
    assert settle([], NOW).left == 1
    done = settle([b"digest-1234567890123456@localhost"], NOW)
    assert (done.left, done.known, done.lacking) == (1, 0, 0)
    assert status(lost) == "in_doubt"


@pytest.mark.parametrize(
    "fields",
    [
        {"last_attempt_at": NOW - 62 * MINUTE},
        {"last_attempt_at": NOW - 58 * MINUTE},
        {"sent_at": NOW + MINUTE},
        {"last_reply": "marked as sent by hand"},
        {"day": DAY - dt.timedelta(days=3)},
    ],
    ids=["before that time", "after it", "since the log was read", "by hand", "another edition"],
)
def test_what_the_log_need_not_name(deliver: Deliver, fields: dict[str, Any]) -> None:
    deliver("sent", **fields)
    sent, lost = deliver("sent"), deliver("in_doubt")
    assert settle(named(sent), NOW) == Settled(queued=1)
    assert status(lost) == "queued"


def test_a_log_can_cover_one_edition_and_not_another(deliver: Deliver) -> None:
    month_ago = {"day": DAY - dt.timedelta(days=30), "last_attempt_at": NOW - dt.timedelta(days=30)}
    old, old_sent = deliver("in_doubt", **month_ago), deliver("sent", **month_ago)
    lost, sent = deliver("in_doubt"), deliver("sent")
    done = settle(named(sent), NOW)
    assert (done.queued, done.left, done.known, done.lacking) == (1, 1, 1, 1)
    assert done.until == month_ago["last_attempt_at"] + MINUTE
    assert [status(old), status(lost)] == ["in_doubt", "queued"]
    assert settle(named(old_sent), NOW).queued == 1


def test_nothing_in_doubt_reads_no_log(deliver: Deliver) -> None:
    deliver("sent")

    def log() -> Iterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    assert settle(log(), NOW) == Settled()


def test_who_decided_meanwhile_keeps_their_decision(deliver: Deliver) -> None:
    sent, arrived, lost = deliver("sent"), deliver("in_doubt"), deliver("in_doubt")

    def log() -> Iterator[bytes]:
        resend_doubtful([arrived.pk])
        mark_sent([lost.pk], NOW)
        yield from named(sent, arrived)

    done = settle(log(), NOW)
    assert (done.sent, done.queued, done.left) == (0, 0, 0)
    assert [status(arrived), status(lost)] == ["queued", "sent"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"digest-%d@papers.example.org", True),
        (b"\xff\xfe caf\xe9 <digest-%d@papers.example.org>\r\n", True),
        (b"1vCx-0-9Z <= d@example.org H=web P=esmtp S=9 id=digest-%d@papers.example.org", True),
        (b"sm[1]: 4AB: from=<d@x>, size=9, msgid=<digest-%d@papers.example.org>, proto=", True),
        (b"Message-ID digest-%d@papers.example.org.", True),
        (b"digest-%d@papers.example.org.evil.test", False),
        (b"digest-%d@papers.example.orgs", False),
        (b"digest-%d@papersXexample.org", False),
        (b"digest-%d@other.example.org", False),
        (b"my-digest-%d@papers.example.org", False),
        (b"digest-%d0@papers.example.org", False),
        (b"", False),
    ],
)
def test_message_ids_in_any_log(deliver: Deliver, settings: Any, line: bytes, found: bool) -> None:
    settings.SITE_HOST = "papers.example.org"
    doubtful, witness = deliver("in_doubt"), deliver("sent")
    vouching = b"digest-%d@papers.example.org" % witness.pk
    settle([vouching, line % doubtful.pk if line else b""], NOW)
    assert status(doubtful) == ("sent" if found else "queued")


POSTFIX = b"""\
postfix/smtpd[5743]: BBC4F264591: client=localhost[127.0.0.1]
postfix/cleanup[5745]: BBC4F264591: message-id=<digest-%(taken)d@localhost>
postfix/qmgr[5698]: BBC4F264591: from=<digest-bounces+1@x.test>, size=279, nrcpt=1 (queue active)
postfix/discard[5746]: BBC4F264591: to=<b@y.test>, relay=none, dsn=2.0.0, status=sent (y.test)
postfix/qmgr[5698]: BBC4F264591: removed
postfix/smtpd[5743]: 4E7412645B1: client=localhost[127.0.0.1]
postfix/cleanup[5745]: 4E7412645B1: message-id=<digest-%(broken)d@localhost>
postfix/smtpd[5743]: lost connection after DATA (52078 bytes) from localhost[127.0.0.1]
postfix/cleanup[5745]: 5F00000000A: message-id=<digest-%(refused)d@localhost>
postfix/cleanup[5745]: 5F00000000A: milter-reject: END-OF-MESSAGE from x[::1]: 4.7.1; from=<a@x>
postfix/cleanup[5745]: C8E8E2645B1: message-id=<digest-%(late)d@localhost>
postfix/qmgr[5698]: C8E8E2645B1: removed
"""


def test_postfix_names_what_it_did_not_take(deliver: Deliver) -> None:
    """As Postfix 3.7 logged it: a Message-ID comes before the message is there."""
    rows = {name: deliver("in_doubt") for name in ("taken", "broken", "refused", "late")}
    log = POSTFIX % {name.encode(): row.pk for name, row in rows.items()}
    settle(log.splitlines(keepends=True), NOW)
    assert {name: status(row) for name, row in rows.items()} == {
        "taken": "sent", "broken": "queued", "refused": "queued", "late": "sent",
    }  # fmt: skip
