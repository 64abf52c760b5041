"""Messages a second of one process over the mail services' HTTP, against services of our own."""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from subscriptions.delivery import esp as way
from subscriptions.delivery.outcomes import Outcomes, Result
from tests.delivery.esp_server import ESPS, EspServer, choose
from tests.delivery.letters import Letter, go_on

from .database import run
from .figures import Figure

MESSAGES, WINDOW = 400, 100
HTML, TEXT = 60_000, 15_000
"""Octets of a digest's parts."""
LATENCIES = 0.0, 0.05
"""Seconds until an answer."""


def measure_mail_services(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table; no figure has a bar, as what limits is the service's answer."""
    variables = os.environ | {
        "DATABASE_URL": "sqlite://:memory:",
        "DJANGO_SETTINGS_MODULE": "digest_service.settings",
    }
    count = str(max(1, round(MESSAGES * scale)))
    printed = run(variables, "-m", "tests.benchmarks.worker", "send_to_services", count)
    rates = json.loads(printed)
    names = [name for name in rates if name.partition(",")[0] in ESPS]
    return [(name, f"{rates[name]:,.0f} a second") for name in names], []


def send(count: int) -> dict[str, float]:
    """Messages a second by service, delay of its answer, and how many go at once."""
    rates = {}
    for esp in ESPS:
        for latency in LATENCIES:
            with served(esp, latency):
                name = f"{esp}, answers after {latency * 1000:.0f} ms"
                rates[name] = rate(count)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(way, "LINES", 1)
                    patch.setattr(way, "BATCH", 1)
                    rates[f"{name}, one by one"] = rate(count)
    return rates


def rate(count: int) -> float:
    outcomes: Outcomes = {}
    begun = time.perf_counter()
    with closing(way.EspTransport()) as transport:
        for start in range(1, count + 1, WINDOW):
            window = range(start, min(start + WINDOW, count + 1))
            transport.send([(n, Digest(n, f"r{n}@example.org")) for n in window], outcomes, go_on)
    taken = time.perf_counter() - begun
    assert {outcome.result for outcome in outcomes.values()} == {Result.SENT}
    return count / taken


class Digest(Letter):
    """As large as one."""

    def email(self) -> EmailMultiAlternatives:
        message = EmailMultiAlternatives(
            f"number {self.number}",
            "word " * (TEXT // 5),
            "digest@example.com",
            [self.recipient],
            headers={"Message-ID": f"<{self.number}@example.com>"},
        )
        message.attach_alternative("<p>word</p>\n" * (HTML // 12), "text/html")
        return message


@contextmanager
def served(esp: str, latency: float) -> Iterator[None]:
    """A service in a process of its own, which the settings name."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(esp, latency, there), daemon=True
    )
    process.start()
    with pytest.MonkeyPatch.context() as environment:
        choose(here.recv(), esp, settings, environment)
        yield
    here.send("over")
    process.join()


def _serve(esp: str, latency: float, pipe: Connection) -> None:
    server = EspServer(esp)
    server.before = lambda: time.sleep(latency)
    with server.running():
        pipe.send(server.url)
        pipe.recv()
