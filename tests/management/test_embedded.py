"""With nothing set: SQLite, tasks inline, one machine, and ``tick --every`` as the clock."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.services import wait_until


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "VAR_DIR": str(tmp_path), "SOURCES": "none"}


def manage(environ: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "manage.py", *command]
    return subprocess.run(program, cwd=ROOT, env=environ, text=True, capture_output=True)


def test_a_clock_sends_what_is_due(environ: dict[str, str], tmp_path: Path) -> None:
    for command in ("migrate", "load_topics", "load_sample"):
        done = manage(environ, command)
        assert done.returncode == 0, done.stderr
    database = sqlite3.connect(tmp_path / "paper-round.sqlite3")

    def sent() -> int:
        query = "SELECT count(*) FROM subscriptions_delivery WHERE status IN ('sent', 'skipped')"
        return int(database.execute(query).fetchone()[0])

    log = tmp_path / "clock.log"
    with log.open("w") as output:
        clock = subprocess.Popen(
            [sys.executable, "manage.py", "tick", "--every=1"],
            cwd=ROOT, env=environ, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            # Some of the sample's readers are daily ones: due within any day.
            wait_until(lambda: sent() >= 4, "the clock sent nothing")
        finally:
            clock.send_signal(signal.SIGTERM)
            clock.wait(timeout=60)
    assert clock.returncode == 0, log.read_text()
    states = database.execute("SELECT DISTINCT status FROM subscriptions_delivery").fetchall()
    assert {state for (state,) in states} <= {"sent", "skipped"}
    assert "List-Unsubscribe: <http://localhost:8000/u/" in log.read_text(), "mail is printed"
    database.close()


def test_keys_are_made_once_and_kept_private(environ: dict[str, str], tmp_path: Path) -> None:
    script = "from django.conf import settings as s; print(s.SECRET_KEY, s.SUPPRESSION_KEY)"
    command = ("shell", "--no-imports", "--verbosity=0", "--command", script)
    first, second = manage(environ, *command).stdout, manage(environ, *command).stdout
    assert first == second and len(set(first.split())) == 2
    for name in ("secret_key", "suppression_key"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_the_deploy_check_names_what_must_be_set(environ: dict[str, str]) -> None:
    done = manage(environ, "check", "--deploy")
    assert done.returncode == 1
    for name in ("POSTAL_ADDRESS", "SECRET_KEY and SUPPRESSION_KEY", "SITE_URL", "EMAIL_URL"):
        assert f"{name} " in done.stderr
    ready = {
        "POSTAL_ADDRESS": "1 Street, Town",
        "SECRET_KEY": "s" * 25 + "0123456789abcdefghijklmnopq",
        "SUPPRESSION_KEY": "k" * 50,
        "SITE_URL": "https://papers.example.org",
        "EMAIL_URL": "smtp+tls://user:word@mail.example.org:587",
        "BOUNCE_ADDRESS": "bounces@papers.example.org",
    }
    done = manage(environ | ready, "check", "--deploy")
    assert done.returncode == 0, done.stderr
    # Whether the mail server signs is known to nobody here.
    assert set(re.findall(r"paper_round\.\w+", done.stderr)) == {"paper_round.W013"}


@pytest.mark.parametrize("command", ["import_papers x --format=jsonl", "load_sample", "send_due"])
def test_a_moment_that_is_none_is_told(environ: dict[str, str], command: str) -> None:
    done = manage(environ, *command.split(), "--now=next week")
    assert done.returncode != 0
    assert "'next week' is not an ISO 8601 time like 2025-10-13T09:00:00Z" in done.stderr
