"""Mails that come back, in our own words: bounces, complaints, answers."""

import datetime as dt
from email.message import EmailMessage
from email.utils import format_datetime

from subscriptions import links, verp
from subscriptions.models import Delivery, Subscriber

DAY = dt.timedelta(days=1)


def status(reader: Subscriber) -> str:
    return Subscriber.objects.get(pk=reader.pk).status


def sent_digest(reader: Subscriber, at: dt.datetime) -> Delivery:
    """A digest that a mail server took at this time."""
    return Delivery.objects.create(
        subscriber=reader,
        first_day=at.date() - DAY,
        newest_day=at.date() - DAY,
        status=Delivery.Status.SENT,
        created_at=at,
        last_attempt_at=at,
        sent_at=at,
    )


def bounce(
    to: str,
    *recipients: tuple[str, str],
    at: dt.datetime,
    message_id: str = "<1@mail.example.net>",
    more: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464): of each recipient, what a server said."""
    fields = "\n".join(
        f"Final-Recipient: rfc822; {address}\nAction: failed\nStatus: {said.split()[1]}\n"
        f"Diagnostic-Code: smtp; {said}\n"
        for address, said in recipients
    )
    return f"""{more}From: MAILER-DAEMON@mail.example.net (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: {format_datetime(at)}
Message-ID: {message_id}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

Your mail could not be delivered.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net

{fields}
--cut
Content-Type: text/rfc822-headers

Subject: Your papers of the week

--cut--
""".encode()


def complaint(
    to: str, at: dt.datetime, headers: str, message_id: str = "<2@fbl.example.net>"
) -> bytes:
    """A feedback report (RFC 5965) about a message with these headers."""
    return f"""From: feedback@fbl.example.net
To: {to}
Subject: complaint
Date: {format_datetime(at)}
Message-ID: {message_id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="cut"

--cut
Content-Type: text/plain

A user pressed the button.

--cut
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: ExampleFBL/1.0
Version: 1

--cut
Content-Type: message/rfc822

From: digest@example.org
To: redacted@example.net
Subject: Your papers of the week
{headers}
MIME-Version: 1.0
Content-Type: text/plain

Papers.

--cut--
""".encode()


def unsubscribe_header(reader: Subscriber) -> str:
    return f"List-Unsubscribe: <{links.UNSUBSCRIBE.url(reader.pk)}>"


def answer(to: str, text: str, subject: str = "Re: Your papers", **headers: str) -> bytes:
    """What a person writes."""
    mail = EmailMessage()
    mail["From"] = "Ada Ito <ada@example.org>"
    mail["To"] = to
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def of_digest(delivery: Delivery) -> str:
    return verp.address(verp.Kind.DIGEST, delivery.pk)


def of(kind: verp.Kind, reader: Subscriber) -> str:
    return verp.address(kind, reader.pk)
