"""A browser does the work that a site may ask for before somebody signs up."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from subscriptions.models import SignupRequest, Topic

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_browser_does_its_work_by_itself(
    browser: Browser, live_server: Any, settings: Any, topics: dict[str, Topic], inbox: str
) -> None:
    settings.PROOF_OF_WORK = True
    context = browser.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.goto(live_server.url)
    page.get_by_label("Robotics", exact=True).check()
    page.get_by_label("Email address").fill("ada@example.org")
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page).to_have_url(f"{live_server.url}/check-inbox/", timeout=60_000)
    context.close()
    assert problems == []
    assert not SignupRequest.objects.exists(), "it was answered"
