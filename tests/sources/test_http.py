"""Requests to a source, on a socket: what they bear, and what they refuse."""

import asyncio
import gzip
import itertools
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
import stamina

from subscriptions.sources import http
from subscriptions.sources.http import ComeAgainLater, FetchError, Http
from tests.replay import Answer, Query, Server, serving


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Nothing waits; how long it would have."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with stamina.set_testing(True, attempts=3):
        yield waits


def get(server: Server, **query: str) -> bytes:
    with Http(server.url) as client, client.get(query) as file:
        return file.read()


def once_then(first: Answer) -> list[Answer]:
    return [first, Answer(b"there")]


def test_one_connection_a_pause_before_each_request_and_a_name(slept: list[float]) -> None:
    with serving(lambda path, query: query["n"].encode()) as server, Http(server.url) as client:
        for n in "123":
            with client.get({"n": n}) as file:
                assert file.read() == n.encode()
        assert (client.requests, client.octets) == (3, 3)
    assert len(server.connections) == 1
    assert slept == [http.SPACING] * 3
    assert http.SPACING >= 3
    assert server.agents[0] == "PaperRound (+http://localhost:8000; mailto:digest@localhost)"


def test_a_token_with_percents_arrives_as_it_is() -> None:
    token = "verb%3DListRecords%26from%3D2011-02-03 +&=ä"
    with serving(lambda path, query: query["t"].encode()) as server:
        assert get(server, t=token) == token.encode()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(status: int) -> None:
    answers = iter(once_then(Answer(b"busy", status)))
    with serving(lambda path, query: next(answers)) as server:
        assert get(server) == b"there"


@pytest.mark.parametrize("status", [204, 304, 400, 403, 404, 410, 418])
def test_what_stays_is_not(status: int) -> None:
    with (
        serving(lambda path, query: Answer(b"", status)) as server,
        pytest.raises(FetchError, match=f"answered {status}"),
    ):
        get(server)
    assert len(server.asked) == 1


def test_it_gives_up() -> None:
    with (
        serving(lambda path, query: Answer(b"", 503)) as server,
        pytest.raises(FetchError, match="answered 503, Service Unavailable"),
    ):
        get(server)
    assert len(server.asked) == 3


@pytest.mark.parametrize(("value", "wait"), [("20", 20), ("0", None), ("soon", None), ("-3", None)])
def test_a_short_retry_after_is_waited_for(value: str, wait: float | None) -> None:
    waits: list[object] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: waits.append(details.caused_by)])
    answers = iter(once_then(Answer(b"", 503, {"Retry-After": value})))
    try:
        with serving(lambda path, query: next(answers)) as server:
            assert get(server) == b"there"
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)
    (error,) = waits
    assert isinstance(error, FetchError)
    assert error.again == (wait or True)


@pytest.mark.parametrize("value", ["7200", "Fri, 31 Dec 2199 23:59:59 GMT", "9" * 400])
def test_a_long_one_ends_the_run(value: str) -> None:
    with (
        serving(lambda path, query: Answer(b"", 429, {"Retry-After": value})) as server,
        pytest.raises(ComeAgainLater, match="come again in") as error,
    ):
        get(server)
    assert len(server.asked) == 1
    assert error.value.seconds >= 7200


def test_a_redirect_within_the_site() -> None:
    def answer(path: str, query: Query) -> Answer:
        return Answer(b"there") if path == "/new" else Answer(b"", 301, {"Location": "/new"})

    with serving(answer) as server:
        assert get(server) == b"there"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("ftp://example.org/", "to another scheme, ftp"),
        ("https://example.org/", "to another scheme, https"),
        ("file:///secret.txt", "to another scheme, file"),
        ("http://127.0.0.1:1/", "to a private address, 127.0.0.1"),
        ("http://[::1]/", "to a private address, ::1"),
        ("http://10.0.0.8/", "to a private address"),
        ("http://169.254.169.254/latest", "to a private address"),
        ("http://[::ffff:127.0.0.1]/", "to a private address"),
        ("http://localhost:8000/", "to a private address, localhost"),
        ("/again", "redirects more than"),
        ("http://[", "did not answer"),
    ],
)
def test_a_redirect_to_where_it_must_not_go(target: str, error: str) -> None:
    with (
        serving(lambda path, query: Answer(b"", 302, {"Location": target})) as server,
        pytest.raises(FetchError, match=error),
    ):
        get(server)


def test_a_body_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_OCTETS", 2**20)
    endless = (b"x" * 2**16 for _ in itertools.count())
    with (
        serving(lambda path, query: Answer(endless)) as server,
        pytest.raises(FetchError, match="sends more than 1 MB"),
    ):
        get(server)


def test_a_body_that_grows_when_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_OCTETS", 2**20)
    packed = gzip.compress(b"\x00" * 2**26)
    headers = {"Content-Encoding": "gzip"}
    with (
        serving(lambda path, query: Answer(packed, headers=headers)) as server,
        pytest.raises(FetchError, match="sends more than 1 MB"),
    ):
        get(server)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"no gzip at all", {"Content-Encoding": "gzip"}),
        (zlib.compress(b"x"), {"Content-Encoding": "br"}),
        (b"half", {"Content-Length": "1000", "Connection": "close"}),
        (b"", {"X": "y" * 100_000}),
    ],
)
def test_a_body_that_breaks_off(body: bytes, headers: dict[str, str]) -> None:
    with (
        serving(lambda path, query: Answer(body, headers=headers)) as server,
        pytest.raises(FetchError, match="did not answer"),
    ):
        get(server)


def test_a_server_that_trickles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time; all of them never will."""
    enough = threading.Event()
    monkeypatch.setattr(http, "EXCHANGE", aiohttp.ClientTimeout(total=0.3, sock_read=60))

    def drops() -> Iterator[bytes]:
        while not enough.wait(0.02):
            yield b"."

    with stamina.set_testing(True, attempts=1), serving(lambda *_: Answer(drops())) as server:
        with pytest.raises(FetchError, match="did not answer: took too long"):
            get(server)
        enough.set()


def test_nobody_is_there() -> None:
    with serving(lambda path, query: b"") as server:
        pass
    with pytest.raises(FetchError, match="did not answer"):
        get(server)


def test_the_end_of_a_client_closes_its_connection() -> None:
    with serving(lambda path, query: b"there") as server:
        for _ in range(2):
            assert get(server) == b"there"
    assert len(server.connections) == 2


def test_where_an_event_loop_runs_already() -> None:
    async def fetch() -> bytes:
        return get(server)

    with serving(lambda path, query: b"there") as server, ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(asyncio.run, fetch()).result() == b"there"
