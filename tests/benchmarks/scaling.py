"""Whether a worker's memory and the cost of a digest stay the same as readers become more."""

import json
import os
import sys
import tempfile
from pathlib import Path

from .database import fresh_database, run
from .edition import add_readers, connect, fill, start_again
from .figures import Figure
from .sink import running_sink

FEW, MANY = 10_000, 1_000_000
CHUNKS, CHUNK = 20, 500
COSTS = 1_000, 10_000, 100_000


def measure_memory(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Peak memory of a worker that ticks and sends twenty chunks, with few and many readers."""
    peaks = []
    with running_sink() as port, fresh_database() as variables:
        variables["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        few, many = round(FEW * scale), round(MANY * scale)
        fill(variables, few)
        for readers in (few, many):
            print(f"memory: {readers:,} readers", file=sys.stderr, flush=True)
            if readers > few:
                add_readers(variables, few + 1, readers)
            start_again(variables)
            chunks = max(1, round(CHUNKS * scale))
            peaks.append(_run(variables, "tick_and_send", str(chunks))["peak_mb"])
    return [
        (f"peak memory of a worker, {few:,} readers", f"{peaks[0]:.0f} MB"),
        (f"  {many:,} readers", f"{peaks[1]:.0f} MB"),
    ], [
        Figure("worker_memory_mb", max(peaks), "<250"),
        Figure("worker_memory_growth", peaks[1] / peaks[0], "<1.1"),
    ]


def measure_cost(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """The cost of a digest in one process, what is made once counted apart."""
    rows, costs = [], []
    with running_sink() as port, fresh_database() as variables:
        variables["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        before = 0
        for readers in (round(count * scale) for count in COSTS):
            print(f"cost: {readers:,} readers", file=sys.stderr, flush=True)
            if before:
                add_readers(variables, before + 1, readers)
            else:
                fill(variables, readers)
            before = readers
            start_again(variables)
            measured = send_all(variables)
            costs.append(measured["cost_us"])
            rows.append((f"a digest of {readers:,}", f"{measured['cost_us']:,.0f} µs"))
            rows.append(("  made once: shelf, templates", f"{measured['once_s']:.1f} s"))
    return rows, [Figure("cost_growth", costs[-1] / costs[0], "<1.1")]


def send_all(variables: dict[str, str]) -> dict[str, float]:
    """What sending to all readers cost one process."""
    with connect(variables) as connection:
        rows = connection.execute("SELECT id FROM subscriptions_subscriber ORDER BY id")
        pks = [pk for (pk,) in rows.fetchall()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chunks.json"
        path.write_text(json.dumps([pks[n : n + CHUNK] for n in range(0, len(pks), CHUNK)]))
        return _run(variables, "send_with_cost", os.fspath(path))


def _run(variables: dict[str, str], *command: str) -> dict[str, float]:
    measured: dict[str, float] = json.loads(
        run(variables, "-m", "tests.benchmarks.worker", *command)
    )
    return measured
