"""Requests to a source: polite, bounded in time and size, tried again where that may help."""

import asyncio
import datetime as dt
import ipaddress
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Container, Coroutine, Mapping
from email.utils import parseaddr, parsedate_to_datetime
from http import HTTPStatus
from types import TracebackType
from typing import IO, Any, TypeVar

import aiohttp
import stamina
from django.conf import settings
from yarl import URL

from .records import clean

SPACING = 3.0
"""Seconds between two requests: arXiv's terms of use, and no harm elsewhere."""
EXCHANGE = aiohttp.ClientTimeout(total=120, sock_connect=15, sock_read=60)
MAX_OCTETS = 64 * 2**20
ATTEMPTS, ALL_ATTEMPTS = 5, 300.0
"""How often one request is tried, and for how many seconds in all."""
PATIENCE = 120.0
"""The longest Retry-After, in seconds, that a run waits for."""
LONGEST_PAUSE = 7 * 86_400.0
"""Nobody means a longer one."""
MAX_REDIRECTS = 5
IN_MEMORY = 2**20
T = TypeVar("T")
_REDIRECTS = (301, 302, 303, 307, 308)


class FetchError(Exception):
    """The source did not give what it was asked for."""

    again: float | bool = False
    """Whether to ask once more; a number: after so many seconds."""


class Unanswered(FetchError):
    """No answer, or not all of it; the next attempt may fare better."""

    again = True


class ComeAgainLater(FetchError):
    """The source asks for a pause (RFC 9110, 10.2.3) that is too long to wait for."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Http:
    """One connection to one source.

    ``alive(requests, octets)`` is called before each request with the counts so far.
    """

    def __init__(self, base_url: str, alive: Callable[[int, int], object] = lambda *_: None):
        self.base = URL(base_url)
        self.requests = self.octets = 0
        self._alive = alive
        # In a thread of its own: whoever calls may have a loop already.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._session: aiohttp.ClientSession | None = None

    def __enter__(self) -> "Http":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session:
            self._run(self._session.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:  # Ctrl-C, too, ends the exchange
            future.cancel()
            raise

    def get(
        self, query: Mapping[str, str], path: str = "", accept: Container[int] = (200,)
    ) -> IO[bytes]:
        """The body of an answer with a status of ``accept``, as a file at its beginning.

        Raises FetchError.
        """
        url = self.base.joinpath(path, encoded=False) if path else self.base
        url = url.update_query(query)
        for attempt in stamina.retry_context(
            on=_again, attempts=ATTEMPTS, timeout=ALL_ATTEMPTS, wait_initial=5, wait_max=60,
            wait_jitter=5,
        ):  # fmt: skip
            with attempt:
                return self._follow(url, accept)
        raise AssertionError("the last attempt returns or raises")

    def _follow(self, url: URL, accept: Container[int]) -> IO[bytes]:
        for _ in range(MAX_REDIRECTS + 1):
            time.sleep(SPACING)  # before the first one too: another run may just have ended
            self._alive(self.requests, self.octets)
            self.requests += 1
            try:
                found = self._run(self._ask(url, accept))
            except (aiohttp.ClientError, OSError, ValueError) as error:  # timeouts are OSErrors
                what = (
                    "took too long" if isinstance(error, TimeoutError) else clean(str(error), 200)
                )
                raise Unanswered(f"{url.host} did not answer: {what}") from error
            if not isinstance(found, URL):
                return found
            self._check(found)
            url = found
        raise FetchError(f"{url.host} redirects more than {MAX_REDIRECTS} times")

    async def _ask(self, url: URL, accept: Container[int]) -> IO[bytes] | URL:
        """The body, or where it is."""
        if self._session is None:
            address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1),
                timeout=EXCHANGE,
                headers={
                    "User-Agent": f"PaperRound (+{settings.SITE_URL}; mailto:{address})",
                    "Accept-Encoding": "gzip",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status in _REDIRECTS and "Location" in response.headers:
                return url.join(URL(response.headers["Location"]))
            if response.status not in accept:
                raise _refusal(response)
            return await self._body(response)

    async def _body(self, response: aiohttp.ClientResponse) -> IO[bytes]:
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (the caller's to close)
        size = 0
        async for chunk in response.content.iter_chunked(2**16):
            size += len(chunk)
            self.octets += len(chunk)
            if size > MAX_OCTETS:
                raise FetchError(f"{response.url.host} sends more than {MAX_OCTETS >> 20} MB")
            file.write(chunk)
        file.seek(0)
        return file

    def _check(self, target: URL) -> None:
        """Refuse a redirect to where nobody but this machine's neighbours should come."""
        if target.scheme != self.base.scheme:
            raise FetchError(f"{self.base.host} redirects to another scheme, {target.scheme}")
        try:
            if target.origin() == self.base.origin():
                return
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise Unanswered(f"{target.host} is not known: {error}") from error
        addresses = [ipaddress.ip_address(address[0]) for *_, address in found]
        if not all(address.is_global and not address.is_multicast for address in addresses):
            raise FetchError(f"{self.base.host} redirects to a private address, {target.host}")


def _again(error: Exception) -> bool | float:
    return error.again if isinstance(error, FetchError) else False


def _refusal(response: aiohttp.ClientResponse) -> FetchError:
    status = response.status
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "an unknown status"
    said = f"{response.url.host} answered {status}, {phrase}"
    error = FetchError(said)
    error.again = status == 429 or 500 <= status < 600
    if status in (429, 503) and (seconds := _retry_after(response.headers.get("Retry-After", ""))):
        if seconds > PATIENCE:
            return ComeAgainLater(f"{said}; come again in {seconds:,.0f} seconds", seconds)
        error.again = seconds
    return error


def _retry_after(value: str) -> float | None:
    """Seconds; the header has them, or a date."""
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        seconds = (moment - dt.datetime.now(dt.UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_PAUSE)
