"""How fast, and over how many connections, all workers together send.

With Redis the limits hold over all workers; without, or while it is away, over the threads
of this process.
"""

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

SEAT_LEASE = 300
"""Seconds after which the seat of a killed worker is free again."""

RATE_KEY, SEATS_KEY = "paper-round:delivery:due", "paper-round:delivery:seats"
# The generic cell rate algorithm (ITU-T I.371): the time when the next message is due.
_RESERVE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local start = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local due = start + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.6f', due), 'EX', math.ceil(due - now) + 1)
return string.format('%.6f', start - now)
"""
# A sorted set of seats by the time their lease ends.
_SIT = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""

logger = logging.getLogger(__name__)


class Throttle:
    """The rate limit ``DELIVERY_RATE``; every instance draws on the same one."""

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep, self._clock = sleep, clock

    def wait_for(self, count: int) -> None:
        """Sleep until ``count`` messages may go out together; the next call waits them out."""
        if not settings.DELIVERY_RATE:
            return
        seconds = count / settings.DELIVERY_RATE
        wait = _ask_redis(_RESERVE, RATE_KEY, seconds)
        if wait is None:
            wait = _process.reserve(seconds, self._clock())
        if (wait := float(wait)) > 0:
            self._sleep(wait)


class Seat:
    """One of the ``DELIVERY_CONNECTIONS``, leased."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex

    def renew(self) -> bool:
        """Begin the lease anew; False where it had ended and others have all seats now."""
        limit = settings.DELIVERY_CONNECTIONS
        if not limit:
            return True
        seated = _ask_redis(_SIT, SEATS_KEY, self._name, limit, SEAT_LEASE)
        return bool(_process.sit(self._name, limit) if seated is None else seated)

    def leave(self) -> None:
        if settings.DELIVERY_CONNECTIONS:
            _ask_redis("return redis.call('ZREM', KEYS[1], ARGV[1])", SEATS_KEY, self._name)
            _process.leave(self._name)


@contextmanager
def seat() -> Iterator[Seat | None]:
    """A seat, None where all are taken; to be renewed well within ``SEAT_LEASE`` seconds."""
    seat = Seat()
    if not seat.renew():
        yield None
        return
    try:
        yield seat
    finally:
        seat.leave()


class _Process:
    """The limits within this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = -math.inf
        self._seats: set[str] = set()

    def reserve(self, seconds: float, now: float) -> float:
        with self._lock:
            start = max(now, self._due)
            self._due = start + seconds
        return start - now

    def sit(self, name: str, limit: int) -> bool:
        with self._lock:
            if name not in self._seats and len(self._seats) >= limit:
                return False
            self._seats.add(name)
            return True

    def leave(self, name: str) -> None:
        with self._lock:
            self._seats.discard(name)


_process = _Process()


def _ask_redis(script: str, key: str, *values: str | float) -> Any:
    """What the script returns; None without Redis, or where it does not answer."""
    if not settings.REDIS_URL:
        return None
    try:
        return _redis(settings.REDIS_URL).eval(script, 1, key, *values)
    except redis.RedisError as error:
        logger.warning("delivery limits hold within this process only: %s", error)
        return None


@lru_cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=2)
