"""One mail of each kind and digests of a real week, as they went over SMTP."""

import datetime as dt
import os
import random
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from subscriptions.digests.tick import send_due
from subscriptions.management.inbox import Folder, smtp_server
from subscriptions.models import Edition, Listing, Pick, Subscriber, Topic
from tests.pages import make_site
from tests.services import free_port

DAYS = ["06", "07", "08", "09", "10"]
READERS = int(os.environ.get("DIGESTS", "6"))
MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
KINDS = 8
"""Of mails other than digests."""
NOTE = (
    "> Worth an **evening**.\n\nIts [code](https://code.example.org/a?b=1&c=2) and <https://"
    "data.example.org/>; write to [Ada](mailto:ada@example.org)."
)

Make = Callable[..., Any]
_sent: list[bytes] = []


@pytest.fixture
def sent(
    topics: dict[str, Topic],
    make_paper: Make,
    make_reader: Make,
    django_capture_on_commit_callbacks: Any,
    settings: Any,
    real_data: Path,
    tmp_path: Path,
) -> list[EmailMessage]:
    """All of them; sent for the first test, and kept for the others."""
    if not _sent:
        folder, port = Folder(tmp_path / "caught"), free_port()
        server = smtp_server(folder, port)
        server.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.SITE_HOST = "papers.example.org"
        settings.SITE_URL = f"https://{settings.SITE_HOST}"
        settings.DEFAULT_FROM_EMAIL = f"Paper Round <digest@{settings.SITE_HOST}>"
        settings.BOUNCE_ADDRESS = f"bounces@{settings.SITE_HOST}"
        try:
            _real_week(real_data, topics, make_reader)
            Subscriber.objects.update(status="paused")
            make_site(make_paper, make_reader, django_capture_on_commit_callbacks, settings)
        finally:
            server.stop()
        _sent.extend(caught.raw for caught in folder.newest_first())
    messages = [message_from_bytes(raw, policy=policy.default) for raw in _sent]
    assert len({str(message["Subject"]) for message in messages}) > KINDS
    assert len(messages) > KINDS + READERS
    return messages


def _real_week(real_data: Path, topics: dict[str, Topic], make_reader: Make) -> None:
    """What readers of the starter topics get of it; the last of every six wants plain text."""
    files = [real_data / "hf-daily" / f"2025-10-{day}.json" for day in DAYS]
    call_command("import_papers", *files, "--format=hf-daily")
    listings = [real_data / "arxiv-listing" / f"2025-10-{day}.jsonl" for day in DAYS]
    call_command("import_papers", *listings, "--format=arxiv-listing")
    draw = random.Random(7)
    pks = [topic.pk for topic in topics.values()]
    for n in range(READERS):
        chosen = tuple(draw.sample(pks, draw.randint(1, 5)))
        reader = make_reader(f"reader{n}@example.net", topics=chosen)
        Subscriber.objects.filter(pk=reader.pk).update(text_only=n % 6 == 5)
    Edition.objects.roll(MONDAY)
    day = dt.date(2025, 10, 10)
    Edition.objects.filter(day=day).update(intro=NOTE)
    picked = Listing.objects.filter(day=day).order_by("pk")[0]
    Pick.objects.create(paper=picked.paper, day=day, note=NOTE)
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == READERS
