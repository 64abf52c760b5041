"""The owner of an address confirms, and what comes then."""

import datetime as dt
import re
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
    Subscriber,
    Suppression,
)
from tests.conftest import choices
from tests.web.conftest import last_mail, link_in

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(SUNDAY, tick=False) as traveller:
        yield traveller


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


def test_a_stranger_cannot_change_what_the_owner_was_asked_to_confirm(
    client: Client, post_signup: Post
) -> None:
    post_signup()
    post_signup(topics=["cosmology"], cadence="daily", muted="robots", phrases="")
    client.post(link_in(last_mail(), "confirm"))
    reader = Subscriber.objects.get()
    assert reader.cadence == "weekly"
    assert reader.interests.filter(weight__lt=0).count() == 0


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


def test_who_comes_back_gets_the_newest_week_and_no_paper_twice(
    client: Client, make_reader: Callable[..., Any], make_paper: Callable[..., Any], frozen: Any
) -> None:
    Edition.objects.roll(SUNDAY)
    reader = make_reader(phrases=("tides",))
    make_paper("Tides of old", day=dt.date(2025, 10, 9))
    Subscriber.objects.update(next_digest_at=SUNDAY)
    call_command("send_due", now=SUNDAY)
    assert "Tides of old" in last_mail().body
    unsubscribe(reader.pk, SUNDAY)
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
