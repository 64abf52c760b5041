import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from subscriptions import links
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


@pytest.mark.django_db
def test_the_front_page_sets_no_cookie_and_ticks_what_its_address_names(client: Client) -> None:
    Topic.objects.create(slug="tides", name="Tides", group="Sea")
    page = client.get("/?topics=tides")
    assert 'id="topic-tides" checked' in page.text
    assert not page.cookies and "Cookie" not in page.get("Vary", "")
