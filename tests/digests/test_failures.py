"""A digest that is refused says something of its reader, or of this site."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions import tasks
from subscriptions.digests import failures
from subscriptions.digests.compose import Composer
from subscriptions.digests.ledger import MAX_ATTEMPTS
from subscriptions.flows.erase import erase
from subscriptions.models import Delivery, MailEvent, Subscriber
from subscriptions.models.windows import record_window
from tests.delivery.scripted_server import ScriptedServer
from tests.digests.conftest import NOW, send, statuses


@pytest.fixture
def served(settings: Any) -> Callable[..., dict[str, int]]:
    """Send what waits to a mail server that answers a stage so, message by message."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "localhost"

    def run(now: dt.datetime = NOW, **answers: list[str] | str) -> dict[str, int]:
        with ScriptedServer({(stage, 0): said for stage, said in answers.items()}) as server:
            settings.EMAIL_PORT = server.port
            return send(now)

    return run


def events() -> list[tuple[str, str, str]]:
    rows = MailEvent.objects.order_by("delivery")
    return [(row.kind, row.status, row.reason) for row in rows]


def readers() -> list[str]:
    return list(Subscriber.objects.order_by("pk").values_list("status", flat=True))


def test_each_refusal_is_noted_and_takes_effect_with_the_next_tick(
    queued: list[Subscriber], served: Callable[..., dict[str, int]]
) -> None:
    said = [
        "550 5.1.1 <r0@example.org>: no such user",
        "552 5.2.2 mailbox full",
        "550 5.7.1 refused by local policy",
    ]
    assert served(RCPT=said) == {"failed": 3}
    assert events() == [
        ("hard", "5.1.1", "550 5.1.1 <r…@e….org>: no such user"),
        ("soft", "5.2.2", "552 5.2.2 mailbox full"),
        ("ours", "5.7.1", "550 5.7.1 refused by local policy"),
    ]
    event = MailEvent.objects.order_by("pk")[0]
    first = Delivery.objects.order_by("pk")[0]
    assert (event.delivery, event.subscriber) == (first, queued[0])
    assert (event.way, event.domain, event.happened_at) == ("smtp", "example.org", NOW)
    with time_machine.travel(NOW, tick=False):
        tasks.tick()
    assert readers() == ["bounced", "active", "active"]


def test_nothing_is_noted_of_what_was_sent_or_waits(
    queued: list[Subscriber], served: Callable[..., dict[str, int]]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert served(RCPT=["450 4.2.0 greylisted"]) == {"deferred": 1, "sent": 2}
    assert not MailEvent.objects.exists()
    assert "mailevent" not in str(queries.captured_queries)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"END": "554 5.6.0 no such content here"}, "ours"),
        ({"END": "552 5.3.4 message too big"}, "ours"),
        ({"RCPT": "450 4.2.0 try again"}, "soft"),
    ],
)
def test_what_is_wrong_with_the_message_is_ours_and_what_lasts_too_long_is_soft(
    queued: list[Subscriber], served: Callable[..., dict[str, int]],
    answers: dict[str, str], kind: str,
) -> None:  # fmt: skip
    Delivery.objects.update(attempts=MAX_ATTEMPTS - 1)
    assert served(**answers) == {"failed": 3}
    assert [event[0] for event in events()] == [kind] * 3


def test_a_digest_that_was_not_composed_is_ours(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("bad")

    monkeypatch.setattr(Composer, "compose", broken)
    assert send() == {"failed": 3}
    assert events() == [("ours", "", "not composed: ValueError")] * 3


def test_a_window_with_failures_stores_them_at_once(
    queued: list[Subscriber], served: Callable[..., dict[str, int]]
) -> None:
    with CaptureQueriesContext(connection) as queries:
        served(RCPT="550 5.1.1 unknown")
    stored = [query for query in queries if 'INTO "subscriptions_mailevent' in query["sql"]]
    assert len(stored) == 1 and len(events()) == 3


def test_another_try_that_fails_again_is_noted_again(
    queued: list[Subscriber], served: Callable[..., dict[str, int]]
) -> None:
    served(RCPT="552 5.2.2 full")
    Delivery.objects.update(status="queued", attempts=0)
    served(NOW + dt.timedelta(hours=1), RCPT="552 5.2.2 full")
    assert len(events()) == 6


def test_of_who_was_erased_meanwhile_nothing_is_noted(
    queued: list[Subscriber],
    served: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def after_an_erasure(*args: Any) -> int:
        erase(queued[1].pk, NOW)
        return record_window(*args)

    monkeypatch.setattr(failures, "record_window", after_an_erasure)
    assert served(RCPT="550 5.1.1 unknown") == {"failed": 2}
    assert statuses() == ["failed"] * 2
    assert {event.subscriber for event in MailEvent.objects.all()} == {queued[0], queued[2]}
