"""Axe finds nothing wrong with any page or mail, wide or narrow, light or dark; none is cut off."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.axe import DESK, LOOKS, STOCK, faults
from tests.desk_pages import desk_pages
from tests.pages import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tab(browser: Browser, live_server: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def test_pages(site: Site, tab: Page, live_server: Any) -> None:
    cookies = [(name, cookie.value) for name, cookie in site.client.cookies.items()]
    tab.context.add_cookies(
        [{"name": name, "value": value, "url": live_server.url} for name, value in cookies]
    )
    refused: list[str] = []
    tab.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
    found = []
    session = site.client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
    tab.context.add_cookies([cookie])  # type: ignore[list-item]
    for name, path in site.pages.items():
        tab.goto(path)
        found += [f"{name}, {fault}" for fault in faults(tab)]
    assert found == []
    assert refused == []


def test_desk(site: Site, tab: Page, live_server: Any, admin_user: User) -> None:
    staff = Client()
    staff.force_login(admin_user)
    session = staff.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
    tab.context.add_cookies([cookie])  # type: ignore[list-item]
    refused: list[str] = []
    tab.on("console", lambda said: refused.extend(_refused(said)))
    found = []
    for name, path in desk_pages(staff, admin_user).items():
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
        found += [f"{name}, {fault}" for fault in faults(tab, *STOCK, looks=DESK)]
    assert not found, "\n".join(found)
    assert refused == []


def _refused(said: ConsoleMessage) -> list[str]:
    """What the policy kept a page from; what has no address is axe's own doing."""
    return [said.text] if "Policy" in said.text and said.location["url"] else []


def test_errors_beside_their_fields(site: Site, tab: Page) -> None:
    tab.goto("/")
    tab.locator("main form button[type=submit]").last.click()
    tab.locator(".problems").wait_for()
    assert faults(tab) == []


def test_mails(site: Site, tab: Page) -> None:
    found = []
    for name, html in site.mails.items():
        tab.set_content(html)
        # Those left out are the mail program's.
        lines = faults(tab, "landmark-one-main", "region", looks=[*LOOKS, (320, "light")])
        found += [f"{name}, {fault}" for fault in lines]
    assert found == []
