"""The limits of all workers together: on a real Redis, and within a process without one."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from subscriptions.delivery import throttle
from subscriptions.delivery.throttle import RATE_KEY, SEAT_LEASE, SEATS_KEY, Seat, Throttle, seat
from tests.services import free_port, running_redis


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with running_redis() as url:
        yield url


@pytest.fixture
def server(redis_url: str, settings: Any) -> Iterator[redis.Redis]:
    """An empty Redis that the settings name."""
    settings.REDIS_URL = redis_url
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture(params=["no Redis", "Redis away"])
def alone(request: pytest.FixtureRequest, settings: Any) -> None:
    """Nothing is shared with other processes."""
    away = request.param == "Redis away"
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0" if away else ""


@pytest.fixture(autouse=True)
def _nobody_waits_or_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_process", throttle._Process())


def test_two_workers_share_the_rate(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_RATE = 0.01  # a message in 100 seconds
    waits: list[float] = []
    one, two = Throttle(waits.append), Throttle(waits.append)
    for worker in (one, two, one, two):
        worker.wait_for(10)
    assert [round(wait, -2) for wait in waits] == [1000, 2000, 3000]
    assert 0 < server.ttl(RATE_KEY) <= 4002


def test_four_threads_at_once_wait_one_after_the_other(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_RATE = 0.001
    waits: list[float] = []
    workers = [Throttle(waits.append) for _ in range(4)]
    threads = [threading.Thread(target=worker.wait_for, args=(1,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, -2) for wait in waits) == [1000, 2000, 3000]


def test_what_was_not_used_is_not_saved_up(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_RATE = 0.01
    server.set(RATE_KEY, "1.0")  # long ago
    waits: list[float] = []
    for _ in range(2):
        Throttle(waits.append).wait_for(1)
    assert [round(wait, -2) for wait in waits] == [100]


def test_no_rate_asks_nobody(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_RATE, settings.DELIVERY_CONNECTIONS = 0, 0
    waits: list[float] = []
    Throttle(waits.append).wait_for(1_000_000)
    with seat() as taken, seat() as another:
        assert taken and another
    assert (waits, server.keys()) == ([], [])


def test_alone_the_threads_share_the_rate(alone: None, settings: Any) -> None:
    settings.DELIVERY_RATE = 2.0
    waits: list[float] = []
    clock = iter([100.0, 101.0, 101.0, 200.0]).__next__
    one, two = Throttle(waits.append, clock), Throttle(waits.append, clock)
    for worker in (one, two, one, two):
        worker.wait_for(4)
    assert waits == [1.0, 3.0]


def test_redis_away_is_told_without_its_password(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = f"redis://:secret@127.0.0.1:{free_port()}/0"
    settings.DELIVERY_RATE = 1.0
    Throttle().wait_for(1)
    assert "within this process only" in caplog.text
    assert "secret" not in caplog.text


def test_seats_are_limited(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 2
    with seat() as first:
        with seat() as second, seat() as third:
            assert first and second
            assert third is None
        with seat() as third:
            assert third
    assert server.zcard(SEATS_KEY) == 0


def test_a_seat_is_left_where_the_work_fails(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    with pytest.raises(ZeroDivisionError), seat():
        raise ZeroDivisionError
    with seat() as free:
        assert free


def test_the_seat_of_a_killed_worker_is_free_after_its_lease(
    server: redis.Redis, settings: Any
) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    killed, other = Seat(), Seat()
    assert killed.renew()
    assert not other.renew()
    assert 0 < server.ttl(SEATS_KEY) <= SEAT_LEASE
    _pass_time(server, SEAT_LEASE + 1)
    assert other.renew()
    assert not killed.renew()


def test_a_renewed_seat_is_kept(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    worker, other = Seat(), Seat()
    assert worker.renew()
    _pass_time(server, SEAT_LEASE - 100)
    assert worker.renew()
    _pass_time(server, SEAT_LEASE - 100)
    assert not other.renew()
    assert worker.renew()


def test_a_seat_outlives_a_flush(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    worker = Seat()
    assert worker.renew()
    server.flushall()
    assert worker.renew()
    assert not Seat().renew()


def test_leaving_twice_frees_nobody_elses(server: redis.Redis, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    gone, worker = Seat(), Seat()
    assert gone.renew()
    gone.leave()
    assert worker.renew()
    gone.leave()
    assert not gone.renew()


def test_alone_seats_are_limited(alone: None, settings: Any) -> None:
    settings.DELIVERY_CONNECTIONS = 2
    with seat() as first, seat() as second, seat() as third:
        assert first and second
        assert first.renew()
        assert third is None
    with seat() as again:
        assert again


def test_a_seat_taken_while_redis_was_away_is_left_for_good(
    server: redis.Redis, settings: Any, redis_url: str
) -> None:
    settings.DELIVERY_CONNECTIONS = 1
    settings.REDIS_URL = ""
    with seat() as taken:
        settings.REDIS_URL = redis_url
        assert taken and taken.renew()
    settings.REDIS_URL = ""
    with seat() as again:
        assert again


def _pass_time(server: redis.Redis, seconds: int) -> None:
    """End every lease so much earlier."""
    for name, _ in server.zscan_iter(SEATS_KEY):
        server.zincrby(SEATS_KEY, -seconds, name)
