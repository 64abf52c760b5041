"""Digests that are queued, and sending them."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from subscriptions.digests.ledger import send_queued
from subscriptions.digests.tick import begin, prepare
from subscriptions.models import Delivery, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
Status = Delivery.Status

Make = Callable[..., Any]


@pytest.fixture
def queued(make_reader: Make, make_paper: Make) -> list[Subscriber]:
    """Three readers whose digests are queued."""
    make_paper("Robot arms", votes=5)
    readers = [make_reader(f"r{n}@example.org", phrases=("robot arms",)) for n in range(3)]
    for chunk in begin(NOW):
        assert prepare(chunk, NOW)["queued"] == 3
    return readers


def send(now: dt.datetime = NOW) -> dict[str, int]:
    return dict(+send_queued(lambda: now))


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))
