"""Messages that came back, as mail systems write them: each says whom it is about, and what."""

import base64

import pytest

from subscriptions.delivery.bounces import parse
from subscriptions.delivery.reports import Kind, Report

DAEMON = "From: Mail Delivery System <MAILER-DAEMON@mx.example>\nSubject: Undelivered Mail\n"
REPORT = (
    DAEMON + "MIME-Version: 1.0\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    "--b\nContent-Type: text/plain\n\nYour message could not be delivered.\n{words}\n"
    "--b\nContent-Type: message/delivery-status\n{encoding}\n{fields}\n"
    "--b\nContent-Type: text/rfc822-headers\n\nTo: somebody@else.example\n--b--\n"
)
GONE = "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n"


def report(fields: str, words: str = "", encoding: str = "") -> bytes:
    return REPORT.format(fields=fields, words=words, encoding=encoding).encode()


def only(message: bytes) -> Report:
    (found,) = parse(message)
    return found


def test_a_notification_names_the_original_recipient() -> None:
    found = only(
        report(
            "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; u17@inside.example\n"
            f"Original-Recipient: rfc822;ada@example.org\n{GONE}"
        )
    )
    assert (found.address, found.kind, found.status) == ("ada@example.org", Kind.HARD, "5.1.1")
    assert found.reason == "user unknown: 550 5.1.1 No such user"


def test_each_recipient_has_its_own_report() -> None:
    found = parse(
        report(
            f"Final-Recipient: rfc822; a@example.org\n{GONE}\n"
            "Final-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.2.2\n\n"
            "Final-Recipient: rfc822; c@example.org\nAction: delivered\nStatus: 2.1.5\n\n"
            "Final-Recipient: rfc822; d@example.org\nAction: failed\nStatus: 5.7.1\n"
            "Diagnostic-Code: smtp; 554 taken for spam\n"
        )
    )
    assert [(each.address[0], each.kind, each.ours) for each in found] == [
        ("a", Kind.HARD, False),
        ("b", Kind.SOFT, False),
        ("c", Kind.DELIVERED, False),
        ("d", Kind.SOFT, True),
    ]


def test_what_is_delayed_has_not_failed() -> None:
    fields = "Final-Recipient: rfc822; a@example.org\nAction: delayed\nStatus: 4.4.1\n"
    found = only(report(fields))
    assert (found.kind, found.trying) == (Kind.SOFT, True)


@pytest.mark.parametrize(
    ("status", "told", "kind"),
    [
        ("5.0.0", "550 the mailbox is full", Kind.SOFT),
        ("5.1.1", "550 the mailbox is full", Kind.SOFT),
        ("5.0.0", "550 <a@example.org>: user unknown", Kind.HARD),
        ("5.0.0", "550 user unknown", Kind.SOFT),  # perhaps a filter's, after the message
        ("5.7.1", "550 <a@example.org>: user unknown", Kind.SOFT),
        ("4.4.7", "delivery time expired", Kind.SOFT),
    ],
)
def test_words_and_status_together(status: str, told: str, kind: Kind) -> None:
    fields = f"Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: {status}\n"
    assert only(report(f"{fields}Diagnostic-Code: smtp; {told}\n")).kind is kind


def test_the_command_that_was_answered_stands_in_the_words() -> None:
    fields = (
        "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.0.0\n"
        "Diagnostic-Code: smtp; 550 user unknown\n"
    )
    said = "<a@example.org>: host mx said: 550 user unknown (in reply to {} command)"
    assert only(report(fields, said.format("RCPT TO"))).kind is Kind.HARD
    assert only(report(fields, said.format("end of DATA"))).kind is Kind.SOFT


def test_a_vague_notification_is_explained_by_its_words() -> None:
    fields = "Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.0.0\n"
    assert only(report(fields, "a@example.org: quota exceeded")).reason.startswith("mailbox full")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_an_encoded_notification_is_read(encoding: str) -> None:
    fields = f"Final-Recipient: rfc822; ada@example.org\n{GONE}"
    if encoding == "base64":
        fields = base64.encodebytes(fields.encode()).decode()
    found = only(report(fields, encoding=f"Content-Transfer-Encoding: {encoding}\n"))
    assert (found.address, found.kind) == ("ada@example.org", Kind.HARD)


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_and_a_line_of_an_mbox_do_not_matter(end: bytes) -> None:
    message = report(f"Final-Recipient: rfc822; ada@example.org\n{GONE}").replace(b"\n", end)
    assert only(b"From MAILER-DAEMON Mon Oct  6 08:00:00 2025" + end + message).kind is Kind.HARD


def test_fields_in_the_text_of_a_forwarded_notice_are_read() -> None:
    quoted = "".join(
        f"> {line}\n" for line in f"Final-Recipient: rfc822; ada@example.org\n{GONE}".splitlines()
    )
    found = only(f"From: staff@example.org\nSubject: Fwd: look\n\nThis came.\n\n{quoted}".encode())
    assert (found.address, found.kind) == ("ada@example.org", Kind.HARD)


def test_a_notice_passed_on_as_an_attachment_is_read() -> None:
    inner = report(f"Final-Recipient: rfc822; ada@example.org\n{GONE}")
    boundary = b"--b--b--b"
    message = (
        b"From: staff@example.org\nSubject: Look\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\n\n--' + boundary
        + b"\nContent-Type: message/rfc822\n\n" + inner + b"\n--" + boundary + b"--\n"
    )  # fmt: skip
    assert only(message).address == "ada@example.org"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("  ada@example.org\n    error after RCPT TO:<ada@example.org>: 550 no such user", "hard"),
        ("<ada@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)", "hard"),
        ("Unknown user: ada@example.org", "hard"),
        ("ada@example.org\nbecause:\nUser ada is not listed in the directory", "hard"),
        ("<ada@example.org>: host mx[192.0.2.1] said: 550 user unknown", "soft"),
        ("Recipient: ada@example.org\nReason: 552 Mailbox full", "soft"),
        ("Could not be delivered to: <ada@example.org>\nas the mailbox is full.", "soft"),
        ("ada@example.org: connection timed out", "soft"),
        ("ada@example.org", "soft"),
        ("<ada@example.org>\nDas Postfach ist voll.", "soft"),
    ],
)  # fmt: skip
def test_notices_in_words(words: str, kind: str) -> None:
    text = (
        f"{DAEMON}\nYour message could not be delivered.\n\n{words}\n\n--- Original message ---\n"
    )
    found = only(f"{text}To: other@example.org\n\nUser unknown, spam\n".encode())
    assert (found.address, found.kind.value) == ("ada@example.org", kind), found


def test_japanese_and_chinese_notices_are_read() -> None:
    head = DAEMON.encode() + b"Content-Type: text/plain; charset=%s\n\n"
    japanese = "<ada@example.org>\nメールボックスの容量が一杯です。\n".encode("iso-2022-jp")
    chinese = "<ada@example.org>:\n用户不存在\n".encode("gb2312")
    assert only(head % b"us-ascii" + japanese).reason.startswith("mailbox full")
    assert only(head % b"gb2312" + chinese).kind is Kind.HARD


def test_a_notice_of_html_alone_is_read() -> None:
    html = (
        "<style>a {}</style><p>Not delivered to<br>&lt;ada@example.org&gt;:<br>The mailbox is full"
    )
    found = only(f"{DAEMON}Content-Type: text/html\n\n{html}\n".encode())
    assert (found.address, found.reason[:12]) == ("ada@example.org", "mailbox full")


def feedback(kind: str) -> bytes:
    return (
        "From: fbl@mail.example\nSubject: report\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nA report.\n"
        f"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nVersion: 1\n"
        "Original-Rcpt-To: <ada@example.org>\n--b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("told", "kind", "ours"),
    [
        ("abuse", Kind.COMPLAINT, False),
        ("opt-out", Kind.COMPLAINT, False),
        ("auth-failure", Kind.SOFT, True),
        ("not-spam", Kind.UNKNOWN, False),
        ("", Kind.UNKNOWN, False),
    ],
)
def test_feedback(told: str, kind: Kind, ours: bool) -> None:
    found = only(feedback(told))
    assert (found.address, found.kind, found.ours) == ("ada@example.org", kind, ours)


@pytest.mark.parametrize(
    "head",
    [
        "Subject: Re: Papers\nAuto-Submitted: auto-replied",
        "Subject: Papers\nPrecedence: auto_reply",
        "Subject: Papers\nX-Autoreply: yes",
        "Subject: Automatic reply: Papers",
        "Subject: Out of Office: Papers",
        "Subject: Abwesenheitsnotiz",
        "Subject: Réponse automatique : papiers",
        "Subject: =?utf-8?b?6Ieq5YuV6L+U5L+h?=",
        "Subject: AW: Automatische Antwort: Papers",
        "Subject: Автоответ: статьи",
    ],
)
def test_automatic_replies(head: str) -> None:
    text = "I have left; my address no longer exists, the mailbox is full. Write to b@example.org."
    found = only(f"From: Ada <ada@example.org>\n{head}\n\n{text}\n".encode())
    assert (found.address, found.kind) == ("ada@example.org", Kind.AUTOREPLY)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"From: ada@example.org\nSubject: Re: Papers\n\nThanks! Ask b@example.org, too.\n",
        b"From: ada@example.org\nSubject: hi\n\nMy user is unknown to <c@example.org>: why?\n",
        b"Subject: Weekly papers\nPrecedence: bulk\n\nTo: someone@example.org\n",
    ],
)
def test_an_ordinary_mail_says_nothing(message: bytes) -> None:
    assert parse(message) == []


def test_an_unreadable_notice_is_unknown() -> None:
    found = only(f"{DAEMON}\n\x00\x01 nothing\n".encode())
    assert (found.address, found.kind) == ("", Kind.UNKNOWN)


def test_what_is_reported_can_be_stored() -> None:
    message = DAEMON.encode() + b"\n<ada@example.org>:\nquota\x00 exceeded \x1b[1m \xff\xfe\n"
    assert only(message).reason.isprintable()
