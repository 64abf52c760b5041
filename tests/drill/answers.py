"""How those who get a digest, or pretend that they did, answer it."""

import datetime as dt
import email
import re
import smtplib
import urllib.request
from email import policy
from email.message import EmailMessage

from subscriptions.models import Subscriber

from .neighbours import Letter

SYSTEM = "MAILER-DAEMON@mx.readers.example"


class Answers:
    """Sends what each kind of reader answers, by the same Postfix."""

    def __init__(self, port: int, home: str) -> None:
        self._port, self._home = port, home

    def send(self, letters: list[Letter]) -> None:
        """Answer each letter as its reader does."""
        with smtplib.SMTP("127.0.0.1", self._port) as server:
            for letter in letters:
                kind = letter.recipient.partition("-")[0]
                message = email.message_from_bytes(letter.content, policy=policy.default)
                assert isinstance(message, EmailMessage)
                if kind == "oneclick":
                    _click(message)
                    continue
                sender, to, answer = getattr(self, f"_{kind}")(letter, message)
                server.sendmail(sender, [to], answer)

    def _reply(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        return _written(letter, message, "Please unsubscribe me.\n\nThank you\n")

    def _asking(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        return _written(letter, message, "Which day do you send the picks?\n")

    def _mailto(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        found = re.search(r"<mailto:([^?>]+)\?subject=unsubscribe>", message["List-Unsubscribe"])
        assert found, message["List-Unsubscribe"]
        return letter.recipient, found[1], b"Subject: unsubscribe\r\n\r\n"

    def _vacation(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        text = (
            f"From: {letter.recipient}\r\nTo: {letter.sender}\r\nSubject: I am away\r\n"
            "Auto-Submitted: auto-replied\r\n\r\nPlease stop mailing until Monday; unsubscribe.\r\n"
        )
        return "", letter.sender, text.encode()

    def _complain(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        report = (
            f"From: feedback@{letter.recipient.rpartition('@')[2]}\r\n"
            f"To: abuse@{self._home}\r\nSubject: complaint\r\n"
            'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type="feedback-report";'
            ' boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nCalled spam.\r\n'
            "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
            f"User-Agent: drill/1\r\nVersion: 1\r\nOriginal-Mail-From: <{letter.sender}>\r\n"
            "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        )
        whole = report.encode() + letter.content + b"\r\n--b--\r\n"
        return f"feedback@{letter.recipient.rpartition('@')[2]}", f"abuse@{self._home}", whole

    _angered = _complain

    def _forwarded(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        return "", letter.sender, _notification(letter, "failed", "5.1.1", "elsewhere@far.example")

    def _delayed(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        return "", letter.sender, _notification(letter, "delayed", "4.4.1", letter.recipient)

    def _garbled(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        text = (
            f"From: {SYSTEM}\r\nTo: {letter.sender}\r\nSubject: ?\r\n\r\n\xff\xfe nothing to read"
        )
        return "", letter.sender, text.encode("latin-1")

    def _forged(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        """By someone who knows how our addresses look, and not the key."""
        end = "a" if not letter.sender.partition("@")[0].endswith("a") else "b"
        local, _, domain = letter.sender.partition("@")
        forged = f"{local[:-1]}{end}@{domain}"
        wrong = letter._replace(sender=forged)
        return "", forged, _notification(wrong, "failed", "5.1.1", letter.recipient)

    def _rehoused(self, letter: Letter, message: EmailMessage) -> tuple[str, str, bytes]:
        """The reader has another address by the time the old one's bounce comes."""
        return "", letter.sender, _notification(letter, "failed", "5.1.1", letter.recipient)


def addresses_change(letters: list[Letter], now: dt.datetime) -> None:
    """Give each reader of the kind ``rehoused`` a new address."""
    for letter in letters:
        if letter.recipient.startswith("rehoused-"):
            moved = Subscriber.objects.filter(email=letter.recipient)
            moved.update(
                email=letter.recipient.replace("rehoused-", "rehoused-new-"),
                address_changed_at=now,
            )


def _click(message: EmailMessage) -> None:
    """RFC 8058: a POST that knows nothing but the link."""
    found = re.search(r"<(https?:[^>]+)>", message["List-Unsubscribe"])
    assert found
    request = urllib.request.Request(found[1], b"List-Unsubscribe=One-Click")
    with urllib.request.urlopen(request, timeout=30):
        pass


def _written(letter: Letter, message: EmailMessage, text: str) -> tuple[str, str, bytes]:
    """By a person, to where their mail program sends answers."""
    to = message["Reply-To"].addresses[0].addr_spec
    quoted = "On Monday Paper Round wrote:\r\n> To unsubscribe, see below.\r\n"
    head = f"From: {letter.recipient}\r\nTo: {to}\r\nSubject: Re: {message['Subject']}\r\n"
    body = text.replace("\n", "\r\n") + quoted
    mime = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    return letter.recipient, to, (head + mime + body).encode()


def _notification(letter: Letter, action: str, status: str, recipient: str) -> bytes:
    """A delivery status notification (RFC 3464)."""
    return (
        f"From: Mail Delivery System <{SYSTEM}>\r\nTo: {letter.sender}\r\n"
        "Subject: Delivery status\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nAbout your message.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.readers.example\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n\r\n--b--\r\n"
    ).encode()
