"""Whole messages that came back, in the forms of the world's mail systems, in our own words."""

import base64
from textwrap import dedent

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
TEXTS = {
    "qmail": """
        From: MAILER-DAEMON@mx.example
        Subject: failure notice

        Hi. This is the qmail-send program at mx.example.
        I'm afraid I wasn't able to deliver your message to the following addresses.
        This is a permanent error; I've given up. Sorry it didn't work out.

        <ada@b.example>:
        192.0.2.1 does not like recipient.
        Remote host said: 550 no such mailbox
        Giving up on 192.0.2.1.

        <bob@b.example>:
        Sorry, I couldn't find any host named b.example. (#5.1.2)
        """,
    "Exim": """
        From: Mail Delivery System <Mailer-Daemon@mx.example>
        X-Failed-Recipients: ada@b.example, eve@b.example
        Auto-Submitted: auto-replied
        Subject: Mail delivery failed: returning message to sender

        This message was created automatically by mail delivery software.

        A message that you sent could not be delivered to one or more of its
        recipients. This is a permanent error. The following address(es) failed:

          ada@b.example
            host mx.b.example [192.0.2.1]
            SMTP error from remote mail server after RCPT TO:<ada@b.example>:
            550 Mailbox not available here: user unknown
          eve@b.example
            host mx.b.example [192.0.2.1]
            SMTP error from remote mail server after end of data:
            552 Mailbox is full
        """,
    "sendmail": """
        From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
        Subject: Returned mail: see transcript for details

        The original message was received at Mon, 6 Oct 2025 08:00:00 GMT
        from site.us.example [192.0.2.7]

           ----- The following addresses had permanent fatal errors -----
        <ada@b.example>
            (reason: 550 5.1.1 <ada@b.example>... User unknown)

           ----- Transcript of session follows -----
        ... while talking to mx.b.example.:
        >>> RCPT To:<ada@b.example>
        <<< 550 5.1.1 <ada@b.example>... User unknown
        550 5.1.1 <ada@b.example>... User unknown
        """,
    "Exchange": """
        From: System Administrator <postmaster@mx.example>
        Subject: Undeliverable: Papers

        Your message

          To:      ada@b.example
          Subject: Papers
          Sent:    Mon, 6 Oct 2025 08:00:00 -0000

        did not reach the following recipient(s):

        ada@b.example on Mon, 6 Oct 2025 08:00:05 -0000
            The recipient name is not recognized
            The MTS-ID of the original message is: c=US;a= ;p=Org;l=MX0510060800
            MSEXCH:IMS:Org:Site:MX 0 (000C05A6) Unknown Recipient
        """,
    "Domino": """
        From: Postmaster@mx.example
        Subject: DELIVERY FAILURE: User ada (ada@b.example) not listed in Domino Directory

        Your message

          Subject: Papers

        was not delivered to:

          ada@b.example

        because:

          User ada (ada@b.example) not listed in Domino Directory
        """,
    "Gmail in German": """
        From: Mail Delivery Subsystem <mailer-daemon@gmail.example>
        Subject: Delivery Status Notification (Failure)
        Content-Type: text/plain; charset=utf-8

        ** Adresse nicht gefunden **

        Ihre Nachricht wurde nicht an ada@b.example zugestellt, weil die Adresse nicht gefunden
        wurde oder keine E-Mails empfangen kann.

        Antwort des Servers:

        550 5.1.1 The email account that you tried to reach does not exist.
        """,
    "Gmail in French, full": """
        From: Mail Delivery Subsystem <mailer-daemon@gmail.example>
        Subject: Delivery Status Notification (Failure)
        Content-Type: text/plain; charset=utf-8

        ** Boîte de réception du destinataire pleine **

        Votre message n'a pas pu être remis à ada@b.example. Sa boîte de réception est pleine.
        """,
    "Yahoo": """
        From: MAILER-DAEMON@yahoo.example
        Subject: Failure Notice
        Content-Type: text/html; charset=utf-8

        <html><body><p>Sorry, we were unable to deliver your message to the following address.</p>
        <p>&lt;ada@b.example&gt;:<br>No MX or A records for b.example</p>
        <p>--- Below this line is a copy of the message.</p></body></html>
        """,
    "mail.ru": """
        From: mailer-daemon@corp.example
        Subject: Mail failure.
        Content-Type: text/plain; charset=utf-8

        This message was created automatically by mail delivery software.
        Это письмо создано автоматически.

        A message that you sent could not be delivered to one or more of its
        recipients. This is a permanent error. The following address(es) failed:

        Некоторые из адресатов не получили письмо:

        ada@b.example
            error: user not found
        """,
    "a few words": """
        From: postmaster@mx.example
        Subject: Returned mail

        We could not deliver your mail to ada@b.example: there is no such user here.
        """,
    "Mailman's owner": """
        From: listmaster@lists.example
        Subject: Undelivered Mail Returned to Sender
        Auto-Submitted: auto-replied

        Your message to <ada@b.example> was automatically rejected: you are not a member.
        """,
    "Kerio": """
        From: Mail Delivery Subsystem <mailer-daemon@mx.example>
        Subject: Undeliverable mail - delivery failed

        Your message could not be delivered to the recipients listed below:

        ada@b.example
          550 5.1.1 User does not exist
        """,
    "Chinese": """
        From: postmaster@mx.example
        Subject: =?utf-8?b?6YCA5L+h?=
        Content-Type: text/plain; charset=gb18030

        抱歉，您的邮件被退回来了……
        收件人邮件地址： ada@b.example
        退信原因： 收件人不存在
        """,
    "Japanese": """
        From: MAILER-DAEMON@mx.example
        Subject: =?utf-8?b?6YWN5L+h44Ko44Op44O8?=
        Content-Type: text/plain; charset=iso-2022-jp

        次の宛先へのメールは配信できませんでした。

        <ada@b.example>
        宛先のユーザーは存在しません。
        """,
    "Russian": """
        From: MAILER-DAEMON@mx.example
        Subject: Недоставленное сообщение
        Content-Type: text/plain; charset=koi8-r

        Сообщение не может быть доставлено получателю ada@b.example
        Такого пользователя не существует.
        """,
    "UTF-16": """
        From: MAILER-DAEMON@mx.example
        Subject: Undelivered mail
        Content-Type: text/plain; charset=utf-16
        Content-Transfer-Encoding: base64

        <ada@b.example>: the mailbox is over quota
        """,
    "MDaemon": """
        From: MDaemon at mx.example <MDaemon@mx.example>
        Subject: Permanent Delivery Failure

        The attached message had PERMANENT fatal delivery errors!

        Failed address: ada@b.example

        --- Session Transcript ---
         Attempting SMTP connection to [192.0.2.1:25]
         --> RCPT To:<ada@b.example>
         <-- 550 <ada@b.example>, Recipient unknown
         --> QUIT
        --- End Transcript ---
        """,
    "warning": """
        From: Mail Delivery System <MAILER-DAEMON@mx.example>
        Subject: Delayed Mail (still being retried)

        This is the mail system at host mx.example.
        Your message could not be delivered for more than 4 hours.
        It will be retried until it is 5 days old.

        <ada@b.example>: Host or domain name not found. Name service error
            for name=b.example type=MX: Host not found, try again
        """,
}
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
    "folded": ("", f"{FIELDS}Status: 5.1.1\nDiagnostic-Code: smtp;\n 550 5.1.1\n\tno such user\n", HARD),
    "X.400": ("", f"{FIELDS}Status: 5.2.1\nDiagnostic-Code: X-400; reason 0: unable to transfer\n", SOFT),
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
    head, _, body = dedent(TEXTS[name]).strip().partition("\n\n")
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
