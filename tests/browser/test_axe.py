"""Axe finds nothing wrong with any page or mail, wide or narrow, light or dark; none is cut off."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page

from tests.desk_pages import desk_pages
from tests.pages import Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = Axe().axe_script
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
RUN = "options => axe.run(options).then(found => found.violations)"
STOCK = "empty-table-header", "label-title-only"
"""Left out where the admin's own lists have it: a search box named by a picture, a bare corner."""
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


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
    """The pages of the staff, which are for screens of 820 px and more."""
    staff = Client()
    staff.force_login(admin_user)
    session = staff.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
    tab.context.add_cookies([cookie])  # type: ignore[list-item]
    refused: list[str] = []
    tab.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
    found = []
    for name, path in desk_pages(staff, admin_user).items():
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
        found += [f"{name}, {fault}" for fault in faults(tab, *STOCK, widths=(1280, 820))]
    assert not found, "\n".join(found)
    assert refused == []


def test_errors_beside_their_fields(site: Site, tab: Page) -> None:
    tab.goto("/")
    tab.locator("main form button[type=submit]").last.click()
    tab.locator(".problems").wait_for()
    assert faults(tab) == []


def test_mails(site: Site, tab: Page) -> None:
    found = []
    for name, html in site.mails.items():
        tab.set_content(html)
        lines = faults(tab, "landmark-one-main", "region")  # those are the mail program's
        found += [f"{name}, {fault}" for fault in lines]
    assert found == []


def faults(page: Page, *left_out: str, widths: tuple[int, ...] = (1280, 390)) -> list[str]:
    """What axe finds at each width in both schemes, and what does not fit there, a line each."""
    options = {
        "resultTypes": ["violations"],
        "rules": {name: {"enabled": False} for name in left_out},
    }
    page.evaluate(AXE)
    lines = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate(TOO_WIDE):
            lines.append(f"{width}: scrolls sideways")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished))")
            for fault in page.evaluate(RUN, options):
                places = [node["target"] for node in fault["nodes"]]
                lines.append(f"{width} {scheme}: {fault['id']} at {places[:3]}")
    return lines
