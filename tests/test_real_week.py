"""A real week of papers becomes personal weekly emails, by the commands an operator has."""

import datetime as dt
import random
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from subscriptions.flows.subscribe import confirm, sign_up
from subscriptions.management.inbox import Folder, smtp_server
from subscriptions.models import Delivery, Subscriber, Topic
from tests.conftest import choices
from tests.services import free_port

DAYS = ["06", "07", "08", "09", "10"]
SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "Asia/Kolkata"]


def run(*command: Any) -> str:
    out = StringIO()
    call_command(*command, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def readers(topics: dict[str, Topic]) -> None:
    """200 readers over the starter topics; nine in ten of them weekly readers of Monday."""
    draw = random.Random(7)
    pks = [topic.pk for topic in topics.values()]
    for n in range(200):
        chosen = choices(
            topics=tuple(draw.sample(pks, draw.randint(1, 5))),
            cadence="weekly" if n % 3 else "daily",
            weekday=0 if n % 10 else 3,
            hour=draw.randint(5, 9),
            timezone=ZONES[n % 5],
        )
        reader = confirm(sign_up(f"reader{n}@example.org", chosen, SUNDAY).pk, SUNDAY)
        assert reader
        reader.next_digest_at = reader.next_slot(SUNDAY)
        reader.save()


def test_every_due_reader_gets_one_digest_and_none_the_second_time(
    real_data: Path, readers: None, tmp_path: Path
) -> None:
    hugging_face = [real_data / "hf-daily" / f"2025-10-{day}.json" for day in DAYS]
    listings = [real_data / "arxiv-listing" / f"2025-10-{day}.jsonl" for day in DAYS]
    assert ", 0 rejected" in run("import_papers", *hugging_face, "--format=hf-daily")
    assert ", 0 rejected" in run("import_papers", *listings, "--format=arxiv-listing")
    now = "2025-10-13T09:00:00Z"
    due = set(
        Subscriber.objects.due(dt.datetime.fromisoformat(now)).values_list("email", flat=True)
    )
    assert 100 < len(due) < 200

    folder, port = Folder(tmp_path / "caught"), free_port()
    server = smtp_server(folder, port)
    server.start()
    backend = "django.core.mail.backends.smtp.EmailBackend"
    try:
        with override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=port):
            assert f"{len(due)} queued, 0 empty, 0 advanced, {len(due)} sent" in run(
                "send_due", f"--now={now}"
            )
            assert run("send_due", f"--now={now}").startswith("0 queued, 0 empty, 0 advanced, 0")
    finally:
        server.stop()

    messages = [message_from_bytes(c.raw, policy=policy.default) for c in folder.newest_first()]
    assert len(messages) == len(due)
    assert {message["To"] for message in messages} == due
    assert len({message["Message-ID"] for message in messages}) == len(due)
    assert set(Delivery.objects.values_list("subscriber__email", flat=True)) == due
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}
    for delivery in Delivery.objects.all():
        papers = [item["paper"] for item in delivery.items]
        assert 5 <= len(papers) == len(set(papers)) <= 10
        assert all(item["reason"] for item in delivery.items)
    for message in messages:
        check_message(message)


def check_message(message: EmailMessage) -> None:
    html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert len(html.encode()) < 90_000
    assert max(len(line) for line in text.splitlines() if "http" not in line) <= 78
    assert set(re.findall(r'href="([^"]+)"', html)) == set(re.findall(r"https?://\S+", text))
