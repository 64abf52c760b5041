"""A supporter finds a reader, pauses them, ends the pause and suppresses their address."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from subscriptions.models import Subscriber, Suppression
from tests.browser.axe import DESK, STOCK, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_page_of_one(
    browser: Browser, live_server: Any, admin_user: User, make_reader: Callable[..., Subscriber]
) -> None:
    reader = make_reader("yuki@example.org", at=timezone.now(), phrases=("robots",))
    client = Client()
    client.force_login(admin_user)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 820, "height": 900})
    context.set_default_timeout(20_000)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)

    page.goto("/admin/subscriptions/subscriber/")
    page.locator("#searchbar").fill("Yuki <YUKI@example.org>")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="yuki@example.org").click()
    expect(page.get_by_role("heading", name="yuki@example.org")).to_be_visible()
    page.get_by_label("Until").fill(str(timezone.now().date() + dt.timedelta(days=30)))
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("Paused until")
    page.get_by_role("button", name="End the pause").click()
    expect(page.locator(".messagelist")).to_contain_text("Pause ended.")
    assert refused == []
    assert faults(page, *STOCK, looks=DESK) == []

    page.get_by_role("button", name="Suppress").click()
    expect(page.get_by_text("nobody is mailed at these addresses again")).to_be_visible()
    assert not Suppression.objects.exists()
    page.get_by_role("button", name="Suppress").click()
    expect(page.locator(".messagelist")).to_contain_text("Suppressed.")
    context.close()
    assert Suppression.objects.has(reader.email)
    assert Subscriber.objects.get().status == "unsubscribed"
