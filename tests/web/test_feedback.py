"""The three links under each paper of a digest."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from subscriptions import links
from subscriptions.models import Delivery, Feedback, Interest, Paper, Subscriber

DAY = dt.date(2025, 10, 12)

Make = Callable[..., Any]


@pytest.fixture
def delivery(make_reader: Make, make_paper: Make) -> Delivery:
    reader: Subscriber = make_reader(phrases=("robot arms",))
    interest = Interest.objects.get()
    return Delivery.objects.create(
        subscriber=reader, first_day=DAY, newest_day=DAY,
        created_at=dt.datetime(2025, 10, 13, tzinfo=dt.UTC),
        items=[
            {"paper": make_paper("Robot <arms>").pk, "section": "matches", "reason": "r",
             "interest": interest.pk},
            {"paper": make_paper("Rivers").pk, "section": "trending", "reason": "New"},
        ],
    )  # fmt: skip


def url(delivery: Delivery, place: int, verdict: str) -> str:
    prefix = links.DIGEST.url(delivery.pk).removeprefix("http://localhost:8000")
    return f"{prefix}{place}/{verdict}/"


def said() -> list[tuple[str, str]]:
    return sorted(Feedback.objects.values_list("paper__title", "verdict"))


@pytest.mark.parametrize("verdict", ["more", "less", "save"])
def test_a_link_shows_a_button_and_only_the_button_records(
    delivery: Delivery, verdict: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(url(delivery, 0, verdict))
    assert page.status_code == 200 and said() == [] and not page.cookies
    assert "Robot &lt;arms&gt;" in page.text and page.text.count("<button") == 1
    noted = client.post(url(delivery, 0, verdict), follow=True)
    assert "Noted" in noted.text and "<button" not in noted.text
    assert said() == [("Robot <arms>", verdict)]
    feedback = Feedback.objects.get()
    assert feedback.interest_id == delivery.items[0]["interest"]
    assert feedback.subscriber == delivery.subscriber


def test_more_and_less_replace_each_other_and_saving_stands_beside(
    delivery: Delivery, client: Client
) -> None:
    for verdict in ("more", "more", "save", "less", "save"):
        client.post(url(delivery, 0, verdict))
    client.post(url(delivery, 1, "more"))
    assert said() == [("Rivers", "more"), ("Robot <arms>", "less"), ("Robot <arms>", "save")]
    assert "Noted" in client.get(url(delivery, 0, "less")).text
    assert "Noted" not in client.get(url(delivery, 0, "more")).text


def test_an_interest_that_is_gone_is_left_out(delivery: Delivery, client: Client) -> None:
    Interest.objects.all().delete()
    client.post(url(delivery, 0, "more"))
    assert Feedback.objects.get().interest is None


@pytest.mark.parametrize("status", ["unsubscribed", "bounced", "complained"])
def test_who_has_left_says_nothing_and_finds_the_way_back(
    delivery: Delivery, client: Client, status: str
) -> None:
    Subscriber.objects.update(status=status, next_digest_at=None)
    for address in (url(delivery, 0, "more"), links.DIGEST.url(delivery.pk)):
        assert "Sign up again" in client.get(address).text
    assert client.post(url(delivery, 0, "more")).status_code == 200
    assert said() == []


def test_a_reader_in_a_pause_is_heard(delivery: Delivery, client: Client) -> None:
    Subscriber.objects.update(status="paused", next_digest_at=None)
    client.post(url(delivery, 0, "save"))
    assert said() == [("Robot <arms>", "save")]


def test_a_hidden_paper_is_named_without_a_link_to_its_page(
    delivery: Delivery, client: Client
) -> None:
    assert "/papers/" in client.get(url(delivery, 1, "less")).text
    Paper.objects.update(hidden="withdrawn")
    page = client.get(url(delivery, 1, "less")).text
    assert "Rivers" in page and "/papers/" not in page


@pytest.mark.postgresql  # SQLite lets in one writer at a time
@pytest.mark.django_db(transaction=True)
def test_many_opinions_at_once_leave_one(delivery: Delivery) -> None:
    start = threading.Barrier(8)
    answers: list[int] = []

    def post(verdict: str) -> None:
        try:
            start.wait(timeout=10)
            answers.append(Client().post(url(delivery, 0, verdict)).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[v]) for v in ("more", "less") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == [302] * 8
    assert len(said()) == 1


def test_what_is_not_there_is_not_found(delivery: Delivery, client: Client) -> None:
    for place, verdict in ((2, "more"), (0, "love"), (10**6, "save")):
        assert client.get(url(delivery, place, verdict)).status_code == 404
    forged = url(delivery, 0, "more").replace("/digest/", "/digest/1")
    assert client.post(forged).status_code == 404
    for address in ("/digest/preview/", "/digest/preview/0/more/"):
        assert "This link does not work" in client.get(address).text
    address = url(delivery, 0, "more")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=366)):
        assert client.post(address).status_code == 410
    delivery.delete()
    assert client.get(address).status_code == 404
    assert said() == []


def test_a_digest_lists_its_papers_in_a_constant_number_of_queries(
    delivery: Delivery, client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(8):
        page = client.get(links.DIGEST.url(delivery.pk))
    assert page.text.count("/more/") == 2 and "Robot &lt;arms&gt;" in page.text
    Paper.objects.filter(title="Rivers").update(hidden="withdrawn")
    page = client.get(links.DIGEST.url(delivery.pk))
    assert "Rivers" not in page.text and "1/more" not in page.text
    with django_assert_num_queries(4):
        client.get(url(delivery, 0, "more"))
