"""An editor works on a day: intro, preview, test send, hold, release, alone and with another."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from subscriptions.models import Delivery, Edition, Paper, Pick, Subscriber
from tests.browser.axe import DESK, faults
from tests.browser.mailbox import mails, open_newest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Open = Callable[[str], Page]


@pytest.fixture
def as_editor(browser: Browser, live_server: Any) -> Iterator[Open]:
    """A page with the session of an editor of this name."""
    contexts, problems = [], list[str]()

    def open_page(name: str) -> Page:
        user, _ = User.objects.get_or_create(
            username=name, email=f"{name}@example.org", is_staff=True, is_superuser=True
        )
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        context = browser.new_context(base_url=live_server.url, reduced_motion="reduce")
        context.set_default_timeout(20_000)
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": django_settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.extend(_refused(said)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def yesterday(papers: dict[str, Paper], settings: Any) -> Edition:
    """Closed, with a pick; the site asks for approval."""
    settings.EDITIONS_NEED_APPROVAL = True
    day = timezone.now().date() - dt.timedelta(days=1)
    Edition.objects.filter(day=day).update(status="closed", released_at=None)
    Pick.objects.create(paper=papers["lens"], day=day, note="Worth an *evening*.")
    return Edition.objects.get(day=day)


def test_a_day_from_intro_to_release(
    as_editor: Open, yesterday: Edition, inbox: str, reader: Subscriber
) -> None:
    page = as_editor("ada")
    page.goto(f"/admin/subscriptions/edition/{yesterday.pk}/change/")
    expect(page.locator(".phone")).to_contain_text("Gravitational lensing by small")
    page.get_by_label("Intro").press_sequentially("A *quiet* week.")
    expect(page.locator("#intro-shown em")).to_have_text("quiet")
    assert faults(page, looks=DESK) == []
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")

    page.get_by_role("link", name="Preview", exact=True).first.click()
    expect(page.get_by_role("heading", name="As a reader with no interests")).to_be_visible()
    assert faults(page, looks=DESK) == []
    page.get_by_text("As another reader").click()
    page.get_by_label("A follower of topics").check()
    page.get_by_label("Robotics", exact=True).check()
    page.get_by_label("Cadence").select_option("daily")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="As a follower of Robotics")).to_be_visible()
    expect(page.locator("pre")).to_contain_text("YOUR PAPERS TODAY")

    page.get_by_text("As another reader").click()
    page.get_by_label("A subscriber", exact=True).check()
    page.get_by_label("Subscriber:").fill(reader.email)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="y…@e….org")).to_be_visible()
    page.get_by_role("link", name="Dark").click()
    page.wait_for_url(re.compile("scheme=dark"))
    for frame, narrow in (("iframe.wide", False), ("iframe.narrow", True)):
        shown = page.frame_locator(frame)
        expect(shown.locator("em").first).to_have_text("quiet")
        colour = "getComputedStyle(document.querySelector('.sheet')).backgroundColor"
        assert shown.locator("body").evaluate(f"() => {colour}") == "rgb(26, 33, 30)", "dark"
        width = shown.locator("body").evaluate("() => document.querySelector('.sheet').offsetWidth")
        assert width == (390 if narrow else 600)
    assert faults(page, looks=DESK) == []

    # Not by the pointer: beside frames that are processes of their own, clicks may go astray.
    page.get_by_role("button", name="Send me a test").press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("The mail server said: 250")
    assert open_newest(page, inbox, 1)["subject"].startswith("[Test] Gravitational lensing")
    expect(page.locator("body")).to_contain_text("You follow Robotics")
    assert mails(inbox)[0]["to"] == "ada@example.org"
    assert not Delivery.objects.exists()

    page.goto(f"/admin/subscriptions/edition/{yesterday.pk}/change/")
    page.get_by_label("Reason for a hold").fill("Wait for a paper")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("heading", name="State: held")).to_be_visible()
    expect(page.locator(".held")).to_contain_text("Wait for a paper")
    expect(page.locator(".decide")).to_contain_text("1 reader")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="State: released")).to_be_visible()
    expect(page.locator(".log")).to_contain_text("ada: Held: Wait for a paper")
    assert faults(page, looks=DESK) == []


def test_two_editors_where_two_are_needed(
    as_editor: Open, yesterday: Edition, reader: Subscriber, settings: Any,
    make_reader: Callable[..., Subscriber],
) -> None:  # fmt: skip
    settings.TWO_RELEASE_ABOVE = 1
    make_reader("second@example.org", at=timezone.now())
    ada, bo = as_editor("ada"), as_editor("bo")
    for page in (ada, bo):
        page.goto("/admin/subscriptions/edition/")
        page.locator(f"input.action-select[value='{yesterday.pk}']").check()
        page.locator("select[name=action]").select_option("release")
        page.get_by_role("button", name="Go").click()
        expect(page.locator(".decide")).to_contain_text("2 readers")
        said = "You would be the first of them." if page is ada else "ada did; you complete it."
        expect(page.locator(".decide")).to_contain_text(said)
        page.get_by_role("button", name="Release").click()
        expect(page.locator(".messagelist")).to_be_visible()
    expect(bo.get_by_role("heading", name="State: released")).to_be_visible()
    ada.reload()
    expect(ada.locator(".log")).to_contain_text("ada: Approved as the first of two")


def _refused(said: ConsoleMessage) -> list[str]:
    """What the policy kept the page from; what has no address is axe's own doing."""
    return [said.text] if "Policy" in said.text and said.location["url"] else []
