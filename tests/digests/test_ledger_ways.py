"""The ledger fares alike whichever way its messages go: SMTP, or the services' HTTP."""

import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from subscriptions.delivery.outcomes import Result
from subscriptions.digests.ledger import LEASE
from subscriptions.flows.mail import mail_one
from subscriptions.models import Delivery, MailEvent, SendingPause, Subscriber
from tests.delivery.esp_server import ESPS, EspServer, forget_key, running_esp
from tests.delivery.esp_speech import POSTMARK, SENDGRID, SES
from tests.delivery.scripted_server import Answers, ScriptedServer
from tests.digests.conftest import NOW, send, statuses

Way = Callable[..., Any]
SMTP = "smtp"
WAYS = [SMTP, *ESPS]
RCPT_OK, END_OK = "250 2.1.5 ok", "250 2.0.0 queued"
SCRIPTS: dict[str, Answers] = {
    "invalid": {("RCPT", 0): [RCPT_OK, "550 5.1.1 nobody", RCPT_OK]},
    "content": {("END", 0): [END_OK, "554 5.7.1 spam", END_OK]},
    "busy": {("RCPT", 0): [RCPT_OK, "450 4.2.0 later", RCPT_OK]},
    "drop": {("END", 0): [END_OK, "drop", END_OK]},
    "stranger": {("MAIL", 0): "550 5.7.1 not yours"},
}


@pytest.fixture
def start(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """Start what takes messages; ``answer`` is what it says to the second."""
    settings.DEFAULT_FROM_EMAIL = "Paper Round <digest@example.com>"
    with ExitStack() as stack:

        def started(way: str, answer: str = "") -> ScriptedServer | EspServer:
            if way == SMTP:
                server = stack.enter_context(ScriptedServer(SCRIPTS.get(answer)))
                settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
                settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", server.port
                return server
            answers = {"r1@example.org": answer}
            esp = stack.enter_context(running_esp(way, settings, monkeypatch, answers))
            if answer == "stranger":
                forget_key(settings, monkeypatch)
            return esp

        yield started


@pytest.mark.parametrize("way", WAYS)
def test_each_digest_is_sent_once(start: Way, way: str, queued: list[Subscriber]) -> None:
    server = start(way)
    assert send() == {"sent": 3} and send() == {}
    assert len(server.messages) == 3


@pytest.mark.parametrize("way", ESPS)
def test_each_reader_has_headers_and_words_of_their_own(
    start: Way, way: str, settings: Any, queued: list[Subscriber]
) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.com"
    server = start(way)
    assert send() == {"sent": 3}
    got = sorted(server.messages, key=lambda message: message.to)
    assert [message.to for message in got] == [f"r{n}@example.org" for n in range(3)]
    rows = list(Delivery.objects.order_by("pk"))
    for row, message in zip(rows, got, strict=True):
        headers = {name.lower(): value for name, value in message.headers.items()}
        assert message.metadata == {"delivery": str(row.pk)} and message.tags == ["digest"]
        assert headers["message-id"] == f"<digest-{row.pk}@{settings.SITE_HOST}>"
        assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert headers["list-id"] == f"Paper Round <digest.{settings.SITE_HOST}>"
        one_click = headers["list-unsubscribe"].partition(">")[0].strip("<")
        assert one_click in message.html and one_click in message.text
        if way != SENDGRID:  # its webhooks know a message by an id that anymail makes
            assert row.last_reply == f"accepted: {message.id}"
    for name in ("list-unsubscribe", "message-id"):
        values = {{n.lower(): v for n, v in message.headers.items()}[name] for message in got}
        assert len(values) == 3
    if way == SES:
        assert len({message.envelope for message in got}) == 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("answer", "status", "noted"),
    [
        ("invalid", "failed", ["hard"]),
        ("content", "failed", ["ours"]),
        ("busy", "deferred", []),
        ("drop", "in_doubt", []),
    ],
)
def test_one_bad_answer_never_stops_the_rest(
    start: Way, way: str, answer: str, status: str, noted: list[str], queued: list[Subscriber]
) -> None:
    server = start(way, answer)
    send()
    if way == POSTMARK and answer == "drop":
        assert statuses() == ["in_doubt"] * 3, "a batch is in doubt as a whole"
    else:
        assert statuses() == ["sent", status, "sent"]
    if way == SES and answer == "invalid":
        noted = ["ours"]  # Amazon does not say whose address it means
    assert list(MailEvent.objects.values_list("kind", flat=True)) == noted
    send(NOW + LEASE)
    assert len(server.messages) <= 3, "what is in doubt waits"


@pytest.mark.parametrize("way", WAYS)
def test_who_refuses_this_site_pauses_all_sending(
    start: Way, way: str, queued: list[Subscriber]
) -> None:
    server = start(way, "stranger")
    assert send() == {"deferred": 3}
    assert SendingPause.objects.count() == 1 and not server.messages
    assert send(NOW + LEASE) == {}, "it does not go on by itself"


@pytest.mark.parametrize("way", ESPS)
def test_who_is_away_has_everything_later(start: Way, way: str, queued: list[Subscriber]) -> None:
    server = start(way)
    server.stop()
    assert send() == {"deferred": 3}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    start(way)
    assert send(NOW + LEASE) == {"sent": 3}


@pytest.mark.parametrize("way", ESPS)
def test_an_interruption_keeps_the_answers_that_come(
    start: Way, way: str, queued: list[Subscriber]
) -> None:
    server = start(way)
    requests = 1 if way == POSTMARK else 3
    interrupt = functools.partial(os.kill, os.getpid(), signal.SIGINT)
    server.before = threading.Barrier(requests, interrupt, timeout=10).wait
    with pytest.raises(KeyboardInterrupt):
        send()
    assert statuses() == ["in_doubt" if way == POSTMARK else "sent"] * 3
    assert send(NOW + LEASE) == {}


@pytest.mark.parametrize("way", ESPS)
def test_a_letter_goes_the_same_way(
    start: Way, way: str, make_reader: Callable[..., Subscriber]
) -> None:
    server = start(way)
    reader = make_reader()
    outcome = mail_one(
        "sign_in",
        {"sign_in_url": "https://x/", "asked_at": NOW},
        reader.email,
        subscriber=reader.pk,
    )
    assert outcome.result is Result.SENT
    (got,) = server.messages
    assert (got.to, got.metadata, got.tags) == (reader.email, {"subscriber": str(reader.pk)}, [])
