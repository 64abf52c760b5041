"""Postfix's SMTP sink, and its source: how many messages a second this machine can move."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.services import free_port, wait_until

SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
SOURCE = shutil.which("smtp-source", path="/usr/sbin:/usr/bin")


@contextmanager
def running_sink() -> Iterator[int]:
    """A server that takes every message and keeps none; its port."""
    assert SINK, "smtp-sink is not installed; it comes with Postfix"
    port = free_port()
    sink = subprocess.Popen(
        [SINK, "-u", "nobody", "-m", "500", f"127.0.0.1:{port}", "1000"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _listens(port), "smtp-sink did not start")
        yield port
    finally:
        sink.terminate()
        sink.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(100).startswith(b"220")
    except ConnectionRefusedError:
        return False


def source_rate(port: int, sessions: int, octets: int, messages: int) -> float:
    """Messages a second of ``smtp-source -d``: the limit."""
    assert SOURCE, "smtp-source is not installed; it comes with Postfix"
    begun = time.perf_counter()
    subprocess.run(
        [
            SOURCE, "-d", "-s", str(sessions), "-l", str(octets), "-m", str(messages),
            "-f", "a@example.org", "-t", "b@example.org", f"127.0.0.1:{port}",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return messages / (time.perf_counter() - begun)
