import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from subscriptions.flows import webhooks
from subscriptions.models import Topic

Post = Callable[..., Any]
GOOD = {
    "email": "ada@example.org", "phrases": "tides", "cadence": "weekly", "weekday": "0",
    "hour": "8", "timezone": "UTC",
}  # fmt: skip
"""A form as it can be sent."""


@pytest.fixture
def post_signup(
    client: Client, topics: dict[str, Topic], django_capture_on_commit_callbacks: Any
) -> Post:
    """Post the sign-up form with these changes, and do what it queued."""

    def post(from_network: str = "127.0.0.1", **changes: Any) -> Any:
        data = {
            "email": "ada@example.org",
            "topics": ["robotics", "cosmology"],
            "phrases": "robot arms\n\n Robot  Arms \nflow matching",
            "muted": "",
            "cadence": "weekly",
            "weekday": "2",
            "hour": "7",
            "timezone": "Asia/Tokyo",
            "website": "",
        }
        with django_capture_on_commit_callbacks(execute=True):
            return client.post("/", {**data, **changes}, REMOTE_ADDR=from_network)

    return post


def link_in(message: Any, kind: str) -> str:
    """The path of the first link to ``/kind/…`` in a mail's text."""
    found = re.search(rf"http://localhost:8000(/{kind}/\S+)", str(message.body))
    assert found, message.body
    return found[1]


def last_mail() -> Any:
    return mail.outbox[-1]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The events that were handed on, before they are taken."""
    events: list[Any] = []
    take = webhooks.take

    def spy(service: str, found: list[Any], now: dt.datetime) -> None:
        events.extend(found)
        take(service, found, now)

    monkeypatch.setattr(webhooks, "take", spy)
    yield events
