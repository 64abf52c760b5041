"""An operator brings readers from another list: a CSV file with bad rows, in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from subscriptions.models import Interest, Subscriber, Topic
from tests.browser.axe import DESK, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = """Email Address;Interessen;CONFIRM_TIME;Weekday
ada@example.org;robotics | Human-computer interaction;2024-05-01 09:30:00;Friday
bo@example;robotics;2024-05-01 09:30:00;Friday
cy@example.org;astrology;2024-05-01 09:30:00;Friday
di@example.org;robotics;;
ADA@example.org;robotics;;
eve@example.org;robotics;2024-05-01 09:30:00
fay@example.org;robotics;2024-05-01 09:30:00;Freitag
"""


@pytest.fixture
def page(browser: Browser, live_server: Any, topics: dict[str, Topic]) -> Iterator[Page]:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 900}, accept_downloads=True
    )
    context.set_default_timeout(20_000)
    cookie: Any = {
        "name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url
    }  # fmt: skip
    context.add_cookies([cookie])
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Policy" in said.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    yield page
    context.close()
    assert refused == []


def test_readers_of_another_list(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "old list.csv"
    file.write_text(ROWS)
    page.goto(reverse("admin:subscriptions_subscriber_changelist"))
    page.get_by_role("link", name="Import", exact=True).click()
    assert faults(page, looks=DESK) == []
    page.get_by_label("File").set_input_files(file)
    page.get_by_label("Where they agreed").fill("Our list at Mailchimp")
    page.get_by_role("button", name="Look at the rows").click()
    bad = page.get_by_role("region", name="Bad rows").get_by_role("row")
    expect(bad).to_have_count(4)
    expect(page.get_by_label("Email Address")).to_have_value("email")

    page.get_by_label("Interessen").select_option("topics")
    page.get_by_role("button", name="Check again").click()
    expect(bad).to_have_count(5)
    for line, told in [
        ("3", "email: That is not an email address"),
        ("4", "topics: there is no topic “astrology”"),
        ("7", "The first row has 4 cells, and this one 3."),
        ("8", "weekday: “Freitag” is no weekday; one is Monday."),
    ]:
        expect(bad.filter(has_text=told)).to_contain_text(line)
    passed = page.get_by_role("region", name="Rows passed over")
    expect(passed.get_by_role("row").last).to_contain_text("The first is in line 2.")
    assert faults(page, looks=DESK) == []
    assert not Subscriber.objects.exists()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the bad rows").click()
    assert "bo@example," in Path(download.value.path()).read_text(encoding="utf-8")

    page.get_by_role("button", name="Import 2 readers").click()
    expect(page.locator(".messagelist")).to_contain_text(
        "Imported 2 readers from old list.csv (1 new, active, 1 new, waits for its confirmation)."
    )
    expect(page.locator("#result_list")).to_contain_text("ada@example.org")
    found = Subscriber.objects.order_by("email").values_list("email", "status", "weekday")
    assert list(found) == [("ada@example.org", "active", 4), ("di@example.org", "pending", 0)]
    assert Interest.objects.count() == 3

    page.get_by_role("link", name="Export", exact=True).click()
    assert faults(page, looks=DESK) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all readers").click()
    exported = Path(download.value.path())
    page.get_by_role("link", name="Subscribers").first.click()
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File").set_input_files(exported)
    page.get_by_label("Where they agreed").fill("Our list at Mailchimp")
    page.get_by_role("button", name="Look at the rows").click()
    expect(page.locator(".chips")).to_have_text("2 here already")
