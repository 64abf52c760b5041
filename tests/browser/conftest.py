import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from subscriptions.digests.tick import send_due
from subscriptions.management.inbox import Folder, smtp_server, web_server
from subscriptions.models import Delivery, Edition, Paper, Subscriber, Topic
from tests.browser.chromium import CHROMIUM, QUIET
from tests.conftest import missing
from tests.services import free_port

PAPERS = [
    ("hands", "Sim-to-real robot manipulation with two hands",
     "Dexterous manipulation of cloth by imitation learning.", "Bo Lee", "cs.RO"),
    ("arms", "Robot arms that learn from teleoperation",
     "A policy for robot manipulation, trained on demonstrations.", "Bo Lee", "cs.RO"),
    ("legs", "A quadruped robot that walks on sand",
     "Legged locomotion of a quadruped, trained in simulation.", "Cy Novak", "cs.RO"),
    ("lens", "Gravitational lensing by small haloes",
     "Dark matter substructure in images of distant quasars.", "Ada Ito", "astro-ph.CO"),
    ("folds", "Proteins that fold twice",
     "Structures predicted for sequences with two stable shapes.", "Di Okoro", "q-bio.BM"),
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing(f"there is no Chromium at {CHROMIUM}; name one in CHROMIUM")
    # The browser's driver runs an event loop in this thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=20_000)  # as long as clicks may take, on a busy machine
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(params=["javascript", "no javascript", "phone"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page at 1280 px with and without JavaScript, and at 390 px; in a zone of its own."""
    width = 390 if request.param == "phone" else 1280
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        java_script_enabled=request.param != "no javascript",
        timezone_id="Asia/Tokyo",
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda sent: _note_failed(problems, sent))
    page.on("console", lambda said: _note_said(problems, said))
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether ``page`` runs scripts."""
    return bool(request.node.callspec.params["page"] != "no javascript")


@pytest.fixture
def papers(topics: dict[str, Topic], make_paper: Callable[..., Paper]) -> dict[str, Paper]:
    """The papers of yesterday's edition, by a word of each, and the starter topics."""
    yesterday = timezone.now().date() - dt.timedelta(days=1)
    made = {
        word: make_paper(
            title, day=yesterday, abstract=abstract, votes=n, authors=[author],
            categories=[category],
        )
        for n, (word, title, abstract, author, category) in enumerate(PAPERS)
    }  # fmt: skip
    Edition.objects.roll(timezone.now())
    return made


@pytest.fixture
def inbox(tmp_path: Path, settings: Any, live_server: Any) -> Iterator[str]:
    """The address of an inbox that catches what the live server sends."""
    folder, smtp_port, http_port = Folder(tmp_path / "caught"), free_port(), free_port()
    settings.SITE_URL = live_server.url
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_port
    smtp, web = smtp_server(folder, smtp_port), web_server(folder, http_port)
    smtp.start()
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http_port}"
    web.shutdown()
    web.server_close()
    smtp.stop()


@pytest.fixture
def reader(papers: dict[str, Paper], make_reader: Callable[..., Subscriber]) -> Subscriber:
    """One who follows robotics and has waited for their digest since yesterday."""
    now = timezone.now()
    robotics = Topic.objects.get(slug="robotics")
    found = make_reader("yuki@example.org", at=now - dt.timedelta(days=1), topics=(robotics.pk,))
    Subscriber.objects.filter(pk=found.pk).update(next_digest_at=now)
    return found


@pytest.fixture
def digest(inbox: str, reader: Subscriber) -> Delivery:
    """Their digest, in the inbox."""
    assert send_due(timezone.now(), timezone.now)["sent"] == 1
    return Delivery.objects.get()


def _note_failed(problems: list[str], sent: Request) -> None:
    """A request that failed; going on to the next page, or a download, cuts one off."""
    if sent.failure != "net::ERR_ABORTED":
        problems.append(f"{sent.url} failed: {sent.failure}")


def _note_said(problems: list[str], said: ConsoleMessage) -> None:
    """What the browser complains of, a refusal by the policy above all; not an answer of 4xx."""
    if said.type in ("error", "warning") and "the server responded with" not in said.text:
        problems.append(f"{said.location.get('url')}: {said.text}")
