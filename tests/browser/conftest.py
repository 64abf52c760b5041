import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from subscriptions.management.inbox import Folder, smtp_server, web_server
from tests.browser.chromium import CHROMIUM, QUIET
from tests.conftest import missing
from tests.services import free_port


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        missing(f"there is no Chromium at {CHROMIUM}; name one in CHROMIUM")
    # The browser's driver runs an event loop in this thread, which Django takes for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
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
    page.on("requestfailed", lambda sent: _note(problems, sent.url))
    yield page
    context.close()
    assert problems == []


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


def _note(problems: list[str], url: str) -> None:
    """A request that failed; the icon's may be cut off by going on to the next page."""
    if not url.endswith("favicon.svg"):
        problems.append(f"{url} failed")
