"""The admin works under the content security policy: nothing it does is refused."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, expect

from subscriptions.models import Edition, Subscriber
from tests.pages import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_admin_asks_for_nothing_that_is_refused(
    browser: Browser, live_server: Any, site: Site
) -> None:
    User.objects.create_superuser("editor", password="editor")
    reader, edition = Subscriber.objects.latest("confirmed_at"), Edition.objects.latest("day")
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page()
    page.set_default_timeout(20_000)
    refused: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            refused.append(f"{page.url}: {message.text}")

    page.on("console", listen)
    page.on("pageerror", lambda error: refused.append(f"{page.url}: {error}"))
    page.goto(reverse("admin:index"))
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("editor")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    for model in ("paper", "edition", "subscriber", "delivery", "topic", "sourcerun"):
        page.goto(reverse(f"admin:subscriptions_{model}_changelist"))

    page.goto(reverse("admin:subscriptions_paper_add"))
    page.locator("#calendarlink0").click()
    expect(page.locator("#calendarbox0")).to_be_visible()

    page.goto(reverse("admin:subscriptions_edition_change", args=[edition.pk]))
    page.goto(reverse("admin:subscriptions_subscriber_change", args=[reader.pk]))
    page.locator(".add-row a").click()
    page.goto(reverse("admin:subscriptions_subscriber_preview", args=[reader.pk]))
    framed = page.frame_locator("iframe.wide")
    expect(framed.locator("body")).to_contain_text("Paper Round")
    context.close()
    assert refused == []
