"""The same through Celery: a real Redis, a real PostgreSQL and two worker processes."""

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from subscriptions.management.inbox import Folder, smtp_server
from subscriptions.models import Delivery
from tests.services import database_url, free_port, running_redis, wait_until

READERS = 120
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.postgresql


@contextmanager
def workers(environ: dict[str, str], log: Path, count: int) -> Iterator[None]:
    program = [sys.executable, "-m", "celery", "-A", "digest_service", "worker", "--concurrency=1"]
    with log.open("wb") as output:
        started = [
            subprocess.Popen(
                [*program, f"--hostname=w{n}@localhost"], env=environ, stdout=output, stderr=output
            )
            for n in range(count)
        ]
        try:
            yield
        finally:
            for worker in started:
                worker.terminate()
            for worker in started:
                worker.wait(timeout=30)


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_digest_once(
    make_reader: Callable[..., Any], make_paper: Callable[..., Any], tmp_path: Path
) -> None:
    now = timezone.now()
    for n in range(20):
        make_paper(f"Robot arms, number {n}", day=now.date() - (1 + n % 5) * DAY, votes=n)
    for n in range(READERS):
        make_reader(f"r{n}@example.org", at=now - 2 * DAY, cadence="daily", phrases=("robot arms",))
    folder, port = Folder(tmp_path / "caught"), free_port()
    server = smtp_server(folder, port)
    server.start()
    log = tmp_path / "workers.log"
    try:
        with running_redis() as redis_url:
            environ = os.environ | {
                "DATABASE_URL": database_url(connection.settings_dict),
                "REDIS_URL": redis_url,
                "EMAIL_URL": f"smtp://127.0.0.1:{port}",
                "DELIVERY_WINDOW": "3",
            }
            with workers(environ, log, count=2):
                for _ in range(5):  # beat ran five times, or five beats ran
                    call_tick(environ)
                sent = Delivery.objects.filter(status=Delivery.Status.SENT)
                wait_until(lambda: sent.count() == READERS, f"not all sent: {log.read_text()}", 120)
                call_tick(environ)
    finally:
        server.stop()
    messages = [message_from_bytes(caught.raw) for caught in folder.newest_first()]
    per_reader = Counter(message["To"] for message in messages)
    assert per_reader == Counter(f"r{n}@example.org" for n in range(READERS))
    assert len({message["Message-ID"] for message in messages}) == READERS
    assert Delivery.objects.count() == READERS
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def call_tick(environ: dict[str, str]) -> None:
    """Queue a tick as beat does, from a process that has the broker."""
    script = "from subscriptions.tasks import tick; tick.delay()"
    program = [sys.executable, "manage.py", "shell", "--no-imports", "--command", script]
    subprocess.run(program, env=environ, check=True)
