"""A real IMAP server (pymap) that keeps its mail in memory, on a free port."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from imaplib import IMAP4
from pathlib import Path

from tests.services import free_port, wait_until

USER, PASSWORD = "reader@example.org", "pass/word: 100%"  # what a URL must encode


class Mailbox:
    """What a person sees of the mailbox in their mail program."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._client = IMAP4("127.0.0.1", port, timeout=10)
        self._client.login(USER, PASSWORD)  # slow, as a password is to be hashed: once

    def _open(self, folder: str = "INBOX") -> IMAP4:
        self._client.select(f'"{folder}"')
        return self._client

    def put(self, *messages: bytes) -> None:
        for message in messages:
            wire = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert self._open().append("INBOX", "", "", wire)[0] == "OK"

    def subjects(self, folder: str = "INBOX") -> list[tuple[str, str]]:
        """Of each message, its flags and its subject."""
        client = self._open(folder)
        if client.state != "SELECTED":
            return []
        found = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        parts = [part for part in found if isinstance(part, tuple)]
        flags = [part[0].partition(b"FLAGS (")[2].partition(b")")[0].decode() for part in parts]
        subjects = [part[1].decode().partition(":")[2].strip() for part in parts]
        return list(zip(flags, subjects, strict=True))

    def empty(self) -> None:
        """As at the beginning, but for the numbers of the messages."""
        for folder in ("INBOX", "Paper Round/Taken"):
            client = self._open(folder)
            if client.state == "SELECTED":
                client.store("1:*", "+FLAGS", "\\Deleted")
                client.expunge()

    def mark_deleted(self) -> None:
        self._open().store("1:*", "+FLAGS", "\\Deleted")


@contextmanager
def running(certificate: Path | None = None) -> Iterator[Mailbox]:
    """An empty mailbox; with a certificate, its server knows STARTTLS."""
    port = free_port()
    tls = ["--cert", str(certificate)] if certificate else ["--no-tls"]
    command = [
        str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port),
        *tls, "dict", "--demo-user", USER, "--demo-password", PASSWORD,
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), "the IMAP server did not answer")
        yield Mailbox(port)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _answers(port: int) -> bool:
    try:
        with IMAP4("127.0.0.1", port, timeout=5):
            return True
    except OSError:
        return False
