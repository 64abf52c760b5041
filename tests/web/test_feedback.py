"""The three links under each paper of a digest."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
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
    prefix = links.FEEDBACK.url(delivery.pk).removeprefix("http://localhost:8000")
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


def test_what_is_not_there_is_not_found(delivery: Delivery, client: Client) -> None:
    for place, verdict in ((2, "more"), (0, "love"), (10**6, "save")):
        assert client.get(url(delivery, place, verdict)).status_code == 404
    forged = url(delivery, 0, "more").replace("/feedback/", "/feedback/1")
    assert client.post(forged).status_code == 404
    address = url(delivery, 0, "more")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=366)):
        assert client.post(address).status_code == 410
    delivery.delete()
    assert client.get(address).status_code == 404
    assert said() == []


def test_a_digest_lists_its_papers_in_a_constant_number_of_queries(
    delivery: Delivery, client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        page = client.get(links.FEEDBACK.url(delivery.pk))
    assert page.text.count("/more/") == 2 and "Robot &lt;arms&gt;" in page.text
    Paper.objects.filter(title="Rivers").update(hidden="withdrawn")
    page = client.get(links.FEEDBACK.url(delivery.pk))
    assert "Rivers" not in page.text and "1/more" not in page.text
    with django_assert_num_queries(3):
        client.get(url(delivery, 0, "more"))
