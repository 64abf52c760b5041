import runpy
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from subscriptions.digests import display
from subscriptions.digests.tick import begin
from subscriptions.flows import search
from subscriptions.flows.indexing import index_papers
from subscriptions.models import Paper, Topic
from tests.conftest import MONDAY, ROOT


@pytest.fixture
def started() -> Any:
    """gunicorn's hook as it runs in a process that has begun; returns when its thread is done."""

    def start() -> None:
        runpy.run_path(str(ROOT / "gunicorn.conf.py"))["post_worker_init"](None)
        for thread in threading.enumerate():
            if thread.name == "make-ready":
                thread.join()

    return start


@pytest.mark.django_db(transaction=True)
def test_a_process_of_the_site_makes_ready_by_itself(
    make_paper: Callable[..., Paper], topics: dict[str, Topic], started: Any
) -> None:
    make_paper("Robot arms that learn")
    begin(MONDAY)
    index_papers()
    started()
    assert display._kept and search._kept
    assert len(display._kept.shelf.scored._shared) == len(topics)
    assert [len(part.papers) for part in search._kept.parts] == [1]


def test_a_process_that_cannot_is_there_all_the_same(
    started: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise ConnectionError("no database")

    monkeypatch.setattr(Topic.objects, "offered", away)
    started()
    assert "will wait some seconds" in caplog.text and "no database" in caplog.text


def test_gunicorn_finds_what_to_do() -> None:
    command = [sys.executable, "-m", "gunicorn", "digest_service.wsgi", "--print-config"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (hook,) = [line for line in shown.splitlines() if line.startswith("post_worker_init")]
    assert hook.split() == ["post_worker_init", "=", "<post_worker_init()>"], "not gunicorn's own"
