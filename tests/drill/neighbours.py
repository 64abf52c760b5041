"""The servers behind Postfix, over LMTP: readers' mailboxes, and the way back to the site."""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

from tests.services import free_port

SECRET = "drill"
"""``INBOUND_SECRET`` of the site."""


class Letter(NamedTuple):
    """A message in a reader's mailbox."""

    sender: str
    """Of the envelope."""
    recipient: str
    content: bytes


class Neighbours:
    """What takes mail over LMTP: mail for ``home`` is posted to the site, other mail kept."""

    def __init__(self, site: str, home: str, refusal: Callable[[str], str]) -> None:
        self.site, self.home, self.refusal = site, home, refusal
        self.kept: list[Letter] = []
        self.troubles: list[str] = []
        self._lock = threading.Lock()

    def take_kept(self) -> list[Letter]:
        """What came since the last time."""
        with self._lock:
            letters, self.kept = self.kept, []
        return letters

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if refused := self.refusal(address):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        if recipient.endswith(f"@{self.home}"):
            times = 2 if b"\nFinal-Recipient: rfc822; twice-" in envelope.content else 1
            for _ in range(times):
                self._hand_back(recipient, envelope.content)
        else:
            with self._lock:
                self.kept.append(Letter(envelope.mail_from, recipient, envelope.content))
        return "250 ok"

    def _hand_back(self, recipient: str, content: bytes) -> None:
        headers = {
            "Authorization": f"Bearer {SECRET}",
            "X-Recipient": recipient,
            "Content-Type": "message/rfc822",
        }
        request = urllib.request.Request(f"{self.site}/inbound/", content, headers)
        try:
            with urllib.request.urlopen(request, timeout=30):
                pass
        except OSError as error:
            self.troubles.append(f"{recipient}: {error}")


class _Server(Controller):
    def factory(self) -> LMTP:
        return LMTP(self.handler, enable_SMTPUTF8=True)


@contextmanager
def listening(neighbours: Neighbours) -> Iterator[int]:
    """The port on which they take mail."""
    port = free_port()
    server = _Server(neighbours, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield port
    finally:
        server.stop()
