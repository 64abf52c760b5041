"""A whole edition, from choosing to the recorded answers, against what the line can take."""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from .database import fresh_database, run
from .edition import NOW, connect, fill, start_again, together
from .figures import Figure
from .sink import running_sink, source_rate

READERS, WORKERS, CHUNK, RUNS = 20_000, 2, 500, 5
FINISHED = 1_000
"""Messages for each process of Django's way; it takes long."""


def measure_sending(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table, and figures: limit and edition by turns, medians."""
    readers = round(READERS * scale)
    limits, rates, cpus = [], [], []
    with running_sink() as port, fresh_database() as variables:
        variables["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        variables["POSTAL_ADDRESS"] = "Paper Round, 1 Test Street, Testtown"
        fill(variables, readers)
        octets = 0
        runs = max(1, round(RUNS * scale))
        for number in range(runs):
            print(f"sending: run {number + 1} of {runs}", file=sys.stderr, flush=True)
            rate, cpu = send_edition(variables, readers, WORKERS)
            octets = octets or _octets(variables)
            limits.append(source_rate(port, WORKERS, octets, readers))
            rates.append(rate)
            cpus.append(cpu)
        finished = together(variables, [["send_finished", str(round(FINISHED * scale))]] * WORKERS)
    took = max(f["ended"] for f in finished) - min(f["begun"] for f in finished)
    django = sum(f["sent"] for f in finished) / took
    limit, rate = statistics.median(limits), statistics.median(rates)
    return [
        (f"an edition of {readers:,} digests, {WORKERS} workers", f"{rate:,.0f} a second"),
        ("  slowest and fastest run", f"{min(rates):,.0f} to {max(rates):,.0f}"),
        ("  CPU time of the workers, a digest", f"{statistics.median(cpus) * 1e6:,.0f} µs"),
        (f"smtp-source -d, {WORKERS} sessions, {octets:,} octets", f"{limit:,.0f} a second"),
        ("  slowest and fastest run", f"{min(limits):,.0f} to {max(limits):,.0f}"),
        ("Django’s send_messages, finished messages", f"{django:,.0f} a second"),
    ], [
        Figure("send_rate_of_limit", rate / limit, ">=0.6"),
        Figure("send_speedup", rate / django, ">=5"),
    ]


def send_edition(variables: dict[str, str], readers: int, workers: int) -> tuple[float, float]:
    """Digests a second, and the workers' CPU time for each, of sending all that are due."""
    start_again(variables)
    run(variables, "manage.py", "shell", "--no-imports", "--command", _ROLL)
    with connect(variables) as connection:
        rows = connection.execute("SELECT id FROM subscriptions_subscriber ORDER BY id")
        pks = [pk for (pk,) in rows.fetchmany(readers)]
    chunks = [pks[start : start + CHUNK] for start in range(0, len(pks), CHUNK)]
    with tempfile.TemporaryDirectory() as folder:
        commands = []
        for number in range(workers):
            path = Path(folder) / f"{number}.json"
            path.write_text(json.dumps(chunks[number::workers]))
            commands.append(["send_edition", os.fspath(path)])
        measured = together(variables, commands)
    sent = sum(m["sent"] for m in measured)
    assert sent == readers, f"{sent} of {readers} were sent"
    took = max(m["ended"] for m in measured) - min(m["begun"] for m in measured)
    return sent / took, sum(m["cpu"] for m in measured) / sent


_ROLL = f"""
import datetime as dt
from subscriptions.digests.tick import begin
next(iter(begin(dt.datetime.fromisoformat("{NOW}"))))
"""
_OCTETS = """
from django.utils import timezone
from subscriptions.digests.compose import Composer
from subscriptions.digests.content import load_content
from subscriptions.models import Delivery
now = timezone.now()
rows = list(Delivery.objects.select_related("subscriber").order_by("pk")[:200])
composer = Composer(load_content(rows))
print(sum(len(composer.compose(row, now).wire()) for row in rows) // len(rows))
"""


def _octets(variables: dict[str, str]) -> int:
    """The mean size of a message."""
    return int(run(variables, "manage.py", "shell", "--no-imports", "--command", _OCTETS))
