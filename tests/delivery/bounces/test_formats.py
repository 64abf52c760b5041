"""Whole messages that came back, in the forms of the world's mail systems, in our own words."""

import base64
import tomllib
from pathlib import Path

import pytest

from subscriptions.delivery.bounces import parse

END = """
--- Below this line is a copy of the message.

Return-Path: <bounces@us.example>
From: papers@us.example
To: other@c.example
Subject: Papers

User unknown at the lake of spam.
"""
TEXTS: dict[str, str] = tomllib.loads(
    (Path(__file__).parent / "formats.toml").read_text(encoding="utf-8")
)
HARD, SOFT, OURS, WAITS = "hard", "soft", "ours", "waits"
SAID = {
    "qmail": {"ada@b.example": HARD, "bob@b.example": HARD},
    "Exim": {"ada@b.example": HARD, "eve@b.example": SOFT},
    "Gmail in French, full": {"ada@b.example": SOFT},
    "Mailman's owner": {"ada@b.example": OURS},
    "UTF-16": {"ada@b.example": SOFT},
    "warning": {"ada@b.example": WAITS},
}
FIELDS = (
    "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ada@b.example\nAction: failed\n"
)
UNKNOWN = f"{FIELDS}Status: 5.0.0\nDiagnostic-Code: smtp; 550 <ada@b.example> такого нет: %s\n"
PARTS = {
    "without a diagnosis": ("", f"{FIELDS}Status: 5.1.1\n", HARD),
    "a diagnosis in words only": ("ada@b.example\nThe mailbox is full.", f"{FIELDS}\n", SOFT),
    "the address for people only": ("<ada@b.example>: user unknown", "Status: 5.1.1\n", HARD),
    "8-bit fields": ("", UNKNOWN % "пользователь не найден", HARD),
    "folded": (
        "",
        f"{FIELDS}Status: 5.1.1\nDiagnostic-Code: smtp;\n 550 5.1.1\n\tno such user\n",
        HARD,
    ),
    "X.400": (
        "",
        f"{FIELDS}Status: 5.2.1\nDiagnostic-Code: X-400; reason 0: unable to transfer\n",
        SOFT,
    ),
    "RFC 6533": (
        "",
        FIELDS.replace("rfc822; ada@", "utf-8; ädä@") + "Status: 5.1.1\n",
        HARD,
    ),
    "no domain": (
        "",
        f"{FIELDS}Status: 5.4.4\nDiagnostic-Code: X-Postfix; the domain b.example does not exist\n",
        HARD,
    ),
    "no domain, it says for the time being": (
        "",
        f"{FIELDS}Status: 4.0.0\nDiagnostic-Code: smtp; the domain b.example does not exist\n",
        SOFT,
    ),
    "a look-up that failed": (
        "",
        f"{FIELDS}Status: 4.4.3\nDiagnostic-Code: X-Postfix; host b.example not found, try again\n",
        SOFT,
    ),
}  # fmt: skip


def told(message: bytes) -> dict[str, str]:
    return {
        each.address: WAITS if each.trying else OURS if each.ours else each.kind.value
        for each in parse(message)
    }


def letter(name: str) -> bytes:
    head, _, body = TEXTS[name].strip().partition("\n\n")
    body += "\n" + ("" if "html" in head else END)
    charset = head.partition("charset=")[2].split("\n")[0] or "utf-8"
    content = body.encode(charset)
    if "base64" in head:
        content = base64.encodebytes(content)
    return f"{head}\nTo: bounces@us.example\n\n".encode() + content


@pytest.mark.parametrize("name", TEXTS)
def test_notices(name: str) -> None:
    assert told(letter(name)) == SAID.get(name, {"ada@b.example": HARD})


def report(words: str, fields: str) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status;\nboundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\nNot delivered.\n\n{words}\n"
        f"--b\nContent-Type: message/delivery-status\n\n{fields}\n"
        "--b\nContent-Type: message/rfc822\n\nTo: other@c.example\n\nUser unknown\n--b--\n"
    ).encode()


@pytest.mark.parametrize("name", PARTS)
def test_notifications(name: str) -> None:
    words, fields, kind = PARTS[name]
    address = "ädä@b.example" if name == "RFC 6533" else "ada@b.example"
    assert told(report(words, fields)) == {address: kind}


def test_a_part_of_a_message_is_no_bounce() -> None:
    message = b'From: a@b.example\nContent-Type: message/partial; id="x"; number=1\n\nFrom: c\n'
    assert told(message) == {}


def test_a_complaint_without_the_message_is_read() -> None:
    message = (
        b"From: fbl@b.example\nSubject: complaint\nContent-Type: multipart/report; boundary=b\n\n"
        b"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n--b--\n"
    )
    assert told(message) == {"": "complaint"}


def test_a_notification_of_amazon_is_read() -> None:
    message = (
        "From: no-reply@sns.amazonaws.example\nSubject: AWS Notification\n\n"
        '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":'
        '[{"emailAddress":"ada@b.example","action":"failed","status":"5.1.1",'
        '"diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}\n'
    )
    assert told(message.encode()) == {"ada@b.example": HARD}
