"""The catch-all inbox, by SMTP."""

import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from subscriptions.management.inbox import Folder, smtp_server
from tests.services import free_port

MAIL = b"From: digest@example.org\r\nTo: ada@example.org\r\nSubject: Papers\r\n\r\nHello.\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "caught")


@pytest.fixture
def client(folder: Folder) -> Iterator[smtplib.SMTP]:
    port = free_port()
    server = smtp_server(folder, port)
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as smtp:
            yield smtp
    finally:
        server.stop()


@pytest.mark.parametrize("sender", ["bounces+b1-abcdefghijklmnop@a.example", "", "bö@a.example"])
def test_the_envelope_sender_is_on_top_of_what_was_sent(
    folder: Folder, client: smtplib.SMTP, sender: str
) -> None:
    options = [] if sender.isascii() else ["SMTPUTF8"]
    client.sendmail(sender, ["ada@example.org"], MAIL, mail_options=options)
    (caught,) = folder.newest_first()
    assert caught.raw == b"Return-Path: <%s>\r\n" % sender.encode() + MAIL
    assert caught.summary()["subject"] == "Papers"
