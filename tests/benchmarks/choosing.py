"""Choosing what a reader has not had, with a year of digests for a million readers."""

import json
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .database import fresh_database, run
from .edition import add_readers, connect, fill
from .figures import Figure

READERS, WEEKS, CHUNK, CHUNKS = 1_000_000, 52, 500, 10
ROW_OCTETS = 1_800
"""Of one delivery with its part of the indexes, rounded up."""

ITEMS = """
CREATE TABLE some_items AS
SELECT n, (SELECT jsonb_agg(jsonb_build_object(
        'paper', 100000 + (n * 7919 + k * 104729) % 400000, 'section', 'matches',
        'reason', 'You follow Topic ' || n % 53 || ': “words”', 'interest', n * 3 + k))
    FROM generate_series(1, 10) k) AS items
FROM generate_series(0, 4999) n
"""
DELIVERIES = """
INSERT INTO subscriptions_delivery (subscriber_id, first_day, newest_day, items, kept_away, status,
    attempts, last_reply, created_at, last_attempt_at, sent_at)
SELECT s.id, day - 6, day, i.items, '{}', 'sent', 1, '250 2.0.0 Ok', day, day, day
FROM (SELECT DATE '2025-10-05' - 7 * %(week)s::int AS day) d, subscriptions_subscriber s
JOIN some_items i ON i.n = (s.id * 31 + %(week)s) %% 5000
"""


def measure_choosing(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Milliseconds a reader in chunks of 500 random readers; the papers are loaded once."""
    with fresh_database() as variables:
        readers = _that_fit(variables, max(CHUNK, round(READERS * scale)))
        fill(variables, CHUNK)
        add_readers(variables, CHUNK + 1, readers)
        begun = time.perf_counter()
        _add_deliveries(variables)
        took = time.perf_counter() - begun
        measured = _choose(variables, readers)
    return [
        (
            f"choosing, {readers:,} readers with {WEEKS} deliveries",
            f"{measured['median_ms']:.2f} ms",
        ),
        ("  a reader of the slowest chunk", f"{measured['worst_ms']:.2f} ms"),
        ("  of the first, which loads the papers", f"{measured['first_ms']:.2f} ms"),
        ("  filling the table, not counted", f"{took:,.0f} s"),
    ], [Figure("choosing_ms", measured["median_ms"], "<1")]


def _that_fit(variables: dict[str, str], readers: int) -> int:
    """As many readers as there is room for, with half of it to spare."""
    with connect(variables) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    room = int(shutil.disk_usage(row[0]).free / 1.5 / ROW_OCTETS / WEEKS)
    if room < readers:
        print(f"choosing: there is only room for {room:,} readers", file=sys.stderr, flush=True)
    return min(readers, room)


def _add_deliveries(variables: dict[str, str]) -> None:
    """Week by week, as they come about; without the checks of foreign keys."""
    with connect(variables) as connection:
        connection.execute(ITEMS)
        connection.execute("ANALYZE some_items")
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'subscriptions_delivery'"
            " AND indexname = 'delivery_progress'"
        ).fetchall()
        connection.execute("DROP INDEX delivery_progress")

    def fill_week(week: int) -> None:
        with connect(variables) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET synchronous_commit = off")
            connection.execute(DELIVERIES, {"week": week})
        print(f"choosing: week {week + 1} of {WEEKS} is filled", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill_week, reversed(range(WEEKS))))
    with connect(variables) as connection:
        for (definition,) in indexes:
            connection.execute(definition)
        connection.execute("ANALYZE subscriptions_delivery")
        connection.execute("CHECKPOINT")


def _choose(variables: dict[str, str], readers: int) -> dict[str, float]:
    with connect(variables) as connection:
        bounds = connection.execute("SELECT min(id), max(id) FROM subscriptions_subscriber")
        first, last = bounds.fetchone() or (0, 0)
    draw = random.Random(7)
    chunks = [draw.sample(range(first, last + 1), CHUNK) for _ in range(CHUNKS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chunks.json"
        path.write_text(json.dumps(chunks))
        measured: dict[str, float] = json.loads(
            run(variables, "-m", "tests.benchmarks.worker", "choose", os.fspath(path))
        )
    return measured
