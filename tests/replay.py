"""A local server in place of a source: it answers as it is told, and notes what it was asked."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Query = dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What the server says; a body in pieces is sent piece by piece, without its length."""

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Server:
    url: str
    asked: list[tuple[str, Query]] = field(default_factory=list)
    """Paths and queries, in order."""
    agents: list[str] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    """The ports they came from."""


@contextmanager
def serving(answer: Callable[[str, Query], Answer | bytes]) -> Iterator[Server]:
    """A server that answers each GET by ``answer(path, query)``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            server.asked.append((parts.path, query))
            server.agents.append(self.headers["User-Agent"])
            server.connections.add(self.client_address[1])
            found = answer(parts.path, query)
            found = Answer(found) if isinstance(found, bytes) else found
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            if isinstance(found.body, bytes):
                if "Content-Length" not in found.headers:
                    self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)
                return
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in found.body:
                self.wfile.write(piece)
                self.wfile.flush()

        def log_message(self, *arguments: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # the client had enough
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        server = Server(f"http://127.0.0.1:{httpd.server_address[1]}/")
        thread = Thread(target=httpd.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            httpd.shutdown()


def real_oai(data: Path) -> Callable[[str, Query], bytes]:
    """arXiv's OAI-PMH server, as far as its answers were kept: the chain of six pages."""
    pages = data / "arxiv-oai" / "pages"
    kept: list[dict[str, Any]] = json.loads((pages / "REQUESTS.json").read_text())
    by_token: dict[str, Path] = {
        row["query"].get("resumptionToken", ""): pages / row["file"]
        for row in kept
        if row["file"].startswith("paged_arXiv_")
    }

    def answer(path: str, query: Query) -> bytes:
        assert query["verb"] == "ListRecords"
        token = query.get("resumptionToken", "")
        return by_token.get(token, pages / "paged_arXiv_p7.xml").read_bytes()

    return answer


def real_hf(data: Path) -> Callable[[str, Query], bytes]:
    """Hugging Face's days; a day that was not kept has no papers."""

    def answer(path: str, query: Query) -> bytes:
        file = data / "hf-daily" / f"{query['date']}.json"
        return file.read_bytes() if file.exists() and query["p"] == "0" else b"[]"

    return answer
