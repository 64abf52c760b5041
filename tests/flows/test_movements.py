"""Who joins or goes is counted by day, once, and the count outlives them."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from subscriptions import links
from subscriptions.flows.address import ask
from subscriptions.flows.address import confirm as confirm_address
from subscriptions.flows.subscribe import confirm, purge_unconfirmed, sign_up
from subscriptions.models import Movement, Subscriber
from tests.conftest import MONDAY, choices
from tests.web.signing_in import sign_in

TODAY, SUNDAY = MONDAY.date(), dt.date(2025, 10, 12)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


def pending(email: str = "ada@example.org") -> Subscriber:
    return sign_up(email, choices(phrases=("robots",)), MONDAY)


def counts(day: dt.date = TODAY) -> dict[str, int]:
    return dict(Movement.objects.filter(day=day).values_list("kind", "count"))


def press(client: Client, kind: links.Link, reader: Subscriber) -> None:
    address = kind.url(reader.pk).removeprefix("http://localhost:8000")
    assert client.post(address, follow=True).status_code == 200


@pytest.mark.django_db
def test_who_confirms_joins_once_and_again_after_leaving(client: Client) -> None:
    reader = pending()
    assert counts() == {}
    for _ in range(2):
        press(client, links.CONFIRM, reader)
        assert counts() == {"joined": 1}
    for _ in range(2):
        press(client, links.UNSUBSCRIBE, reader)
        assert counts() == {"joined": 1, "left": 1}
    press(client, links.CONFIRM, pending())
    assert counts() == {"joined": 2, "left": 1}


@pytest.mark.django_db
def test_who_never_confirmed_does_not_leave(client: Client) -> None:
    press(client, links.UNSUBSCRIBE, pending())
    pending()
    purge_unconfirmed(MONDAY + dt.timedelta(days=30))
    assert not Movement.objects.exists()


@pytest.mark.parametrize("status", ["active", "paused"])
def test_an_erased_reader_stays_counted(client: Client, make_reader: Make, status: str) -> None:
    reader = make_reader()
    Subscriber.objects.update(status=status)
    assert counts(SUNDAY) == {"joined": 1}, "the day they confirmed"
    sign_in(client, reader).post("/account/erase/")
    assert not Subscriber.objects.exists() and counts() == {"erased": 1}


def test_erasing_who_has_left_counts_them_once(client: Client, make_reader: Make) -> None:
    reader = make_reader()
    sign_in(client, reader)
    press(client, links.UNSUBSCRIBE, reader)
    client.post("/account/erase/")
    assert not Subscriber.objects.exists() and counts() == {"left": 1}


def test_who_moves_to_another_address_stays(make_reader: Make) -> None:
    reader = make_reader()
    pending("new@example.org")
    change = ask(reader, "new@example.org", MONDAY)
    assert isinstance(change, int)
    confirm_address(change, MONDAY)
    assert Subscriber.objects.get().email == "new@example.org"
    assert counts() == {}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_none_is_lost_where_many_confirm_at_once() -> None:
    readers = [pending(f"r{n}@example.org") for n in range(4)]
    barrier = threading.Barrier(len(readers))

    def run(pk: int) -> None:
        try:
            barrier.wait()
            confirm(pk, MONDAY)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[reader.pk]) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts() == {"joined": 4}
