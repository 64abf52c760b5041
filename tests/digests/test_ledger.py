"""The ledger: queued once, sent at most once, whatever happens in between."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from subscriptions.digests.due import Plan
from subscriptions.digests.ledger import LEASE, MAX_ATTEMPTS, send_queued, sweep
from subscriptions.digests.queue import queue
from subscriptions.digests.select import Chosen
from subscriptions.digests.tick import begin, prepare, send_due
from subscriptions.flows.preferences import save_preferences, unsubscribe
from subscriptions.flows.subscribe import confirm, sign_up
from subscriptions.models import Delivery, Edition, Paper, Subscriber, Suppression
from subscriptions.models.windows import begin_window
from tests.conftest import choices
from tests.digests.conftest import NOW, Status, send, statuses

Make = Callable[..., Any]


def test_a_tick_sends_each_digest_once(make_reader: Make, make_paper: Make) -> None:
    make_paper("Robot arms")
    make_reader(phrases=("robot arms",))
    make_reader("late@example.org", phrases=("robot arms",), hour=10)
    counts = send_due(NOW, lambda: NOW)
    assert (counts["queued"], counts["sent"], len(mail.outbox)) == (1, 1, 1)
    again = send_due(NOW, lambda: NOW)
    assert sum(again.values()) == 0 and len(mail.outbox) == 1
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.sent_at, delivery.attempts) == ("sent", NOW, 1)
    reader = delivery.subscriber
    assert reader.covered_until == dt.date(2025, 10, 10), "the last day that has papers"
    assert reader.next_digest_at == dt.datetime(2025, 10, 20, 8, tzinfo=dt.UTC)


def test_no_papers_is_recorded_and_nothing_is_sent(make_reader: Make) -> None:
    make_reader(phrases=("x",))
    assert send_due(NOW, lambda: NOW)["empty"] == 1
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_reply) == ("skipped", "no papers in these days")
    assert mail.outbox == []


def test_the_same_chunk_prepared_again_queues_nothing(queued: list[Subscriber]) -> None:
    pks = [reader.pk for reader in queued]
    assert not prepare(pks, NOW) and not prepare(pks, NOW)
    assert statuses() == ["queued"] * 3


def test_a_plan_that_another_worker_overtook_is_dropped(make_reader: Make) -> None:
    Edition.objects.roll(NOW)
    reader = make_reader(phrases=("x",))
    stale = Plan(reader, (dt.date(2025, 10, 12),), NOW)
    Subscriber.objects.filter(pk=reader.pk).update(next_digest_at=NOW + dt.timedelta(days=7))
    assert not queue([stale], {reader.pk: Chosen([], {})}, NOW)
    assert not Delivery.objects.exists()


def test_two_workers_never_hold_the_same_row(queued: list[Subscriber]) -> None:
    first = Delivery.objects.claim(2, NOW, LEASE)
    second = Delivery.objects.claim(2, NOW, LEASE)
    assert [len(first), len(second)] == [2, 1]
    assert not {row.pk for row in first} & {row.pk for row in second}
    assert Delivery.objects.claim(2, NOW, LEASE) == []


def test_a_reader_who_left_after_queuing_is_not_mailed(queued: list[Subscriber]) -> None:
    unsubscribe(queued[0].pk, NOW)
    Suppression.objects.create(
        email_hash=Suppression.hash("R1@example.org"), reason="operator", created_at=NOW
    )
    assert send() == {"sent": 1, "skipped": 1}
    assert [message.to for message in mail.outbox] == [["r2@example.org"]]
    assert statuses() == ["skipped", "sent"], "what waited for who left is taken back"


def test_who_pauses_while_a_worker_holds_their_digest_gets_its_papers_later(
    make_reader: Make, make_paper: Make
) -> None:
    Edition.objects.roll(NOW)
    make_paper("Robot arms", votes=3)
    reader = make_reader(phrases=("robot arms",))
    for chunk in begin(NOW):
        prepare(chunk, NOW)
    claimed = Delivery.objects.claim(10, NOW, LEASE)
    save_preferences(reader.pk, choices(phrases=("robot arms",)), dt.date(2025, 10, 15), NOW)
    assert len(claimed) == 1 and begin_window(claimed, NOW) == set()
    assert not Delivery.objects.exists()
    for hours in range(24 * 8):
        send_due(NOW + dt.timedelta(hours=hours), lambda: NOW)
    assert "Robot arms" in str(mail.outbox[0].body)


def test_who_leaves_and_returns_at_once_still_gets_what_waited(
    make_reader: Make, make_paper: Make
) -> None:
    Edition.objects.roll(NOW)
    make_paper("Robot arms", votes=3)
    reader = make_reader(phrases=("robot arms",))
    for chunk in begin(NOW):
        prepare(chunk, NOW)
    unsubscribe(reader.pk, NOW)
    confirm(sign_up(reader.email, choices(phrases=("robot arms",)), NOW).pk, NOW)
    send_due(NOW, lambda: NOW)
    assert ["Robot arms" in str(message.body) for message in mail.outbox] == [True]


def test_a_stalled_worker_cannot_begin_after_its_lease(queued: list[Subscriber]) -> None:
    rows = Delivery.objects.claim(3, NOW, LEASE)
    later = NOW + LEASE
    assert begin_window(rows, later) == set()
    assert Delivery.objects.release_expired(later) == (3, 0)
    taken = Delivery.objects.claim(3, later, LEASE)
    assert begin_window(rows, NOW) == set()
    assert len(begin_window(taken, later)) == 3


def test_a_worker_that_died_while_sending_leaves_its_window_in_doubt(
    queued: list[Subscriber],
) -> None:
    rows = Delivery.objects.claim(2, NOW, LEASE)
    begin_window(rows, NOW)
    assert Delivery.objects.release_expired(NOW + LEASE) == (0, 2)
    assert statuses() == ["in_doubt", "in_doubt", "queued"]
    assert send(NOW + LEASE) == {"sent": 1}


def test_a_paper_hidden_after_queuing_does_not_go_out(queued: list[Subscriber]) -> None:
    Paper.objects.update(hidden=Paper.Hidden.WITHDRAWN)
    assert send() == {"skipped": 3}
    assert mail.outbox == []


def test_a_lease_that_ran_out_is_not_a_reader_who_left(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that slept between claiming and sending: the digests are given back."""
    times = iter([NOW, NOW, NOW] + [NOW + LEASE] * 50)
    assert sum(send_queued(lambda: next(times)).values()) == 0
    assert statuses() == ["queued"] * 3 and mail.outbox == []
    assert send(NOW + LEASE) == {"sent": 3}


def test_a_delivery_that_exists_already_blocks_nobody(
    queued: list[Subscriber], make_reader: Make
) -> None:
    """A reader's columns were set back: their chunk must still be prepared."""
    other = make_reader("other@example.org", phrases=("robot arms",))
    Subscriber.objects.filter(pk=queued[0].pk).update(next_digest_at=NOW, covered_until=None)
    assert prepare([queued[0].pk, other.pk], NOW) == {"queued": 1, "advanced": 1}


def test_pausing_gives_back_the_days_of_a_waiting_digest(queued: list[Subscriber]) -> None:
    reader = queued[0]
    until = NOW.date() + dt.timedelta(days=2)
    save_preferences(reader.pk, choices(phrases=("robot arms",)), until, NOW)
    assert send() == {"sent": 2}
    reader.refresh_from_db()
    slot = reader.next_digest_at
    assert slot is not None
    for chunk in begin(slot):
        prepare(chunk, slot)
    assert send(slot)["sent"] >= 1
    days = reader.deliveries.filter(status="sent").values_list("first_day", "newest_day")
    assert list(days) == [(dt.date(2025, 10, 8), dt.date(2025, 10, 14))]


def test_a_chunk_that_fails_keeps_no_other_waiting(
    make_reader: Make, make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_paper("Robot arms")
    first = make_reader("a@example.org", phrases=("robot arms",))
    make_reader("b@example.org", phrases=("robot arms",))

    def broken(pks: list[int], now: dt.datetime) -> Any:
        if first.pk in pks:
            raise ValueError("bad")
        return prepare(pks, now)

    monkeypatch.setattr("subscriptions.digests.tick.CHUNK", 1)
    monkeypatch.setattr("subscriptions.digests.tick.prepare", broken)
    counts = send_due(NOW, lambda: NOW)
    assert (counts["not prepared"], counts["sent"]) == (1, 1)


@pytest.mark.parametrize(("policy", "expected"), [("hold", "in_doubt"), ("resend", "sent")])
def test_what_is_in_doubt_follows_the_policy(
    queued: list[Subscriber], policy: str, expected: str
) -> None:
    rows = Delivery.objects.claim(1, NOW, LEASE)
    begin_window(rows, NOW)
    with override_settings(IN_DOUBT_POLICY=policy):
        sweep(NOW + LEASE)
    send(NOW + LEASE)
    assert statuses() == [expected, "sent", "sent"]
    assert Delivery.objects.get(pk=rows[0].pk).attempts == 1 + (policy == "resend")


def test_a_digest_that_is_ever_in_doubt_is_not_sent_for_ever(queued: list[Subscriber]) -> None:
    Delivery.objects.update(status=Status.IN_DOUBT, attempts=MAX_ATTEMPTS)
    with override_settings(IN_DOUBT_POLICY="resend"):
        sweep(NOW)
    assert statuses() == ["in_doubt"] * 3


def test_windows_that_are_all_sent_take_a_constant_number_of_queries(
    queued: list[Subscriber],
) -> None:
    """Each window takes two: it is begun, and it is recorded."""
    assert send() == {"sent": 3}  # templates and papers are kept from now on
    Delivery.objects.update(status=Status.QUEUED, sent_at=None)
    with override_settings(DELIVERY_WINDOW=3), CaptureQueriesContext(connection) as one_window:
        assert send() == {"sent": 3}
    Delivery.objects.update(status=Status.QUEUED, sent_at=None)
    with override_settings(DELIVERY_WINDOW=1), CaptureQueriesContext(connection) as three_windows:
        assert send() == {"sent": 3}
    assert len(three_windows) - len(one_window) == 2 * 2


def test_a_window_does_not_begin_late_in_the_lease_of_its_claim(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many windows share a claim; at a low rate the last comes long after it."""
    now = [NOW]
    monkeypatch.setattr(
        "subscriptions.digests.ledger.Throttle.wait_for",
        lambda self, count: now.__setitem__(0, now[0] + LEASE / 2),
    )
    with override_settings(DELIVERY_WINDOW=1):
        assert dict(+send_queued(lambda: now[0])) == {"sent": 1}
    assert statuses() == ["sent", "queued", "queued"]
