"""Mail services' HTTP interfaces on a real socket: they check, keep and answer as the real ones."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.delivery.esp_speech import KEY, MAILGUN, POSTMARK, SENDGRID, SES, SPEECH, Received, Reply

ESPS = [MAILGUN, POSTMARK, SENDGRID, SES]

GONE = ("drop", "stall")
"""The connection ends, or nothing is said until the test is over; the message is kept."""


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
        speech = SPEECH[self.esp]
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


def _json(said: Any) -> bytes:
    return json.dumps(said).encode()


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
