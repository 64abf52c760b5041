"""A catch-all inbox for trying and testing: SMTP in, ``.eml`` files and a web page out.

It keeps whatever it is handed and delivers nothing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.template.loader import render_to_string

CSS = Path(__file__).resolve().parents[1] / "static" / "paper-round" / "site.css"
KEEP_OUT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups"


@dataclass(frozen=True)
class Caught:
    """One message in the inbox; ``number`` counts from 1 in order of arrival."""

    number: int
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    def body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part else ""

    def summary(self) -> dict[str, Any]:
        message = self.message
        return {
            "id": self.number,
            "to": str(message["To"]),
            "from": str(message["From"]),
            "subject": str(message["Subject"]),
            "date": str(message["Date"]),
            "size": len(self.raw),
        }


class Folder:
    """The messages, kept as ``0001.eml`` and so on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        path.mkdir(parents=True, exist_ok=True)

    def add(self, raw: bytes) -> None:
        with self._lock:
            number = max((int(file.stem) for file in self.path.glob("*.eml")), default=0) + 1
            (self.path / f"{number:04}.eml").write_bytes(raw)

    def get(self, number: int) -> Caught | None:
        file = self.path / f"{number:04}.eml"
        return Caught(number, file.read_bytes()) if file.exists() else None

    def newest_first(self) -> Iterator[Caught]:
        for file in sorted(self.path.glob("*.eml"), key=lambda f: -int(f.stem)):
            yield Caught(int(file.stem), file.read_bytes())


class _Handler:
    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content or b""
        content = content if isinstance(content, bytes) else content.encode()
        # RFC 5321 4.4: whoever delivers at last writes down the envelope sender
        sender = (envelope.mail_from or "").strip("<>").encode(errors="surrogateescape")
        self.folder.add(b"Return-Path: <%s>\r\n" % sender + content)
        return "250 Message accepted for the inbox"


def smtp_server(folder: Folder, port: int) -> Controller:
    """An SMTP server on the loopback address; ``start()`` and ``stop()`` it."""
    return Controller(_Handler(folder), hostname="127.0.0.1", port=port)


def web_server(folder: Folder, port: int) -> ThreadingHTTPServer:
    """The pages of the inbox on the loopback address, and ``/api/messages`` as JSON."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Page, folder))


class _Page(BaseHTTPRequestHandler):
    def __init__(self, folder: Folder, *args: Any) -> None:
        self.folder = folder
        super().__init__(*args)

    def do_GET(self) -> None:
        if self.path == "/":
            self._page("web/inbox.html", {"messages": self._listed()})
        elif self.path == "/api/messages":
            self._send(json.dumps(self._listed()).encode(), "application/json")
        elif self.path == "/site.css":
            self._send(CSS.read_bytes(), "text/css; charset=utf-8")
        elif match := re.fullmatch(r"/messages/(\d{1,9})(\.html|\.eml|\.txt|/)", self.path):
            self._message(self.folder.get(int(match[1])), match[2])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _listed(self) -> list[dict[str, Any]]:
        return [caught.summary() for caught in self.folder.newest_first()]

    def _message(self, caught: Caught | None, form: str) -> None:
        if caught is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif form == ".eml":
            self._send(caught.raw, "message/rfc822")
        elif form == ".html":
            self._send(caught.body("html").encode(), "text/html; charset=utf-8", KEEP_OUT)
        elif form == ".txt":
            self._send(caught.body("plain").encode(), "text/plain; charset=utf-8")
        else:
            headers = [(name, str(value)) for name, value in caught.message.items()]
            context = {**caught.summary(), "headers": headers, "text": caught.body("plain")}
            self._page("web/inbox_message.html", context)

    def _page(self, template: str, context: dict[str, Any]) -> None:
        html = render_to_string(template, {**context, "site_url": settings.SITE_URL})
        self._send(html.encode(), "text/html; charset=utf-8")

    def _send(self, body: bytes, kind: str, csp: str = "") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if csp:
            self.send_header("Content-Security-Policy", csp)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: this runs beside the demo's own lines."""
