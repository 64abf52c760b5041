"""What staff decide about one reader, and where it makes no sense."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction

from subscriptions.flows import preferences
from subscriptions.flows.refused import Refused
from subscriptions.flows.staff_choices import (
    ask_again,
    change,
    end_pause,
    pause,
    suppress,
    unsubscribe,
)
from subscriptions.flows.subscribe import answer_request, sign_up
from subscriptions.models import Delivery, SignupRequest, Subscriber, Suppression
from tests.conftest import MONDAY, choices
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

NEXT_WEEK = dt.date(2025, 10, 20)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
Make = Callable[..., Any]


def now_of(reader: Subscriber) -> Subscriber:
    return Subscriber.objects.get(pk=reader.pk)


def refusal(decide: Callable[..., object], *args: object) -> str:
    with pytest.raises(Refused) as caught:
        decide(*args)
    return str(caught.value)


@pytest.fixture
def pending(db: None) -> Subscriber:
    return sign_up("ada@example.org", choices(phrases=("robots",)), MONDAY - 2 * DAY)


def test_a_pause_takes_back_what_waits_and_ends_in_their_zone(make_reader: Make) -> None:
    reader = make_reader(timezone="Asia/Tokyo", cadence="daily", hour=7)
    Delivery.objects.create(
        subscriber=reader, first_day=MONDAY.date() - DAY, newest_day=MONDAY.date() - DAY,
        created_at=MONDAY,
    )  # fmt: skip
    pause(reader.pk, NEXT_WEEK, MONDAY)
    paused = now_of(reader)
    assert (paused.status, paused.paused_until) == ("paused", NEXT_WEEK)
    assert paused.next_digest_at == dt.datetime(2025, 10, 19, 22, tzinfo=dt.UTC)
    assert not Delivery.objects.exists()
    pause(reader.pk, NEXT_WEEK + DAY, MONDAY)
    assert now_of(reader).paused_until == NEXT_WEEK + DAY
    end_pause(reader.pk, MONDAY)
    active = now_of(reader)
    assert (active.status, active.paused_until) == ("active", None)
    assert active.next_digest_at == dt.datetime(2025, 10, 13, 22, tzinfo=dt.UTC)
    assert refusal(end_pause, reader.pk, MONDAY) == "They are not paused (active)."


@pytest.mark.parametrize("until", [MONDAY.date(), MONDAY.date() + 367 * DAY, dt.date.min])
def test_a_pause_ends_within_a_year(make_reader: Make, until: dt.date) -> None:
    reader = make_reader()
    assert "within the next year" in refusal(pause, reader.pk, until, MONDAY)
    assert now_of(reader).status == "active"


def test_who_left_stays_left(make_reader: Make) -> None:
    reader = make_reader()
    unsubscribe(reader.pk, MONDAY)
    assert now_of(reader).status == "unsubscribed"
    assert refusal(pause, reader.pk, NEXT_WEEK, MONDAY) == "They do not subscribe (unsubscribed)."
    assert refusal(unsubscribe, reader.pk, MONDAY) == "They are not mailed (unsubscribed)."
    change(reader.pk, {"cadence": "daily"}, MONDAY)
    left = now_of(reader)
    assert (left.status, left.next_digest_at, left.cadence) == ("unsubscribed", None, "daily")
    reader.delete()
    assert refusal(unsubscribe, reader.pk, MONDAY) == "They are not mailed (erased)."


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_leaves_while_staff_pause_them_stays_left(make_reader: Make) -> None:
    reader = make_reader()
    told: list[str] = []

    def staff() -> None:
        try:
            pause(reader.pk, NEXT_WEEK, MONDAY)
        except Refused as error:
            told.append(str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=staff)
    try:
        with transaction.atomic():
            preferences.unsubscribe(reader.pk, MONDAY)
            thread.start()
            wait_until(is_waited_for, "the pause waits for nothing")
    finally:
        thread.join()
    assert told == ["They do not subscribe (unsubscribed)."]
    assert now_of(reader).status == "unsubscribed"


def test_a_new_schedule_in_a_pause_counts_from_its_end(make_reader: Make) -> None:
    reader = make_reader()
    pause(reader.pk, NEXT_WEEK, MONDAY)
    change(reader.pk, {"hour": 6}, MONDAY)
    assert now_of(reader).next_digest_at == dt.datetime(2025, 10, 20, 6, tzinfo=dt.UTC)


def test_suppressing_unsubscribes_at_once(make_reader: Make) -> None:
    reader = make_reader("Ada@example.org")
    assert suppress("ada@EXAMPLE.org", "operator", MONDAY)
    assert now_of(reader).status == "unsubscribed"
    assert Suppression.objects.has("ada@example.org")
    assert refusal(suppress, reader.email, "operator", MONDAY) == (
        "The address is suppressed already."
    )
    assert not suppress("nobody@example.org", "complaint", MONDAY)


def test_what_an_operator_suppresses_no_confirmation_lifts(make_reader: Make) -> None:
    reader = make_reader()
    suppress(reader.email, "bounce", MONDAY)
    suppress(reader.email, "operator", MONDAY + HOUR)
    there = Suppression.objects.get()
    assert (there.reason, there.created_at) == ("operator", MONDAY + HOUR)
    refusal(suppress, reader.email, "bounce", MONDAY)
    assert Suppression.objects.get().reason == "operator"


def test_a_confirmation_is_mailed_again_as_it_was_asked_for(pending: Subscriber) -> None:
    assert answer_request(ask_again(pending.pk, MONDAY), MONDAY)
    (message,) = mail.outbox
    assert message.to == [pending.email] and "Confirm" in message.subject
    assert "11 October 2025" in message.body and "network" not in message.body
    after = now_of(pending)
    assert (after.consent_asked_at, after.status) == (MONDAY - 2 * DAY, "pending")
    assert [str(interest) for interest in after.interests.all()] == ["robots"]


def test_a_confirmation_is_mailed_once_a_day(pending: Subscriber) -> None:
    requests = [ask_again(pending.pk, MONDAY) for _ in range(2)]
    assert [answer_request(pk, MONDAY) for pk in requests] == [True, False]
    assert not SignupRequest.objects.exists()
    told = refusal(ask_again, pending.pk, MONDAY + HOUR)
    assert told == "They were mailed within a day; again from 2025-10-14 09:00 UTC."
    ask_again(pending.pk, MONDAY + DAY)


def test_who_is_suppressed_or_need_not_confirm_is_asked_nothing(
    pending: Subscriber, make_reader: Make
) -> None:
    for reason in ("bounce", "operator"):
        Suppression.objects.create(
            email_hash=Suppression.hash(pending.email), reason=reason, created_at=MONDAY - 99 * DAY
        )
        assert f"suppressed ({reason})" in refusal(ask_again, pending.pk, MONDAY)
        Suppression.objects.all().delete()
    told = refusal(ask_again, make_reader("bo@example.org").pk, MONDAY)
    assert told == "They do not wait for a confirmation (active)."
    assert not SignupRequest.objects.exists()
