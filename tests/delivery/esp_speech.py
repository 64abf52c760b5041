"""How each mail service speaks: what it reads in a request, and what it says to it."""

import base64
import email
import email.policy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

MAILGUN, POSTMARK, SENDGRID, SES = "mailgun", "postmark", "sendgrid", "amazon_ses"
KEY = "secret-key"


@dataclass
class Received:
    """One message as a service got it."""

    to: str
    sender: str
    subject: str
    headers: dict[str, str]
    text: str
    html: str
    metadata: dict[str, str]
    tags: list[str]
    tracking: dict[str, Any]
    envelope: str = ""

    @property
    def id(self) -> str:
        """What the service calls it."""
        return f"<id.{self.to.partition('@')[0]}@mail.example>"


Reply = tuple[int, Any]


@dataclass
class Speech:
    """How one service speaks."""

    path: str
    knows: Callable[[dict[str, str]], bool]
    stranger: Reply
    """To who has no good key."""
    read: Callable[[bytes], list[Received]]
    taken: Callable[[Received], Reply]
    one: dict[str, Reply]
    """To one message."""
    whole: dict[str, Reply] = field(default_factory=dict)
    """To a request, whatever is in it."""


GATEWAY = 504, b"<html><body><h1>504 Gateway Time-out</h1></body></html>"


def _mailgun(body: bytes) -> list[Received]:
    form = {name: values for name, values in parse_qs(body.decode()).items()}  # noqa: C416
    (to,) = form["to"]
    return [
        Received(
            to=to,
            sender=form["from"][0],
            subject=form["subject"][0],
            headers={name[2:]: v[0] for name, v in form.items() if name.startswith("h:")},
            text=form["text"][0],
            html=form.get("html", [""])[0],
            metadata={name[2:]: v[0] for name, v in form.items() if name.startswith("v:")},
            tags=form.get("o:tag", []),
            tracking={n: v[0] for n, v in form.items() if n.startswith("o:tracking")},
        )
    ]


def _postmark(body: bytes) -> list[Received]:
    batch = json.loads(body)
    assert len(batch) <= 500
    return [
        Received(
            to=one["To"],
            sender=one["From"],
            subject=one["Subject"],
            headers={each["Name"]: each["Value"] for each in one.get("Headers", [])},
            text=one["TextBody"],
            html=one.get("HtmlBody", ""),
            metadata=one.get("Metadata", {}),
            tags=[one["Tag"]] if "Tag" in one else [],
            tracking={name: one[name] for name in ("TrackOpens", "TrackLinks")},
        )
        for one in batch
    ]


def _sendgrid(body: bytes) -> list[Received]:
    one = json.loads(body)
    ((person),) = one["personalizations"]
    content = {part["type"]: part["value"] for part in one["content"]}
    assert next(iter(content)) == "text/plain"
    arguments = one.get("custom_args", {}) | person.get("custom_args", {})
    assert arguments.pop("anymail_id")
    return [
        Received(
            to=person["to"][0]["email"],
            sender=one["from"]["email"],
            subject=one["subject"],
            headers=one.get("headers", {}),
            text=content["text/plain"],
            html=content.get("text/html", ""),
            metadata=arguments,
            tags=one.get("categories", []),
            tracking=one["tracking_settings"],
        )
    ]


def _ses(body: bytes) -> list[Received]:
    one = json.loads(body)
    raw = base64.b64decode(one["Content"]["Raw"]["Data"])
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(["plain"]), message.get_body(["html"])
    (to,) = one["Destination"]["ToAddresses"]
    return [
        Received(
            to=to,
            sender=str(message["From"]),
            subject=str(message["Subject"]),
            headers={name: str(value) for name, value in message.items()},
            text=text.get_content() if text else "",
            html=html.get_content() if html else "",
            metadata=json.loads(message.get("X-Metadata", "{}")),
            tags=message.get_all("X-Tag", []),
            tracking={},
            envelope=one.get("FeedbackForwardingEmailAddress", ""),
        )
    ]


def _amazon(status: int, name: str, text: str) -> Reply:
    return status, {"__type": name, "message": text}


_BASIC = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
SPEECH = {
    MAILGUN: Speech(
        path="/v3/example.com/messages",
        knows=lambda headers: headers.get("Authorization") == _BASIC,
        stranger=(401, b"Forbidden"),
        read=_mailgun,
        taken=lambda got: (200, {"id": got.id, "message": "Queued. Thank you."}),
        one={
            "invalid": (
                400,
                {"message": "'to' parameter is not a valid address. please check documentation"},
            ),
            "content": (400, {"message": "need at least one of 'text', 'html' parameters"}),
            "busy": (429, {"message": "Too many requests"}),
            "broken": (500, {"message": "Internal Server Error"}),
            "gateway": GATEWAY,
        },
    ),
    POSTMARK: Speech(
        path="/email/batch",
        knows=lambda headers: headers.get("X-Postmark-Server-Token") == KEY,
        stranger=(401, {"ErrorCode": 10, "Message": "No Account or Server API tokens supplied."}),
        read=_postmark,
        taken=lambda got: (
            200,
            {"ErrorCode": 0, "Message": "OK", "MessageID": got.id, "To": got.to},
        ),
        one={
            "invalid": (200, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'r@'."}),
            "content": (200, {"ErrorCode": 300, "Message": "Invalid metadata content."}),
            "inactive": (
                200,
                {
                    "ErrorCode": 406,
                    "Message": "You tried to send to a recipient that has been marked as inactive."
                    "\nFound inactive addresses: r1@example.org.\nInactive recipients are ones"
                    " that have generated a hard bounce or a spam complaint.",
                },
            ),
            "busy": (200, {"ErrorCode": 429, "Message": "Rate limit exceeded"}),
        },
        whole={
            "broken": (500, {"ErrorCode": 0, "Message": "Internal Server Error"}),
            "gateway": GATEWAY,
            "too large": (413, b""),
        },
    ),
    SENDGRID: Speech(
        path="/v3/mail/send",
        knows=lambda headers: headers.get("Authorization") == f"Bearer {KEY}",
        stranger=(
            401,
            {"errors": [{"message": "authorization grant is invalid", "field": None}]},
        ),
        read=_sendgrid,
        taken=lambda got: (202, None),
        one={
            "invalid": (
                400,
                {
                    "errors": [
                        {
                            "message": "Does not contain a valid address.",
                            "field": "personalizations.0.to.0.email",
                        }
                    ]
                },
            ),
            "content": (400, {"errors": [{"message": "is required", "field": "content.0.value"}]}),
            "busy": (429, {"errors": [{"message": "too many requests", "field": None}]}),
            "broken": (500, {"errors": [{"message": "internal", "field": None}]}),
            "gateway": GATEWAY,
        },
    ),
    SES: Speech(
        path="/v2/email/outbound-emails",
        knows=lambda headers: f"Credential={KEY}/" in headers.get("Authorization", ""),
        stranger=_amazon(
            403, "UnrecognizedClientException", "The security token included is invalid."
        ),
        read=_ses,
        taken=lambda got: (200, {"MessageId": got.id}),
        one={
            "invalid": _amazon(400, "BadRequestException", "Illegal address"),
            "content": _amazon(400, "MessageRejected", "Message contains a virus"),
            "busy": _amazon(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
            "broken": _amazon(500, "InternalFailure", "try again"),
            "gateway": GATEWAY,
        },
    ),
}
