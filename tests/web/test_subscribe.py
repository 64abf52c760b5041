import datetime as dt
import logging
import re
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from subscriptions import links
from subscriptions.flows import subscribe as flow
from subscriptions.masking import MaskingFormatter
from subscriptions.models import Edition, Subscriber, Suppression, Topic
from tests.web.conftest import last_mail, link_in

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(SUNDAY, tick=False) as traveller:
        yield traveller


def test_the_form_offers_every_topic_in_its_group(client: Client, topics: dict[str, Topic]) -> None:
    page = client.get("/").content.decode()
    assert page.count('name="topics"') == len(topics) >= 40
    for group in {topic.group for topic in topics.values()}:
        assert group.replace("&", "&amp;") in page


def test_sign_up_confirm_and_be_scheduled(client: Client, post_signup: Post) -> None:
    answer = post_signup()
    assert (answer.status_code, answer["Location"]) == (302, "/check-inbox/")
    reader = Subscriber.objects.get()
    assert (reader.status, reader.consent_asked_at) == ("pending", SUNDAY)
    assert sorted(str(interest) for interest in reader.interests.all()) == [
        "Cosmology and gravitation", "Robot Arms", "Robotics", "flow matching",
    ]  # fmt: skip
    message = last_mail()
    assert message.to == ["ada@example.org"]
    assert "Weekly, Wednesday at 07:00 (Asia/Tokyo)" in message.body

    path = link_in(message, "confirm")
    assert client.get(path).status_code == 200
    reader.refresh_from_db()
    assert reader.status == "pending", "opening the link must not confirm"
    assert client.post(path).status_code == 302
    reader.refresh_from_db()
    assert (reader.status, reader.confirmed_at) == ("active", SUNDAY)
    assert reader.next_digest_at == dt.datetime(2025, 10, 14, 22, tzinfo=dt.UTC)
    page = client.get(path).content.decode()
    assert links.PREFERENCES.token(reader.pk).partition(".")[0] in page
    client.post(path)
    again = Subscriber.objects.get()
    assert again.next_digest_at == reader.next_digest_at


def test_fifty_posts_bring_one_confirmation_a_day(post_signup: Post, frozen: Any) -> None:
    for _ in range(50):
        assert post_signup()["Location"] == "/check-inbox/"
    assert len(mail.outbox) == 1
    frozen.move_to(SUNDAY + dt.timedelta(hours=23))
    post_signup()
    assert len(mail.outbox) == 1
    frozen.move_to(SUNDAY + dt.timedelta(hours=24))
    post_signup()
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("state", ["unknown", "active", "unsubscribed", "complained", "suppressed"])
def test_the_answer_tells_nobody_who_is_subscribed(
    post_signup: Post, make_reader: Callable[..., Any], client: Client, state: str
) -> None:
    known = make_reader("ada@example.org", phrases=("mine",))
    if state == "unknown":
        known.delete()
    elif state == "suppressed":
        Suppression.objects.create(
            email_hash=Suppression.hash("ADA@example.org"), reason="operator", created_at=SUNDAY
        )
    elif state != "active":
        Subscriber.objects.update(status=state, next_digest_at=None)
    stranger = post_signup(email="someone.else@example.org")
    mail.outbox.clear()
    answer = post_signup(email="Ada@EXAMPLE.org")
    assert (answer.status_code, answer["Location"], answer.content) == (302, "/check-inbox/", b"")
    assert dict(answer.headers) == dict(stranger.headers)
    assert len(mail.outbox) == {"complained": 0, "suppressed": 0}.get(state, 1)
    if state == "active":
        assert "/preferences/" in last_mail().body
        assert [str(i) for i in known.interests.all()] == ["mine"], "anyone can post the form"


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("email", "ada@example.org\r\nBcc: eve@example.org", "not an email address"),
        ("email", "not an address", "not an email address"),
        ("email", "Ärger@example.org", "not an email address"),
        ("email", "a" * 10_000 + "@example.org", "at most 254 characters"),
        ("phrases", "x" * 10_000, "at most 4000 characters"),
        ("phrases", "word " * 30, "at most 120 characters"),
        ("phrases", "\n".join(f"phrase {n}" for n in range(31)), "At most 30 phrases"),
        ("phrases", "!!!", "has no word in it"),
        ("topics", ["no-such-topic"], "There is no topic “no-such-topic”"),
        ("timezone", "Mars/Olympus", "There is no time zone “Mars/Olympus”"),
        ("timezone", "", "This field is required"),
        ("cadence", "hourly", "Select a valid choice"),
        ("weekday", "7", "Select a valid choice"),
        ("hour", "24", "Select a valid choice"),
    ],
)
def test_bad_input_is_told_beside_its_field(
    post_signup: Post, field: str, value: Any, complaint: str
) -> None:
    answer = post_signup(**{field: value})
    assert answer.status_code == 422
    assert any(complaint in error for error in answer.context["form"].errors[field])
    assert complaint in answer.content.decode()
    assert not Subscriber.objects.exists() and not mail.outbox


def test_nothing_chosen_is_told(post_signup: Post) -> None:
    answer = post_signup(topics=[], phrases="")
    assert "Choose at least one topic" in answer.content.decode()


def test_a_robot_that_fills_the_hidden_field_hears_no_difference(post_signup: Post) -> None:
    answer = post_signup(website="https://spam.example")
    assert (answer.status_code, answer["Location"]) == (302, "/check-inbox/")
    assert not Subscriber.objects.exists()


def test_forged_and_expired_links(client: Client, post_signup: Post, frozen: Any) -> None:
    post_signup()
    path = link_in(last_mail(), "confirm")
    pk = Subscriber.objects.get().pk
    forged = re.sub(r"/confirm/\d+", f"/confirm/{pk + 1}", path)
    other_purpose = f"/confirm/{links.UNSUBSCRIBE.token(pk)}/"
    for bad in (forged, other_purpose, "/confirm/x/", "/confirm/1.2.3/"):
        assert client.post(bad).status_code == 404
    frozen.move_to(SUNDAY + dt.timedelta(days=14, seconds=1))
    answer = client.post(path)
    assert answer.status_code == 410
    assert Subscriber.objects.get().status == "pending"


def test_an_old_link_does_not_bring_back_who_has_left(client: Client, post_signup: Post) -> None:
    post_signup()
    path = link_in(last_mail(), "confirm")
    client.post(path)
    reader = Subscriber.objects.get()
    client.post(f"/u/{links.UNSUBSCRIBE.token(reader.pk)}/")
    client.post(path)
    assert Subscriber.objects.get().status == "unsubscribed"
    assert "sign" in client.get(path).content.decode().lower()


def test_unconfirmed_sign_ups_are_forgotten_after_two_weeks(post_signup: Post) -> None:
    post_signup()
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=13)) == 0
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=14)) == 1
    assert not Subscriber.objects.exists()


def test_a_sign_up_whose_task_was_lost_is_found_by_the_tick(
    post_signup: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any) -> None:
        raise ConnectionError("no broker")

    with monkeypatch.context() as patch:
        patch.setattr("subscriptions.web.views.subscribe.answer_request.delay", down)
        assert post_signup()["Location"] == "/check-inbox/"
    assert mail.outbox == []
    (pk,) = flow.unanswered(SUNDAY)
    assert flow.answer_request(pk, SUNDAY)
    assert flow.unanswered(SUNDAY) == []


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


def test_a_stranger_cannot_change_what_the_owner_was_asked_to_confirm(
    client: Client, post_signup: Post
) -> None:
    post_signup()
    post_signup(topics=["cosmology"], cadence="daily", muted="robots", phrases="")
    client.post(link_in(last_mail(), "confirm"))
    reader = Subscriber.objects.get()
    assert reader.cadence == "weekly"
    assert reader.interests.filter(weight__lt=0).count() == 0


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/preferences/2.abc.def/", "/preferences/…/"),
        ("/confirm/2.abc.def/", "/confirm/…/"),
        ("/u/2.abc/", "/u/…/"),
        ("/digest/2.abc.def/3/more/", "/digest/…/3/more/"),
        ("/sign-in/2.abc.def/", "/sign-in/…/"),
        ("/new-address/2.abc.def/", "/new-address/…/"),
        ("/feeds/mine/abc.atom", "/feeds/mine/…"),
    ],
)
def test_logs_hold_no_address_and_no_token(path: str, masked: str) -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "Bad: %s for %s",
        (path, "ada@mail.example.org"), None,
    )  # fmt: skip
    line = MaskingFormatter("%(message)s").format(record)
    assert line == f"Bad: {masked} for a…@m….org"


def test_queries_do_not_grow_with_the_topics(
    client: Client, make_paper: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    Edition.objects.roll(SUNDAY)
    for n in range(12):
        make_paper(f"Paper {n}", votes=n)
        Topic.objects.create(slug=f"t{n}", name=f"Topic {n}", group=f"Group {n % 3}")
    with django_assert_max_num_queries(6):
        page = client.get("/").content.decode()
    assert "Paper 11" in page
