"""Composing one digest: joined from compiled pieces, against rendered, inlined and encoded."""

import datetime as dt
import json
import statistics

from .database import fresh_database, run
from .edition import fill
from .figures import Figure

READERS = 500
RUNS = 5


def measure_composing(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table, and figures."""
    with fresh_database() as variables:
        fill(variables, max(20, round(READERS * scale)))
        measured = json.loads(run(variables, "-m", "tests.benchmarks.composing"))
    speedup = measured["plain_us"] / measured["assembled_us"]
    return [
        ("composing a digest of 10 papers", f"{measured['assembled_us']:,.0f} µs"),
        ("  rendered, inlined and encoded instead", f"{measured['plain_us']:,.0f} µs"),
        ("  compiling the templates, once a worker", f"{measured['compile_ms']:,.0f} ms"),
        ("  its size on the wire", f"{measured['octets'] / 1000:,.1f} KB"),
    ], [Figure("compose_speedup", speedup, ">=150")]


def main() -> None:
    """In a process with Django: medians of five runs over different readers."""
    import time

    import django

    django.setup()

    from subscriptions.digests.compose import Composer
    from subscriptions.digests.content import load_content
    from subscriptions.digests.tick import begin, prepare
    from subscriptions.models import Delivery
    from tests.digests.plain import plain_message

    now = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
    for chunk in begin(now):
        prepare(chunk, now)
    rows = [
        row
        for row in Delivery.objects.select_related("subscriber").order_by("pk")
        if len(row.items) == 10
    ]
    content = load_content(rows)
    begun = time.perf_counter()
    composer = Composer(content)
    compiled = time.perf_counter() - begun
    octets = [len(composer.compose(row, now).wire()) for row in rows]

    def assembled() -> float:
        begun = time.perf_counter()
        for row in rows:
            composer.compose(row, now).wire()
        return (time.perf_counter() - begun) / len(rows)

    def plain() -> float:
        begun = time.perf_counter()
        for row in rows[:20]:
            plain_message(row, content, now).message().as_bytes()
        return (time.perf_counter() - begun) / len(rows[:20])

    runs = [(assembled(), plain()) for _ in range(RUNS)]
    print(
        json.dumps(
            {
                "assembled_us": statistics.median(run[0] for run in runs) * 1e6,
                "plain_us": statistics.median(run[1] for run in runs) * 1e6,
                "compile_ms": compiled * 1e3,
                "octets": statistics.median(octets),
            }
        )
    )


if __name__ == "__main__":
    main()
