"""A worker answers each form once, whatever happens in between."""

import datetime as dt
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.test import Client

from subscriptions import links
from subscriptions.flows import subscribe as flow
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import (
    Interest,
    SignupRequest,
    Subscriber,
    Suppression,
    Topic,
)
from tests.conftest import choices
from tests.web.conftest import last_mail, link_in

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(SUNDAY, tick=False) as traveller:
        yield traveller


def test_fifty_posts_bring_one_confirmation_a_day(post_signup: Post, frozen: Any) -> None:
    for n in range(50):
        assert post_signup(from_network=f"198.{n}.0.1")["Location"] == "/check-inbox/"
    assert len(mail.outbox) == 1
    frozen.move_to(SUNDAY + dt.timedelta(hours=23))
    post_signup()
    assert len(mail.outbox) == 1
    frozen.move_to(SUNDAY + dt.timedelta(hours=24))
    post_signup()
    assert len(mail.outbox) == 2


def test_unconfirmed_sign_ups_are_forgotten_after_two_weeks(post_signup: Post) -> None:
    post_signup()
    flow.receive("bo@example.org", choices(), "", SUNDAY)
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=13)) == 0
    assert SignupRequest.objects.count() == 1
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=14)) == 1
    assert not Subscriber.objects.exists() and not SignupRequest.objects.exists()


def test_many_are_forgotten_the_oldest_first_and_in_the_log_too(
    admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "FORGOTTEN_AT_ONCE", 2)
    for n, name in enumerate(("new", "old", "oldest")):
        flow.sign_up(f"{name}@example.org", choices(phrases=("cups",)), SUNDAY - n * DAY)
    reader = Subscriber.objects.get(email="oldest@example.org")
    for row in (reader, reader.interests.get()):
        LogEntry.objects.create(
            user=admin_user, action_flag=CHANGE, object_id=str(row.pk), object_repr="o…@e….org",
            content_type=ContentType.objects.get_for_model(row), change_message="cups",
        )  # fmt: skip
    late = SUNDAY + 14 * DAY
    assert flow.purge_unconfirmed(late) == 2
    assert Subscriber.objects.get().email == "new@example.org"
    told = set(LogEntry.objects.values_list("object_repr", "change_message"))
    assert told == {("erased", "")}
    assert [flow.purge_unconfirmed(late) for _ in range(2)] == [1, 0]


def test_a_sign_up_whose_task_was_lost_is_found_by_the_tick(
    post_signup: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any) -> None:
        raise ConnectionError("no broker")

    with monkeypatch.context() as patch:
        patch.setattr("subscriptions.web.views.subscribe.answer_request.delay", down)
        assert post_signup()["Location"] == "/check-inbox/"
    assert mail.outbox == []
    assert flow.unanswered(SUNDAY) == [], "its task may still be on the way"
    later = SUNDAY + dt.timedelta(minutes=1)
    (pk,) = flow.unanswered(later)
    assert flow.answer_request(pk, later)
    assert flow.unanswered(later) == []


def test_a_mail_that_could_not_be_sent_is_sent_later(
    post_signup: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: object) -> None:
        raise ConnectionRefusedError("no mail server")

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", down)
        assert post_signup()["Location"] == "/check-inbox/"
    assert flow.unanswered(SUNDAY) == []
    later = SUNDAY + dt.timedelta(minutes=15)
    (pk,) = flow.unanswered(later)
    assert flow.answer_request(pk, later) and len(mail.outbox) == 1


@pytest.mark.parametrize(
    "answer",
    [
        smtplib.SMTPServerDisconnected("gone after it was handed over"),
        smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"no such user")}),
    ],
)
def test_a_mail_that_may_have_arrived_or_never_will_is_not_repeated(
    post_signup: Post, monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    handed: list[object] = []

    def send(self: object, messages: list[object]) -> None:
        handed.extend(messages)
        raise answer

    monkeypatch.setattr(mail.get_connection().__class__, "send_messages", send)
    post_signup()
    for minutes in range(0, 24 * 60, 15):
        for pk in flow.unanswered(SUNDAY + dt.timedelta(minutes=minutes)):
            flow.answer_request(pk, SUNDAY + dt.timedelta(minutes=minutes))
    assert len(handed) == 1


@pytest.mark.parametrize("lately", [True, False])
def test_an_address_that_bounced_is_asked_again_once_in_thirty_days(
    client: Client, post_signup: Post, make_reader: Callable[..., Any], lately: bool, frozen: Any
) -> None:
    make_reader()
    mailed = SUNDAY - dt.timedelta(days=29 if lately else 31)
    Subscriber.objects.update(status="bounced", next_digest_at=None, signup_mailed_at=mailed)
    Suppression.objects.create(
        email_hash=Suppression.hash("ada@example.org"), reason="bounce", created_at=mailed
    )
    post_signup()
    assert len(mail.outbox) == (0 if lately else 1)
    if not lately:
        client.post(link_in(last_mail(), "confirm"))
        assert Subscriber.objects.get().status == "active"
        assert not Suppression.objects.exists()


def test_who_comes_back_within_a_day_is_answered_when_the_day_is_over(
    client: Client, post_signup: Post, frozen: Any
) -> None:
    post_signup()
    client.post(link_in(last_mail(), "confirm"))
    client.post(f"/u/{links.UNSUBSCRIBE.token(Subscriber.objects.get().pk)}/")
    post_signup(topics=["cosmology"])
    assert len(mail.outbox) == 1
    assert flow.unanswered(SUNDAY + dt.timedelta(hours=23)) == []
    later = SUNDAY + dt.timedelta(hours=24)
    (pk,) = flow.unanswered(later)
    assert flow.answer_request(pk, later) and len(mail.outbox) == 2


@pytest.mark.django_db
def test_a_topic_that_is_gone_when_the_form_is_answered_is_left_out() -> None:
    gone = Topic.objects.create(slug="gone", name="Gone", group="Sea")
    pk = flow.receive("ada@example.org", choices(topics=(gone.pk,), phrases=("x",)), "", SUNDAY)
    gone.delete()
    assert flow.answer_request(pk, SUNDAY)
    assert [str(interest) for interest in Interest.objects.all()] == ["x"]


@pytest.mark.django_db
def test_spellings_that_only_the_database_takes_for_one_stop_nobody() -> None:
    chosen = choices(phrases=("İzmir", "i̇zmir", "tides"))
    assert flow.answer_request(flow.receive("ada@example.org", chosen, "", SUNDAY), SUNDAY)
    assert Interest.objects.filter(value="tides").exists()


@pytest.mark.django_db
def test_where_a_worker_dies_before_it_mails_the_mail_comes_a_day_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pk = flow.receive("ada@example.org", choices(phrases=("x",)), "", SUNDAY)

    def killed(*args: Any, **options: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("subscriptions.flows.subscribe.mail_one", killed)
        flow.answer_request(pk, SUNDAY)
    asked = [
        flow.answer_request(pk, SUNDAY + dt.timedelta(minutes=minutes))
        for minutes in range(15, 25 * 60, 15)
        for pk in flow.unanswered(SUNDAY + dt.timedelta(minutes=minutes))
    ]
    assert asked.count(True) == 1 and len(mail.outbox) == 1
    assert not SignupRequest.objects.exists()


def test_who_wants_a_new_link_and_leaves_before_it_comes_stays_away(
    make_reader: Callable[..., Any],
) -> None:
    reader = make_reader(phrases=("mine",))
    pk = flow.receive_again(reader, "", SUNDAY)
    unsubscribe(reader.pk, SUNDAY)
    assert not flow.answer_request(pk, SUNDAY) and not mail.outbox
    reader.refresh_from_db()
    assert reader.status == "unsubscribed" and reader.interests.count() == 1


def test_an_address_that_just_bounced_rests(make_reader: Callable[..., Any]) -> None:
    reader = make_reader()
    Subscriber.objects.update(
        status="bounced", next_digest_at=None, signup_mailed_at=SUNDAY - dt.timedelta(days=200)
    )
    Suppression.objects.create(
        email_hash=Suppression.hash(reader.email), reason="bounce", created_at=SUNDAY
    )
    for days, mailed in ((0, False), (29, False), (30, True)):
        now = SUNDAY + dt.timedelta(days=days)
        pk = flow.receive(reader.email, choices(phrases=("x",)), "", now)
        assert flow.answer_request(pk, now) is mailed
