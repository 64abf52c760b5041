"""A reader changes their choices by the link in a digest, pauses, and leaves."""

import datetime as dt
import re

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from subscriptions import links
from subscriptions.models import Delivery, Subscriber
from tests.browser.mailbox import follow, open_newest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_all_choices_change_and_stay(page: Page, inbox: str, digest: Delivery) -> None:
    open_newest(page, inbox, 1)
    follow(page, "Change topics")
    until = (timezone.now() + dt.timedelta(days=40)).date().isoformat()
    weight = page.get_by_role("group", name="Robotics")
    expect(weight.get_by_label("Normal")).to_be_checked()
    weight.get_by_label("More").check()
    page.get_by_label("Cosmology").check()
    page.get_by_text("Add your own phrases").click()
    page.get_by_label("Muted phrases").fill("quadruped")
    page.get_by_label("Daily", exact=True).check()
    page.get_by_label("Hour", exact=True).select_option("18:00")
    page.get_by_label("Papers in a digest").select_option("5")
    page.get_by_label("Trending").uncheck()
    page.get_by_label("Plain text").check()
    page.get_by_label("Pause until").fill(until)
    page.get_by_role("button", name="Save").click()
    day = dt.date.fromisoformat(until)
    expect(page.locator(".notice")).to_contain_text(f"{day:%A} {day.day} {day:%B} at 18:00")

    open_newest(page, inbox, 1)
    follow(page, "Change topics")
    expect(weight.get_by_label("More")).to_be_checked()
    expect(page.get_by_role("group", name="Cosmology").get_by_label("Normal")).to_be_checked()
    expect(page.get_by_label("Muted phrases")).to_have_value("quadruped")
    expect(page.get_by_label("Daily", exact=True)).to_be_checked()
    expect(page.get_by_label("Hour", exact=True)).to_have_value("18")
    expect(page.get_by_label("Papers in a digest")).to_have_value("5")
    expect(page.get_by_label("Trending")).not_to_be_checked()
    expect(page.get_by_label("For you")).to_be_checked()
    expect(page.get_by_label("Plain text")).to_be_checked()
    expect(page.get_by_label("Pause until")).to_have_value(until)


def test_leaving_takes_two_clicks(page: Page, inbox: str, digest: Delivery) -> None:
    open_newest(page, inbox, 1)
    follow(page, "Unsubscribe")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert Subscriber.objects.get().status == "unsubscribed"


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_day_that_is_over_is_told_beside_its_field(
    page: Page, inbox: str, reader: Subscriber
) -> None:
    page.goto(links.PREFERENCES.url(reader.pk))
    page.get_by_label("Pause until").fill("2020-01-01")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problems")).to_be_focused()
    page.locator(".problems").get_by_role("link", name="Pause until").click()
    expect(page.get_by_label("Pause until")).to_be_focused()
    expect(page.get_by_label("Pause until")).to_have_accessible_description(
        re.compile("Choose a day")
    )


@pytest.mark.parametrize("page", ["no javascript"], indirect=True)
def test_a_feed_of_ones_own(page: Page, inbox: str, digest: Delivery) -> None:
    open_newest(page, inbox, 1)
    follow(page, "Change topics")
    page.get_by_role("button", name="Turn on my feed").click()
    address = page.locator("#feed ~ p .address")
    first = address.inner_text()
    feed = page.request.get(first)
    assert feed.headers["content-type"].startswith("application/atom+xml")
    assert "robot manipulation" in feed.text()

    page.get_by_role("button", name="Give it a new address").click()
    expect(address).not_to_have_text(first)
    assert page.request.get(first).status == 404
    second = address.inner_text()
    assert page.request.get(second).ok

    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_role("button", name="Turn on my feed")).to_be_visible()
    assert page.request.get(second).status == 404


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_an_old_link_offers_a_new_one(page: Page, inbox: str, reader: Subscriber) -> None:
    with time_machine.travel(timezone.now() - dt.timedelta(days=366)):
        old = links.PREFERENCES.url(reader.pk)
    page.goto(old)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link has expired")
    page.get_by_role("button", name="Mail me a new link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    assert open_newest(page, inbox, 1)["to"] == reader.email
    follow(page, "Change")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your choices")
    expect(page.get_by_label("Robotics", exact=True)).to_be_checked()
