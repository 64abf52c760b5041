"""Mail services' HTTP interfaces on a real socket: they check, keep and answer as the real ones."""

import base64
import email
import email.policy
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

MAILGUN, POSTMARK, SENDGRID, SES = "mailgun", "postmark", "sendgrid", "amazon_ses"
ESPS = [MAILGUN, POSTMARK, SENDGRID, SES]
KEY = "secret-key"

GONE = ("drop", "stall")
"""The connection ends, or nothing is said until the test is over; the message is kept."""


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


class EspServer:
    """One service. ``answers`` has what it does with the message to an address, once or by turns:

    ``invalid``, ``content``, ``inactive`` (Postmark), ``busy``, ``broken``, ``gateway``,
    ``too large``, or one of ``GONE``; any other is taken.
    """

    def __init__(self, esp: str, answers: Mapping[str, str] | None = None) -> None:
        self.esp, self.answers = esp, dict(answers or {})
        self.messages: list[Received] = []
        """That were taken."""
        self.requests: list[list[str]] = []
        """The addresses in each request, also of one that was refused."""
        self.connections = 0
        self.before: Callable[[], object] = lambda: None
        """Called before a request is answered."""
        self.over = threading.Event()
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with fake._lock:
                    fake.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = fake.answer(self.path, dict(self.headers), body)
                if reply is None:
                    self.close_connection = True
                    return
                status, said = reply
                data = b"" if said is None else said if isinstance(said, bytes) else _json(said)
                self.send_response(status)
                if isinstance(said, dict) and "__type" in said:
                    self.send_header("x-amzn-ErrorType", said["__type"])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["EspServer"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stop()
            thread.join(10)

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def wrap(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http://127.0.0.1", "https://localhost")

    @property
    def delivered(self) -> list[str]:
        return sorted(message.to for message in self.messages)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        """The reply to a request; None where the line just ends."""
        speech = _SPEECH[self.esp]
        assert path == speech.path, path
        if not speech.knows(headers):
            return speech.stranger
        got = speech.read(body)
        with self._lock:
            self.requests.append([message.to for message in got])
        self.before()
        done = [self.answers.get(message.to, "taken") for message in got]
        whole = next((each for each in done if each in GONE or each in speech.whole), None)
        if whole == "too large" and len(got) == 1:
            whole = None
        if whole in GONE:
            self._keep(got)
            if whole == "stall":
                self.over.wait(30)
            return None
        if whole:
            return speech.whole[whole]
        replies = [speech.one.get(each) for each in done]
        self._keep([each for each, reply in zip(got, replies, strict=True) if reply is None])
        said = [reply or speech.taken(each) for each, reply in zip(got, replies, strict=True)]
        return (200, [each for _, each in said]) if self.esp == POSTMARK else said[0]

    def _keep(self, messages: list[Received]) -> None:
        with self._lock:
            self.messages += messages


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


def _json(said: Any) -> bytes:
    return json.dumps(said).encode()


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
_SPEECH = {
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


@contextmanager
def running_esp(
    esp: str, settings: Any, patch: pytest.MonkeyPatch, answers: Mapping[str, str] | None = None
) -> Iterator[EspServer]:
    """A service that the settings name as the way out, as ``EMAIL_URL`` would."""
    with EspServer(esp, answers).running() as server:
        choose(server.url, esp, settings, patch)
        yield server


def choose(url: str, esp: str, settings: Any, patch: pytest.MonkeyPatch) -> None:
    """Name a service as the way out, as ``EMAIL_URL`` would."""
    settings.EMAIL_BACKEND = f"anymail.backends.{esp}.EmailBackend"
    settings.ANYMAIL = {
        "MAILGUN_API_KEY": KEY,
        "MAILGUN_API_URL": f"{url}/v3",
        "POSTMARK_SERVER_TOKEN": KEY,
        "POSTMARK_API_URL": url,
        "SENDGRID_API_KEY": KEY,
        "SENDGRID_API_URL": f"{url}/v3",
    }
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_ACCESS_KEY_ID", KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def forget_key(settings: Any, patch: pytest.MonkeyPatch) -> None:
    """From here on this site has a key that no service knows."""
    names = ("MAILGUN_API_KEY", "POSTMARK_SERVER_TOKEN", "SENDGRID_API_KEY")
    settings.ANYMAIL = settings.ANYMAIL | dict.fromkeys(names, "wrong")
    patch.setenv("AWS_ACCESS_KEY_ID", "wrong")
