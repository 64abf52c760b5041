"""The commands of docker-compose.yml as plain processes, with the servers tests have."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import environ
import psycopg
import pytest
import yaml

from subscriptions.management.inbox import Folder, smtp_server
from tests.conftest import ROOT
from tests.services import free_port, running_redis, wait_until

pytestmark = pytest.mark.postgresql
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
    "services"
]
STARTED = ("web", "worker", "beat")
READER = "grace@example.org"


class Site:
    """What would run in containers, in this machine's processes."""

    def __init__(self, folder: Path, servers: dict[str, str]) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.environ = {
            **example(),
            **servers,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOSTNAME": socket.gethostname(),
            "VAR_DIR": str(folder / "var"),
            "TICK_SECONDS": "1",
            "SOURCES": "none",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, command: list[str]) -> None:
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True)
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"

    def command(self, service: str) -> list[str]:
        return [self._filled(word) for word in SERVICES[service]["command"]]

    def health_check(self, service: str) -> list[str]:
        kind, *words = map(self._filled, SERVICES[service]["healthcheck"]["test"])
        return {"CMD": [], "CMD-SHELL": ["sh", "-c"]}[kind] + words

    def _filled(self, word: str) -> str:
        """As Compose fills it in, and with a free port for the container's own."""
        word = re.sub(r"\$\{(\w+):-(.*?)\}", lambda m: self.environ.get(m[1]) or m[2], word)
        assert "${" not in word
        return re.sub(r"(0\.0\.0\.0|127\.0\.0\.1):8000", self.address, word).replace("$$", "$")

    @contextmanager
    def started(self) -> Iterator[None]:
        for name in STARTED:
            with (self.folder / f"{name}.log").open("wb") as log:
                self.processes[name] = subprocess.Popen(
                    self.command(name), cwd=ROOT, env=self.environ, stdout=log, stderr=log
                )
        try:
            yield
        finally:
            self.stop()
            for name in self.processes:
                print(f"--- {name}\n{(self.folder / f'{name}.log').read_text()}")

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()

    def answers(self) -> bool:
        for name, process in self.processes.items():
            assert process.poll() is None, f"{name} ended by itself"
        try:
            with urlopen(f"http://{self.address}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (URLError, TimeoutError):
            return False


@pytest.fixture
def outbox(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "outbox")


@pytest.fixture
def site(tmp_path: Path, outbox: Folder) -> Iterator[Site]:
    with ExitStack() as stack:
        smtp = smtp_server(outbox, free_port())
        smtp.start()
        stack.callback(smtp.stop)
        servers = {
            "DATABASE_URL": new_database(),
            "REDIS_URL": stack.enter_context(running_redis()),
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp.port}",
        }
        site = Site(tmp_path, servers)
        site.run(site.command("migrate"))
        stack.enter_context(site.started())
        wait_until(site.answers, "the site did not answer")
        yield site


def example() -> dict[str, str]:
    """The variables of .env.example, as a shell reads them."""
    script = "set -a; . ./.env.example; env -0"
    words = ["env", "-i", "sh", "-c", script]
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in printed.split("\0") if line)
    return {name: value for name, value in found.items() if name not in ("PWD", "SHLVL", "_")}


def new_database() -> str:
    first = os.environ["DATABASE_URL"]
    with connection(first) as cursor:
        cursor.execute("DROP DATABASE IF EXISTS compose WITH (FORCE)")
        cursor.execute("CREATE DATABASE compose")
    return first.rpartition("/")[0] + "/compose"


@contextmanager
def connection(url: str) -> Iterator[psycopg.Cursor]:
    parts = environ.Env.db_url_config(url)
    with (
        psycopg.connect(
            host=parts["HOST"], port=parts["PORT"], user=parts["USER"], dbname=parts["NAME"],
            autocommit=True,
        ) as found,
        found.cursor() as cursor,
    ):  # fmt: skip
        yield cursor


def test_a_reader_signs_up_and_health_checks_tell_running_from_stopped(
    site: Site, outbox: Folder
) -> None:
    sign_up(site)
    wait_until(lambda: outbox.get(1), "the worker sent no mail")
    mail = outbox.get(1)
    assert mail is not None
    assert mail.message["To"] == READER
    assert f"{site.environ['SITE_URL']}/confirm/" in mail.body("plain")
    with connection(site.environ["DATABASE_URL"]) as cursor:

        def days() -> int:
            cursor.execute("SELECT count(*) FROM subscriptions_edition")
            return int((cursor.fetchone() or [0])[0])

        wait_until(days, "beat’s tick did not run")
    for name in STARTED:
        site.run(site.health_check(name))
    site.stop()
    checks = [
        subprocess.Popen(
            site.health_check(name), cwd=ROOT, env=site.environ, stderr=subprocess.DEVNULL
        )
        for name in STARTED
    ]
    for name, check in zip(STARTED, checks, strict=True):
        assert check.wait(timeout=30), f"{name} is stopped, and its health check is content"


def sign_up(site: Site) -> None:
    with urlopen(f"http://{site.address}/") as response:
        page = response.read().decode()
    topic = re.search(r'name="topics" value="([\w-]+)"', page)
    assert topic
    form = {
        "topics": topic[1],
        "cadence": "weekly",
        "weekday": "0",
        "hour": "8",
        "timezone": "Europe/Berlin",
        "email": READER,
    }
    with urlopen(f"http://{site.address}/", urlencode(form).encode()) as response:
        assert response.url == f"http://{site.address}/check-inbox/"
