"""What keeps the form from being used against others."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client

from subscriptions.models import (
    SignupRequest,
    Subscriber,
)
from subscriptions.web import guards
from tests.web.conftest import GOOD

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
Post = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(SUNDAY, tick=False) as traveller:
        yield traveller


def test_a_robot_that_fills_the_hidden_field_hears_no_difference(post_signup: Post) -> None:
    answer = post_signup(website="https://spam.example")
    assert (answer.status_code, answer["Location"]) == (302, "/check-inbox/")
    assert not Subscriber.objects.exists()


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
