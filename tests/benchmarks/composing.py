"""Composing one digest: joined from compiled pieces, against rendered, inlined and encoded."""

import json

from .database import fresh_database, run
from .edition import fill
from .figures import Figure

READERS = 500
RUNS = 5


def measure_composing(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table, and figures."""
    with fresh_database() as variables:
        fill(variables, max(20, round(READERS * scale)))
        measured = json.loads(
            run(
                variables,
                "-m",
                "tests.benchmarks.worker",
                "compose",
                str(max(1, round(RUNS * scale))),
            )
        )
    speedup = measured["plain_us"] / measured["assembled_us"]
    return [
        ("composing a digest of 10 papers", f"{measured['assembled_us']:,.0f} µs"),
        ("  rendered, inlined and encoded instead", f"{measured['plain_us']:,.0f} µs"),
        ("  compiling the templates, once a worker", f"{measured['compile_ms']:,.0f} ms"),
        ("  its size on the wire", f"{measured['octets'] / 1000:,.1f} KB"),
    ], [Figure("compose_speedup", speedup, ">=150")]
