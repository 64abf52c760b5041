"""A reader's whole way in a real browser: sign up, confirm, read, change, leave."""

import datetime as dt
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from playwright.sync_api import Page, expect

from subscriptions.digests.tick import send_due
from subscriptions.models import Subscriber
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "yuki@example.org"


def mails(inbox: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{inbox}/api/messages") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def open_newest(page: Page, inbox: str, count: int) -> None:
    """Open the newest mail's HTML, once ``count`` have arrived."""
    wait_until(lambda: len(mails(inbox)) == count, f"not {count} mails")
    page.goto(f"{inbox}/")
    page.goto(f"{inbox}/messages/{mails(inbox)[0]['id']}.html")


def follow(page: Page, name: str) -> None:
    """Open a link of a mail, here rather than in another tab."""
    address = page.get_by_role("link", name=name).first.get_attribute("href")
    assert address
    page.goto(address)


def test_sign_up_confirm_read_change_and_leave(
    page: Page, live_server: Any, inbox: str, make_paper: Callable[..., Any],
) -> None:  # fmt: skip
    call_command("load_topics", verbosity=0)
    today = timezone.now().date()
    for n in range(4):
        make_paper(
            f"Sim-to-real robot manipulation, part {n}", day=today - dt.timedelta(days=1),
            abstract="Dexterous manipulation by imitation learning and teleoperation.", votes=n,
        )  # fmt: skip

    page.goto(live_server.url)
    page.get_by_label("Robotics").first.check()
    page.get_by_label("Email address").fill(ADDRESS)
    page.get_by_label("Daily").check()
    page.locator("select[name=hour]").select_option("7")
    zone = page.locator("select[name=timezone]")
    if zone.input_value() != "Asia/Tokyo":  # the browser proposes it, where it may run scripts
        zone.select_option("Asia/Tokyo")
    page.locator("main form button[type=submit]").last.click()
    expect(page).to_have_url(f"{live_server.url}/check-inbox/")

    open_newest(page, inbox, 1)
    follow(page, "Confirm")
    reader = Subscriber.objects.get()
    assert (reader.email, reader.status, reader.timezone) == (ADDRESS, "pending", "Asia/Tokyo")
    page.get_by_role("button", name="Confirm my subscription").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("subscribed")
    reader.refresh_from_db()
    assert reader.status == "active" and reader.next_digest_at

    assert send_due(reader.next_digest_at, timezone.now)["sent"] == 1
    open_newest(page, inbox, 2)
    expect(page.locator("body")).to_contain_text("You follow Robotics")
    assert page.get_by_role("link", name=re.compile("Sim-to-real")).count() >= 4

    follow(page, "Change topics")
    page.get_by_label("Robotics").first.uncheck()
    page.get_by_label("Cosmology").first.check()
    page.locator("main form button[type=submit]").last.click()
    expect(page.locator(".notice")).to_contain_text("Saved")
    assert [str(interest) for interest in reader.interests.all()] == ["Cosmology and gravitation"]

    open_newest(page, inbox, 2)
    follow(page, "Unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("unsubscribed")
    assert Subscriber.objects.get().status == "unsubscribed"


def test_the_browser_proposes_its_zone_and_errors_are_beside_their_fields(
    page: Page, live_server: Any, request: pytest.FixtureRequest
) -> None:
    call_command("load_topics", verbosity=0)
    page.goto(live_server.url)
    proposed = page.locator("select[name=timezone]").input_value()
    without = "no javascript" in request.node.name
    assert proposed == ("UTC" if without else "Asia/Tokyo")
    page.get_by_label("Email address").fill("yuki@example")
    page.locator("form").last.evaluate("form => form.noValidate = true") if not without else None
    page.locator("main form button[type=submit]").last.click()
    field = page.get_by_label("Email address")
    expect(field).to_have_attribute("aria-invalid", "true")
    described = field.get_attribute("aria-describedby")
    assert described
    expect(page.locator(f"#{described.split()[-1]}")).to_contain_text("not an email address")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert without or not page.evaluate(wide), "the page scrolls sideways"
