"""What pages cost: the front page of a busy site, the preview, and what time tells strangers."""

import http.client
import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from scipy.stats import mannwhitneyu

from tests.services import free_port, running_redis, wait_until

from .database import fresh_database, run
from .edition import NOW, fill
from .figures import Figure
from .papers import write

PAPERS, SECONDS, CLIENTS = 16_500, 10.0, 4
"""Invented ones, besides a real week; how long the front page is asked for, by how many."""
PREVIEWS, TRIES = 40, 200
SCHEDULE = {"cadence": "weekly", "weekday": "0", "hour": "8", "timezone": "UTC"}


def measure_pages(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """One gunicorn process over PostgreSQL and Redis, and clients on the same machine."""
    tries = max(round(TRIES * scale), 20)
    with fresh_database() as variables, running_redis() as redis_url:
        variables["REDIS_URL"] = redis_url
        fill(variables, tries)
        _fill_up(variables, round(PAPERS * scale))
        with _gunicorn(variables) as port:
            rate = _front_page_rate(port, SECONDS * scale)
            first, *previews = _previews(port, max(round(PREVIEWS * scale), 3))
            difference, p = _what_time_tells(port, tries)
    slow = max(previews)
    return [
        ("front page, requests a second, one process", f"{rate:.0f}"),
        ("the first preview of a process", f"{first:.0f} ms"),
        (f"a preview, median of {len(previews)}; the slowest",
         f"{statistics.median(previews):.0f}; {slow:.0f} ms"),
        (f"sign-up, known less unknown address, {tries} each", f"{difference:+.2f} ms"),
        ("  by chance alone at least so much in", f"{100 * p:.0f} % of cases"),
    ], [
        Figure("front_page_rate", rate, ">=200"),
        Figure("preview_ms", statistics.median(previews), "<300"),
        Figure("preview_worst_ms", slow, "<300"),
        Figure("sign_up_chance", p, ">=0.01"),
    ]  # fmt: skip


def _fill_up(variables: dict[str, str], papers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "papers.jsonl"
        write(path, range(papers))
        run(variables, "manage.py", "import_papers", str(path), "--format=jsonl", f"--now={NOW}")
    run(variables, "-m", "tests.benchmarks.worker", "roll_editions", NOW)


@contextmanager
def _gunicorn(variables: dict[str, str]) -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory() as static:
        environ = variables | {"AUDIT_STATIC_ROOT": static}
        environ["DJANGO_SETTINGS_MODULE"] = "tests.audit.settings"
        run(environ, "manage.py", "collectstatic", "--noinput", "--verbosity=0")
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "digest_service.wsgi", f"--bind=127.0.0.1:{port}",
             "--worker-class=gthread", "--threads=8", "--workers=1", "--log-level=error"],
            env=environ,
        )  # fmt: skip
        try:
            wait_until(lambda: _answers(port), "gunicorn did not answer")
            yield port
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    try:
        return _ask(http.client.HTTPConnection("127.0.0.1", port), "GET", "/healthz") == 200
    except OSError:
        return False


def _ask(
    line: http.client.HTTPConnection, method: str, path: str, form: object = None, **headers: str
) -> int:
    sent = {"Host": "localhost", "Accept-Encoding": "gzip"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = urlencode(form, doseq=True) if form else None  # type: ignore[arg-type]
    if body:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    line.request(method, path, body, sent)
    answer = line.getresponse()
    answer.read()
    return answer.status


def _front_page_rate(port: int, seconds: float) -> float:
    line = http.client.HTTPConnection("127.0.0.1", port)
    assert _ask(line, "GET", "/") == 200
    until, counts = time.perf_counter() + seconds, itertools.count()

    def client() -> None:
        own = http.client.HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < until:
            assert _ask(own, "GET", "/") == 200
            next(counts)

    begun = time.perf_counter()
    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return next(counts) / (time.perf_counter() - begun)


def _previews(port: int, count: int) -> list[float]:
    """Milliseconds, the first one's with making the shelf; no two choices are alike."""
    draw = random.Random(5)
    topics = ["robotics", "cosmology", "llm-reasoning", "diffusion", "agents", "medical-imaging"]
    words = ["diffusion", "language", "robot", "graph", "quantum", "speech", "vision", "protein"]
    line, times = http.client.HTTPConnection("127.0.0.1", port), []
    for n in range(count + 1):
        form = SCHEDULE | {
            "topics": draw.sample(topics, 3),
            "phrases": " ".join(draw.sample(words, 2)) + f" {n}",
            "authors": "Wei Zhang",
        }
        begun = time.perf_counter()
        assert _ask(line, "POST", "/preview/", form, X_Forwarded_For=_network(n)) == 200
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _what_time_tells(port: int, tries: int) -> tuple[float, float]:
    """Known and unknown addresses in turn, each once: the difference of their medians in ms.

    And how often chance makes one as large (Mann and Whitney, 1947).
    """
    line = http.client.HTTPConnection("127.0.0.1", port)
    times: dict[bool, list[float]] = {True: [], False: []}
    for n in range(1, tries + 1):
        for known in (True, False) if n % 2 else (False, True):
            address = f"reader{n}@example.org" if known else f"nobody{n}@example.org"
            form = SCHEDULE | {"email": address, "phrases": "tides"}
            begun = time.perf_counter()
            status = _ask(line, "POST", "/", form, X_Forwarded_For=_network(n))
            assert status == 302
            times[known].append((time.perf_counter() - begun) * 1000)
    p = float(mannwhitneyu(np.array(times[True]), np.array(times[False])).pvalue)
    return statistics.median(times[True]) - statistics.median(times[False]), p


def _network(n: int) -> str:
    return f"93.{n // 250}.{n % 250}.1"
