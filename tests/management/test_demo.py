"""``make demo`` as a newcomer meets it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.services import free_port, wait_until


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what is in the repository, so that a demo that is running is left alone."""
    folder = tmp_path / "copy"
    kept = ("digest_service", "subscriptions", "templates", "manage.py", "Makefile",
            "pyproject.toml", "uv.lock")  # fmt: skip
    for name in kept:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    ports = {"PORT": str(free_port()), "INBOX_PORT": str(free_port())}
    inherited = {k: v for k, v in os.environ.items() if k not in ("VAR_DIR", "DATABASE_URL")}
    yield inherited | ports


def start(copy: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=copy, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_once_leaves_the_mails_and_ends(copy: Path, environ: dict[str, str]) -> None:
    for _ in range(2):  # a second run works, and starts afresh
        demo = start(copy, environ | {"DEMO_ONCE": "1"})
        output, _ = demo.communicate(timeout=120)
        assert demo.returncode == 0, output
        files = sorted((copy / "var" / "demo" / "outbox").glob("*.eml"))
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        assert len({mail["To"] for mail in mails}) == len(mails) >= 9
        for mail in mails:
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    site = f"http://localhost:{environ['PORT']}/"
    inbox = f"http://localhost:{environ['INBOX_PORT']}/"
    assert f"ready site={site} inbox={inbox} admin={site}admin/" in output
    assert f"{len(mails)} sent" in output


def test_it_serves_until_it_is_interrupted(copy: Path, environ: dict[str, str]) -> None:
    demo = start(copy, environ)
    site = f"http://localhost:{environ['PORT']}/"
    inbox = f"http://localhost:{environ['INBOX_PORT']}/"
    lines: list[str] = []
    assert demo.stdout
    for line in demo.stdout:
        lines.append(line)
        if line.startswith("ready "):
            break
    else:
        pytest.fail("never ready: " + "".join(lines))
    assert "Sign up" in fetch(site) or "sign up" in fetch(site)
    assert "votes" in fetch(f"{inbox}messages/1.html")
    assert "Log in" in fetch(f"{site}admin/")
    for page in (inbox, f"{inbox}messages/1/"):
        assert "Inbox" in fetch(page)
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=30)
    assert demo.returncode == 0 and "Stopped." in rest and "Traceback" not in rest
    for name in ("PORT", "INBOX_PORT"):
        port = int(environ[name])
        wait_until(lambda port=port: not listening(port), f"{name} is still held")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", ["PORT", "INBOX_PORT"])
def test_a_busy_port_gets_one_clear_line(copy: Path, environ: dict[str, str], name: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", int(environ[name])))
        busy.listen()
        demo = start(copy, environ)
        output, _ = demo.communicate(timeout=60)
    assert demo.returncode != 0
    assert re.fullmatch(rf"CommandError: Port {environ[name]} is busy. .*{name}=\d+\n", output)


def test_an_old_python_gets_one_clear_line(copy: Path) -> None:
    old = copy / "python3.8"
    pretend = "import sys; sys.version_info = (3, 8, 10); exec(sys.argv[1])"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{pretend}' \"$2\"\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", f"PYTHON={old}"],
        cwd=copy, text=True, capture_output=True, check=False,
    )  # fmt: skip
    first, *rest = done.stderr.splitlines()
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in first and "is 3.8." in first
    assert all(line.startswith("make") for line in rest)
    assert not (copy / ".venv").exists()
