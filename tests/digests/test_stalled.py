"""A worker that wakes up after its lease sends nothing more, whatever the server still awaits."""

import datetime as dt
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import override_settings

from subscriptions.digests.ledger import LEASE, send_queued
from subscriptions.digests.tick import begin, prepare
from subscriptions.models import Delivery

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)


class Stalling(socketserver.ThreadingTCPServer):
    """Takes messages; the lease of whoever sends passes before the answer to one of them."""

    daemon_threads = True

    def __init__(self, stall_at: int, hang_up: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.stall_at, self.hang_up = stall_at, hang_up
        self.now, self.taken = NOW, 0


class _Line(socketserver.StreamRequestHandler):
    server: Stalling

    def handle(self) -> None:
        self._say("220 here")
        while command := self.rfile.readline()[:4].upper():
            if command == b"DATA":
                self._say("354 go on")
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return
                self.server.taken += 1
                if self.server.taken == self.server.stall_at:
                    self.server.now += LEASE
                    if self.server.hang_up:
                        return
            self._say("250-here\r\n250 PIPELINING" if command == b"EHLO" else "250 ok")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


@pytest.fixture(params=[(1, False), (2, False), (2, True)])
def server(request: pytest.FixtureRequest) -> Iterator[Stalling]:
    with Stalling(*request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=server.server_address[1],
        ):
            yield server
        server.shutdown()


def test_nothing_is_sent_after_the_lease(
    make_reader: Callable[..., Any], make_paper: Callable[..., Any], server: Stalling
) -> None:
    make_paper("Robot arms", votes=5)
    for n in range(3):
        make_reader(f"r{n}@example.org", phrases=("robot arms",))
    for chunk in begin(NOW):
        prepare(chunk, NOW)
    send_queued(lambda: server.now)
    assert server.taken == server.stall_at
    assert Delivery.objects.filter(status="sent").count() <= server.taken
