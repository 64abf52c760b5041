"""What becomes of digests as the mail server answers, or does not."""

import datetime as dt
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import override_settings

from subscriptions.digests.compose import Composer
from subscriptions.digests.inlining import CannotCut
from subscriptions.digests.ledger import MAX_ATTEMPTS
from subscriptions.digests.message import Digest
from subscriptions.digests.settle import pause, resume
from subscriptions.models import Delivery, SendingPause, Subscriber
from tests.digests.conftest import NOW, send, statuses

Make = Callable[..., Any]


class Answers:
    """Stands in for the mail server's answers, which a real one cannot be made to give."""

    def __init__(self, answers: list[Exception | None]) -> None:
        self.answers = answers

    def __call__(self, messages: list[object]) -> int:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        return len(messages)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (smtplib.SMTPRecipientsRefused({"r": (550, b"no such user")}), "failed"),
        (smtplib.SMTPRecipientsRefused({"r": (450, b"greylisted")}), "deferred"),
        (smtplib.SMTPDataError(554, b"no"), "failed"),
        (smtplib.SMTPDataError(452, b"full"), "deferred"),
        (smtplib.SMTPServerDisconnected("gone"), "in_doubt"),
        (TimeoutError("slow"), "in_doubt"),
    ],
)
def test_one_bad_answer_never_stops_the_rest(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch, answer: Exception, status: str
) -> None:
    backend = mail.get_connection().__class__
    answers = Answers([None, answer, None])
    monkeypatch.setattr(backend, "send_messages", lambda self, messages: answers(messages))
    send()
    assert statuses() == ["sent", status, "sent"]


def test_an_unreachable_server_leaves_everything_for_later(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> None:
        raise ConnectionRefusedError("nobody there")

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", refuse)
        assert send() == {"deferred": 3}
        assert send() == {}, "before the retry is due nothing is tried"
    assert Delivery.objects.first().last_reply.startswith("ConnectionRefusedError")  # type: ignore[union-attr]
    assert send(NOW + dt.timedelta(minutes=5)) == {"sent": 3}
    assert len({message.extra_headers["Message-ID"] for message in mail.outbox}) == 3


def test_a_deferred_digest_is_tried_ever_later_and_then_given_up(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    Delivery.objects.exclude(subscriber=queued[0]).delete()
    refusal = smtplib.SMTPRecipientsRefused({"r": (450, b"greylisted")})
    backend = mail.get_connection().__class__

    def refuse(self: object, messages: object) -> int:
        raise refusal

    monkeypatch.setattr(backend, "send_messages", refuse)
    now, waits = NOW, []
    for _ in range(MAX_ATTEMPTS - 1):
        assert send(now) == {"deferred": 1}
        retry_at = Delivery.objects.get().retry_at
        assert retry_at is not None
        waits.append(retry_at - now)
        now = retry_at
    assert waits[:3] == [dt.timedelta(minutes=minutes) for minutes in (5, 10, 20)]
    assert waits == sorted(waits) and waits[-1] == dt.timedelta(hours=4)
    assert send(now) == {"failed": 1}


def test_hours_without_a_mail_server_are_not_attempts(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> None:
        raise ConnectionRefusedError("nobody there")

    now = NOW
    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", refuse)
        for _ in range(MAX_ATTEMPTS + 1):
            assert send(now) == {"deferred": 3}
            now += dt.timedelta(minutes=5)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert send(now) == {"sent": 3}


def test_an_interruption_keeps_the_answers_that_came(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[object] = []

    def interrupted(self: object, messages: list[object]) -> int:
        handed.extend(messages)
        if len(handed) == 2:
            raise KeyboardInterrupt
        return 1

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "send_messages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send()
    assert statuses() == ["sent", "in_doubt", "deferred"]


def test_a_message_that_cannot_be_composed_stops_no_other(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = Composer.compose

    def broken(self: Composer, delivery: Delivery, date: dt.datetime) -> Digest:
        if delivery.subscriber_id == queued[1].pk:
            raise ValueError("bad")
        return composed(self, delivery, date)

    monkeypatch.setattr(Composer, "compose", broken)
    assert send() == {"sent": 2, "failed": 1}
    assert statuses() == ["sent", "failed", "sent"]


def test_while_sending_is_paused_nothing_is_claimed(queued: list[Subscriber]) -> None:
    pause("the operator said so", NOW)
    assert send() == {} and statuses() == ["queued"] * 3
    resume(NOW)
    assert send() == {"sent": 3}


def test_a_server_that_refuses_this_site_pauses_all_sending(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 wrong password")

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", refuse)
        assert send() == {"deferred": 3}
    assert "wrong password" in SendingPause.objects.get().reason
    assert "sending is paused" in caplog.text
    later = NOW + dt.timedelta(hours=1)
    assert send(later) == {}, "it does not go on by itself"
    resume(NOW)
    assert send(later) == {"sent": 3}


def test_what_was_claimed_beyond_the_window_is_given_back_at_once(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> None:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(mail.get_connection().__class__, "open", refuse)
    with override_settings(DELIVERY_WINDOW=1):
        assert send() == {"deferred": 1}
    assert statuses() == ["deferred", "queued", "queued"]


def test_templates_that_cannot_be_cut_lose_nothing(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise CannotCut("body.html: no")

    with monkeypatch.context() as patch:
        patch.setattr("subscriptions.digests.compose.compile_body", broken)
        with pytest.raises(CannotCut):
            send()
    assert statuses() == ["queued"] * 3
    assert send() == {"sent": 3}


@pytest.mark.parametrize("smtp", [True, False])
def test_a_message_that_cannot_be_encoded_stops_no_other(
    queued: list[Subscriber], monkeypatch: pytest.MonkeyPatch, smtp: bool
) -> None:
    """Here all fail; what counts is that each is settled and nothing is raised."""

    def broken(self: Digest) -> Any:
        raise ValueError("bad")

    monkeypatch.setattr(Digest, "wire", broken)
    monkeypatch.setattr(Digest, "email", broken)
    backend = "django.core.mail.backends.smtp.EmailBackend" if smtp else settings.EMAIL_BACKEND
    with override_settings(EMAIL_BACKEND=backend):
        assert send() == {"failed": 3}
    reply = Delivery.objects.values_list("last_reply", flat=True)
    assert set(reply) == {"not encoded: ValueError"}
