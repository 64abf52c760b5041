"""What comes back has its effect: on whom, once, and never on anybody else."""

import threading
from collections import Counter
from collections.abc import Callable
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from subscriptions import tasks
from subscriptions.flows import bounces, preferences, staff_choices, subscribe
from subscriptions.flows.erase import erase
from subscriptions.flows.refused import Refused
from subscriptions.models import Delivery, MailEvent, Movement, Subscriber, Suppression
from tests.conftest import MONDAY, choices
from tests.flows.coming_back import DAY, came_back, counted, digest
from tests.returned import status

Make = Callable[..., Any]
LATER = MONDAY + DAY


def suppressed(email: str = "ada@example.org") -> str:
    found = Suppression.objects.of(email)
    return found.reason if found else ""


def moves() -> dict[str, int]:
    return dict(Movement.objects.exclude(kind="joined").values_list("kind", "count"))


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader(phrases=("x",))
    return found


def in_state(reader: Subscriber, state: str) -> None:
    if state == "paused":
        staff_choices.pause(reader.pk, (MONDAY + 9 * DAY).date(), MONDAY)
    elif state == "unsubscribed":
        preferences.unsubscribe(reader.pk, MONDAY)
    elif state != "active":
        rows = Subscriber.objects.filter(pk=reader.pk)
        rows.update(status=state, next_digest_at=None)


@pytest.mark.parametrize(
    ("state", "kind", "then", "reason", "moved"),
    [
        ("active", "hard", "bounced", "bounce", {"bounced": 1}),
        ("paused", "hard", "bounced", "bounce", {"bounced": 1}),
        ("pending", "hard", "bounced", "bounce", {}),
        ("unsubscribed", "hard", "unsubscribed", "bounce", {"left": 1}),
        ("complained", "hard", "complained", "bounce", {}),
        ("active", "complaint", "complained", "complaint", {"complained": 1}),
        ("paused", "complaint", "complained", "complaint", {"complained": 1}),
        ("pending", "complaint", "complained", "complaint", {}),
        ("unsubscribed", "complaint", "complained", "complaint", {"left": 1}),
        ("bounced", "complaint", "complained", "complaint", {}),
        ("active", "soft", "active", "", {}),
        ("active", "ours", "active", "", {}),
    ],
)
def test_what_each_kind_does_to_readers_in_each_state(
    reader: Subscriber, state: str, kind: str, then: str, reason: str, moved: dict[str, int]
) -> None:
    in_state(reader, state)
    event = came_back(reader, kind, LATER, digest(reader, MONDAY))
    assert bounces.apply_waiting(LATER) == {kind: 1}
    assert (status(reader), suppressed(), moves()) == (then, reason, moved)
    assert Subscriber.objects.get().next_digest_at is None or then == "active"
    event.refresh_from_db()
    assert event.applied_at == LATER
    assert bounces.apply_waiting(LATER + DAY) == {}, "once"
    assert moves() == moved


def test_a_digest_that_waits_is_not_sent_any_more(reader: Subscriber) -> None:
    sent = digest(reader, MONDAY)
    digest(reader, LATER, "queued")
    came_back(reader, "hard", LATER, sent)
    bounces.apply_waiting(LATER)
    assert Delivery.objects.get() == sent


def test_a_complaint_is_stronger_than_a_bounce_and_stays(reader: Subscriber) -> None:
    sent = digest(reader, MONDAY)
    for n, kind in enumerate(("hard", "complaint", "hard", "soft", "delivered")):
        came_back(reader, kind, LATER + n * DAY, sent)
    assert bounces.apply_waiting(LATER + 4 * DAY).total() == 5
    assert (status(reader), suppressed()) == ("complained", "complaint")
    assert subscribe.mailable_from(reader.email, reader, LATER + 400 * DAY), "never again"


def test_an_operators_word_stays(reader: Subscriber) -> None:
    staff_choices.suppress(reader.email, "operator", MONDAY)
    came_back(reader, "complaint", LATER)
    bounces.apply_waiting(LATER)
    assert suppressed() == "operator"


@pytest.mark.parametrize("kind", ["hard", "complaint", "soft"])
def test_what_was_sent_to_an_earlier_address_does_nothing_to_the_next(
    reader: Subscriber, kind: str
) -> None:
    Subscriber.objects.update(address_changed_at=MONDAY + DAY / 2)
    came_back(reader, kind, LATER, digest(reader, MONDAY))
    assert bounces.apply_waiting(LATER) == {"old": 1}
    assert (status(reader), suppressed(), counted()) == ("active", "", [])


def test_a_bounced_reader_can_come_back_and_what_is_older_does_nothing(
    reader: Subscriber,
) -> None:
    old = digest(reader, MONDAY)
    came_back(reader, "hard", LATER, old)
    bounces.apply_waiting(LATER)
    back = LATER + subscribe.AFTER_BOUNCE + DAY
    assert subscribe.mailable_from(reader.email, Subscriber.objects.get(), LATER + 2 * DAY)
    request = subscribe.receive(reader.email, choices(phrases=("x",)), "", back)
    assert subscribe.answer_request(request, back)
    came_back(reader, "soft", back, old)
    came_back(reader, "hard", back, old)
    assert bounces.apply_waiting(back) == {"old": 2} and status(reader) == "pending"
    assert subscribe.confirm(reader.pk, back + DAY)
    assert (status(reader), suppressed()) == ("active", "")
    came_back(reader, "hard", back + 2 * DAY, old)
    assert bounces.apply_waiting(back + 2 * DAY) == {"old": 1} and status(reader) == "active"
    came_back(reader, "hard", back + 9 * DAY, digest(reader, back + 8 * DAY))
    bounces.apply_waiting(back + 9 * DAY)
    assert (status(reader), suppressed()) == ("bounced", "bounce")


def test_who_came_back_may_complain_of_what_was_sent_before(reader: Subscriber) -> None:
    sent = digest(reader, MONDAY)
    Subscriber.objects.update(confirmed_at=LATER)
    came_back(reader, "complaint", LATER - DAY / 4, sent)
    assert bounces.apply_waiting(LATER) == {"old": 1} and status(reader) == "active"
    came_back(reader, "complaint", LATER + DAY, sent)
    bounces.apply_waiting(LATER + DAY)
    assert status(reader) == "complained"


def test_one_that_fails_stops_no_other_and_is_tried_again(
    reader: Subscriber, make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_reader("bob@example.net")
    came_back(reader, "hard", LATER)
    came_back(other, "hard", LATER, digest(other, MONDAY))
    end = preferences.end

    def broken(subscriber: Subscriber, *rest: Any) -> None:
        if subscriber.pk == reader.pk:
            raise ValueError("broken")
        end(subscriber, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(preferences, "end", broken)
        assert bounces.apply_waiting(LATER) == {"hard": 1}
    assert (status(reader), suppressed(), status(other)) == ("active", "", "bounced")
    assert counted() == [("2025-10-14", "example.net", 1, 0, 0, 0)]
    assert bounces.apply_waiting(LATER) == {"hard": 1}
    assert status(reader) == "bounced"


def test_any_number_that_fail_stop_no_other(
    reader: Subscriber, make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "MOST", 2)
    other = make_reader("bob@example.net")
    for n in range(5):
        came_back(reader, "complaint", LATER, key=f"{n}")
    came_back(other, "hard", LATER)

    def broken(*_: Any) -> None:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(bounces, "_complained", broken)
        assert bounces.apply_all(lambda: LATER) == {"hard": 1}
    assert (status(reader), status(other)) == ("active", "bounced")
    assert bounces.apply_all(lambda: LATER) == {"complaint": 5}


def test_a_web_request_waits_for_a_few_only(
    reader: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "MOST", 2)
    monkeypatch.setattr(bounces, "AT_ONCE", 3)
    for n in range(7):
        came_back(reader, "soft", LATER, key=f"soft {n}")
        came_back(reader, "ours", LATER, key=f"ours {n}")
    assert bounces.apply_waiting(LATER) == {"soft": 2, "ours": 3}
    assert bounces.apply_all(lambda: LATER) == {"soft": 5, "ours": 4}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_another_worker_counts_is_not_waited_for(make_reader: Make) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    reader, applied = make_reader(), []
    first, _ = (came_back(reader, "ours", LATER, key=f"{n}") for n in range(2))

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '3s'")
            applied.append(bounces.apply_waiting(LATER))
        finally:
            connection.close()

    with transaction.atomic():
        MailEvent.objects.select_for_update().get(pk=first.pk)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert applied == [{"ours": 1}]
    assert bounces.apply_waiting(LATER) == {"ours": 1}


def test_what_came_back_is_counted_by_the_day_it_came_and_its_domain(
    reader: Subscriber, make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "AT_ONCE", 2)
    other = make_reader("bob@bücher.example")
    first, second = digest(reader, MONDAY), digest(other, MONDAY)
    for kind in ("ours", "soft", "delivered"):
        came_back(reader, kind, LATER, first)
        came_back(other, kind, LATER, second)
    came_back(reader, "ours", LATER, first, key="the same by another way")
    came_back(reader, "ours", LATER + DAY, digest(reader, LATER))
    came_back(other, "complaint", LATER + DAY, second)
    bounces.apply_all(lambda: LATER + DAY)
    assert counted() == [
        ("2025-10-14", "example.org", 0, 1, 1, 0),
        ("2025-10-14", "xn--bcher-kva.example", 0, 1, 1, 0),
        ("2025-10-15", "example.org", 0, 0, 1, 0),
        ("2025-10-15", "xn--bcher-kva.example", 0, 0, 0, 1),
    ]


def test_a_reader_complains_once_whatever_their_reports_are_about(
    reader: Subscriber, make_reader: Make
) -> None:
    """Who has signed addresses can write any number of reports."""
    other = make_reader("bob@example.net")
    for n in range(5):
        came_back(reader, "complaint", LATER, digest(reader, MONDAY + n * DAY))
        came_back(reader, "complaint", LATER, key=f"{n}")
        bounces.apply_waiting(LATER)
    came_back(other, "complaint", LATER)
    bounces.apply_waiting(LATER)
    assert counted() == [
        ("2025-10-14", "example.net", 0, 0, 0, 1), ("2025-10-14", "example.org", 0, 0, 0, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["hard", "soft", "ours"])
def test_what_came_back_of_other_mails_than_digests_is_not_counted(
    reader: Subscriber, kind: str
) -> None:
    """How many were sent is counted of digests alone."""
    came_back(reader, kind, LATER)
    assert bounces.apply_waiting(LATER) == {kind: 1}
    assert counted() == []
    assert status(reader) == ("bounced" if kind == "hard" else "active")


def test_the_tick_applies_and_forgets(reader: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounces, "MOST", 1)
    came_back(reader, "soft", LATER)
    came_back(reader, "hard", LATER)
    with time_machine.travel(LATER, tick=False):
        tasks.tick()
    assert status(reader) == "bounced"
    with time_machine.travel(LATER + bounces.KEPT - DAY, tick=False):
        tasks.tick()
    assert MailEvent.objects.count() == 2
    with time_machine.travel(LATER + bounces.KEPT + DAY, tick=False):
        tasks.tick()
    assert not MailEvent.objects.exists()


def test_an_erased_reader_leaves_no_event(reader: Subscriber) -> None:
    came_back(reader, "hard", LATER)
    erase(reader.pk, LATER)
    assert not MailEvent.objects.exists()
    assert bounces.apply_waiting(LATER) == {}


def test_what_strangers_say_is_stored_short_masked_and_printable(reader: Subscriber) -> None:
    said = "550 <ada@example.org>\0\r\nunknown \ud800 " + "x" * 1000
    status = "5.1.1\r\nX: y"
    event = MailEvent.about(
        reader, "hard", MailEvent.Way.MAIL, key="\ud800" * 500, now=LATER,
        happened_at=LATER + DAY, status=status, reason=said,
    )  # fmt: skip
    MailEvent.objects.note([event])
    stored = MailEvent.objects.get()
    assert stored.reason.startswith("550 <a…@e….org> unknown xxx") and len(stored.reason) == 500
    assert (stored.status, stored.happened_at) == ("", LATER)


class Refuses(EmailBackend):
    """A mail server that knows no such user, or wants nothing from this site."""

    replies = iter(())

    def send_messages(self, messages: Any) -> int:
        raise SMTPRecipientsRefused({"a": next(self.replies)})


@pytest.mark.django_db
def test_a_sign_up_whose_confirmation_is_refused_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replies = (550, b"5.7.1 policy"), (550, b"5.1.1 <ada@example.org> no such user")
    monkeypatch.setattr(mail.get_connection().__class__, "send_messages", Refuses.send_messages)
    monkeypatch.setattr(mail.get_connection().__class__, "replies", iter(replies), raising=False)
    with time_machine.travel(MONDAY, tick=False):
        tasks.answer_request(subscribe.receive("ada@example.org", choices(), "", MONDAY))
        tasks.tick()
    assert Subscriber.objects.get().status == "pending" and suppressed() == ""
    with time_machine.travel(LATER, tick=False):
        tasks.answer_request(subscribe.receive("ada@example.org", choices(), "", LATER))
        tasks.tick()
    assert Subscriber.objects.get().status == "bounced" and suppressed() == "bounce"
    assert "ada@" not in str(list(MailEvent.objects.values_list("reason", flat=True)))
    with pytest.raises(Refused):
        staff_choices.ask_again(Subscriber.objects.get().pk, LATER + 40 * DAY)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_several_workers_each_event_has_one(make_reader: Make) -> None:
    kinds = "hard", "complaint", "ours", "soft"
    for n, kind in enumerate(kinds * 6):
        reader = make_reader(f"r{n}@d{n % 3}.example")
        came_back(reader, kind, LATER, digest(reader, MONDAY))
    workers, applied = 3, []
    barrier = threading.Barrier(workers)

    def run() -> None:
        try:
            barrier.wait()
            applied.append(bounces.apply_waiting(LATER))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(applied, Counter()) == dict.fromkeys(kinds, 6)
    assert moves() == {"bounced": 6, "complained": 6}
    assert [sum(row[2:]) for row in counted()] == [8, 8, 8]
