import datetime as dt
import re
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import Client

from subscriptions import links
from subscriptions.flows import subscribe as flow
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import (
    Edition,
    Interest,
    Paper,
    SignupRequest,
    Subscriber,
    Suppression,
    Topic,
    WantedPaper,
)
from subscriptions.web import guards
from tests.conftest import choices
from tests.web.conftest import last_mail, link_in

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
Post = Callable[..., Any]
GOOD = {
    "email": "ada@example.org", "phrases": "tides", "cadence": "weekly", "weekday": "0",
    "hour": "8", "timezone": "UTC",
}  # fmt: skip


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
    assert not SignupRequest.objects.exists(), "it was answered"
    assert sorted(str(interest) for interest in reader.interests.all()) == [
        "Cosmology and gravitation", "Robot Arms", "Robotics", "flow matching",
    ]  # fmt: skip
    message = last_mail()
    assert message.to == ["ada@example.org"]
    assert "Weekly, Wednesday at 07:00 (Asia/Tokyo)" in message.body
    assert "came from the network 127.0.0.0/24." in " ".join(message.body.split())

    path = link_in(message, "confirm")
    assert client.get(path).status_code == 200
    reader.refresh_from_db()
    assert reader.status == "pending", "opening the link must not confirm"
    assert client.post(path).status_code == 302
    reader.refresh_from_db()
    assert (reader.status, reader.confirmed_at) == ("active", SUNDAY)
    assert reader.next_digest_at == SUNDAY, "the first digest comes at once"
    page = client.get(path).content.decode()
    assert "Your next digest comes Wednesday 15 October at 07:00." in page
    assert links.PREFERENCES.token(reader.pk).partition(".")[0] in page
    client.post(path)
    again = Subscriber.objects.get()
    assert again.next_digest_at == reader.next_digest_at


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


@pytest.mark.parametrize(
    "state",
    [
        "unknown",
        "active",
        "paused",
        "pending",
        "unsubscribed",
        "bounced",
        "complained",
        "suppressed",
    ],
)
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
        ("phrases", "\n".join(f"phrase {n}" for n in range(31)), "At most 30 lines"),
        ("categories", "cs.CL\ncs.XX", "There is no arXiv category “cs.XX”"),
        ("papers", "https://example.org/1", "is not an arXiv id or link"),
        ("email", "ada@mailinator.com", "gives addresses for a few minutes"),
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
    flow.receive("bo@example.org", choices(), "", SUNDAY)
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=13)) == 0
    assert SignupRequest.objects.count() == 1
    assert flow.purge_unconfirmed(SUNDAY + dt.timedelta(days=14)) == 1
    assert not Subscriber.objects.exists() and not SignupRequest.objects.exists()


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


def test_a_stranger_cannot_change_what_the_owner_was_asked_to_confirm(
    client: Client, post_signup: Post
) -> None:
    post_signup()
    post_signup(topics=["cosmology"], cadence="daily", muted="robots", phrases="")
    client.post(link_in(last_mail(), "confirm"))
    reader = Subscriber.objects.get()
    assert reader.cadence == "weekly"
    assert reader.interests.filter(weight__lt=0).count() == 0


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


def test_all_kinds_of_interest_can_be_followed(
    client: Client, post_signup: Post, make_paper: Callable[..., Paper]
) -> None:
    here = make_paper("Known already", arxiv_id="1706.03762")
    post_signup(
        authors="Wei Zhang (cs.CV)", categories="cs.cl\nastro-ph.CO", muted="blockchain",
        papers="https://arxiv.org/abs/1706.03762v5\narXiv:2010.11929",
    )  # fmt: skip
    rows = Interest.objects.order_by("pk").values_list("kind", "value", "paper")
    assert [row for row in rows if row[0] not in ("topic", "phrase")] == [
        ("author", "Wei Zhang (cs.CV)", None), ("category", "cs.CL", None),
        ("category", "astro-ph.CO", None), ("paper", "", here.pk), ("paper", "2010.11929", None),
    ]  # fmt: skip
    assert Interest.objects.get(value="blockchain").weight == Interest.Weight.MUTED
    assert not WantedPaper.objects.exists(), "nobody has confirmed yet"
    client.post(link_in(last_mail(), "confirm"))
    assert [wanted.arxiv_id for wanted in WantedPaper.objects.all()] == ["2010.11929"]


def test_the_first_digest_comes_at_once_and_the_next_at_the_hour_chosen(
    client: Client, post_signup: Post, make_paper: Callable[..., Any], frozen: Any
) -> None:
    Edition.objects.roll(SUNDAY)
    make_paper("Robot arms that learn", votes=3)
    post_signup()
    client.post(link_in(last_mail(), "confirm"))
    mail.outbox.clear()
    call_command("send_due", now=SUNDAY)
    assert "Robot arms that learn" in last_mail().body
    frozen.move_to(SUNDAY + dt.timedelta(minutes=5))
    call_command("send_due", now=SUNDAY + dt.timedelta(minutes=5))
    assert len(mail.outbox) == 1
    reader = Subscriber.objects.get()
    assert reader.next_digest_at == dt.datetime(2025, 10, 14, 22, tzinfo=dt.UTC)


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


def test_only_the_operator_lifts_their_own_suppression(
    client: Client, post_signup: Post, make_reader: Callable[..., Any]
) -> None:
    post_signup()
    path = link_in(last_mail(), "confirm")
    hashed = Suppression.hash("ada@example.org")
    Suppression.objects.create(email_hash=hashed, reason="operator", created_at=SUNDAY)
    client.post(path)
    assert Subscriber.objects.get().status == "pending"
    assert Suppression.objects.get().reason == "operator"


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
def test_a_network_that_asks_too_often_is_told_and_others_are_not(client: Client) -> None:
    form = {"email": "x", "cadence": "weekly"}
    for n in range(30):
        client.post("/", {**GOOD, "email": f"reader{n}@example.org"}, REMOTE_ADDR="151.101.1.7")
    again = client.post("/", {**GOOD, "email": "one@example.org"}, REMOTE_ADDR="151.101.1.9")
    assert again.status_code == 429 and again["Retry-After"] == "3600"
    assert "Too many forms came from your network" in again.text
    assert client.post("/", form, REMOTE_ADDR="151.101.1.9").status_code == 422
    behind_proxy = client.post(
        "/", {**GOOD, "email": "two@example.org"},
        REMOTE_ADDR="172.18.0.1", HTTP_X_FORWARDED_FOR="203.0.113.7, 93.184.216.34",
    )  # fmt: skip
    assert behind_proxy.status_code == 302
    assert SignupRequest.objects.order_by("pk").last().network == "93.184.216.0/24"  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_form_with_one_address_is_taken_in_a_few_times_a_day(client: Client) -> None:
    answers = {client.post("/", GOOD, REMOTE_ADDR=f"203.0.{n}.1").status_code for n in range(9)}
    assert answers == {302} and SignupRequest.objects.count() == 5


@pytest.mark.django_db
def test_a_site_for_some_domains_and_one_that_trusts_a_disposable_one(
    client: Client, settings: Any
) -> None:
    settings.SIGNUP_DOMAINS = ["lab.example"]
    refused = client.post("/", GOOD)
    assert refused.status_code == 422 and "is for addresses at lab.example." in refused.text
    assert client.post("/", {**GOOD, "email": "a@cs.lab.example"}).status_code == 302
    settings.SIGNUP_DOMAINS = []
    settings.DISPOSABLE_DOMAINS_ALLOWED = ["mailinator.com"]
    assert client.post("/", {**GOOD, "email": "a@mailinator.com"}).status_code == 302


@pytest.mark.django_db
def test_a_limit_that_cannot_be_kept_stops_nobody(
    client: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    guards.forget()
    assert client.post("/", GOOD).status_code == 302
    assert "no limit was kept" in caplog.text


@pytest.mark.django_db
def test_the_front_page_sets_no_cookie_and_ticks_what_its_address_names(client: Client) -> None:
    Topic.objects.create(slug="tides", name="Tides", group="Sea")
    page = client.get("/?topics=tides")
    assert 'id="topic-tides" checked' in page.text
    assert not page.cookies and "Cookie" not in page.get("Vary", "")


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

    def killed(*args: Any) -> None:
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
    unsubscribe(reader.pk)
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


def test_who_comes_back_gets_the_newest_week_and_no_paper_twice(
    client: Client, make_reader: Callable[..., Any], make_paper: Callable[..., Any], frozen: Any
) -> None:
    Edition.objects.roll(SUNDAY)
    reader = make_reader(phrases=("tides",))
    make_paper("Tides of old", day=dt.date(2025, 10, 9))
    Subscriber.objects.update(next_digest_at=SUNDAY)
    call_command("send_due", now=SUNDAY)
    assert "Tides of old" in last_mail().body
    unsubscribe(reader.pk)
    tuesday = SUNDAY + dt.timedelta(days=2)
    frozen.move_to(tuesday)
    Edition.objects.roll(tuesday)
    make_paper("Tides anew", day=dt.date(2025, 10, 13))
    flow.answer_request(
        flow.receive(reader.email, choices(phrases=("tides",)), "", tuesday), tuesday
    )
    path = link_in(last_mail(), "confirm")
    client.post(path)
    assert "on its way" in client.get(path).text
    call_command("send_due", now=tuesday)
    body = last_mail().body
    assert "Tides anew" in body and "Tides of old" not in body


def test_the_welcome_page_promises_only_what_comes(client: Client, post_signup: Post) -> None:
    post_signup(muted="robots")
    message = last_mail()
    assert "Muted: robots" in message.body and "You follow: Robotics" in message.body
    path = link_in(message, "confirm")
    assert "robots" in client.get(path).text
    client.post(path)
    page = client.get(path).text
    assert "on its way" not in page, "there is no paper yet"
    assert "Your next digest comes Wednesday 15 October at 07:00." in page


def test_an_old_mail_confirms_no_later_form(client: Client, post_signup: Post, frozen: Any) -> None:
    """A stranger's form, a day later, must not be what the owner agrees to by the first mail."""
    post_signup()
    first = link_in(last_mail(), "confirm")
    frozen.move_to(SUNDAY + dt.timedelta(days=1))
    post_signup(topics=["cosmology"], phrases="horoscopes")
    assert client.get(first).status_code == client.post(first).status_code == 410
    assert Subscriber.objects.get().status == "pending"
    client.post(link_in(last_mail(), "confirm"))
    assert Subscriber.objects.get().status == "active"
