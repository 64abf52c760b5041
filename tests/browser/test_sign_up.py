"""A reader signs up on the front page, confirms, and has the first digest at once."""

import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from subscriptions.digests.tick import send_due
from subscriptions.models import Paper, Subscriber
from tests.browser.mailbox import follow, open_newest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "yuki@example.org"


def test_from_the_front_page_to_the_first_digest(
    page: Page, live_server: Any, inbox: str, papers: dict[str, Paper], scripts: bool
) -> None:
    page.goto(live_server.url)
    zone = page.get_by_label("Time zone")
    expect(zone).to_have_value("Asia/Tokyo" if scripts else "UTC")  # the browser's, if it may
    preview = page.locator("#preview")
    expect(preview).to_contain_text("Tick a topic")

    find = page.get_by_label("Find a topic")
    expect(find).to_be_visible(visible=scripts)
    if scripts:
        find.fill("robot")
        expect(page.get_by_label("Cosmology")).to_be_hidden()
    page.get_by_label("Robotics", exact=True).check()
    if scripts:
        expect(preview).to_contain_text(papers["hands"].title)
        expect(preview).to_contain_text("You follow Robotics")

    page.get_by_text("Add your own phrases").click()
    page.get_by_label("Your own phrases").fill("stable shapes")
    page.get_by_label("Authors", exact=True).fill("Ada Ito")
    page.get_by_label("arXiv categories").fill("cs.nonsense")
    page.get_by_label("Papers you liked").fill("https://arxiv.org/abs/2501.00001")
    page.get_by_label("Muted phrases").fill("quadruped")
    if not scripts:
        page.get_by_role("button", name="Show it").click()
        expect(page.locator(".problems")).to_have_count(0)  # nobody has signed up yet
    for word, reason in {
        "hands": "You follow Robotics",
        "folds": "stable shapes",
        "lens": "Ada Ito",
    }.items():
        item = preview.get_by_role("listitem").filter(has_text=papers[word].title)
        expect(item.locator(".why")).to_contain_text(reason)
    expect(preview).not_to_contain_text(papers["legs"].title)  # it has the muted word

    page.get_by_label("Email address").fill("yuki@example")
    page.get_by_role("button", name="Sign up").click()
    problems = page.locator(".problems")
    expect(problems).to_contain_text("Please look at this again")
    if scripts:
        expect(problems).to_be_focused()
    for label, told in (
        ("arXiv categories", "There is no arXiv category"),
        ("Email address", "not an email address"),
    ):
        problems.get_by_role("link", name=label).click()
        field = page.get_by_label(label)
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(told))

    expect(page.get_by_label("Robotics", exact=True)).to_be_checked()
    expect(page.get_by_label("Your own phrases")).to_have_value("stable shapes")
    page.get_by_label("arXiv categories").fill("astro-ph.CO")
    page.get_by_label("Email address").fill(ADDRESS)
    page.get_by_label("Daily", exact=True).check()
    page.get_by_label("Hour", exact=True).select_option("7")
    zone.select_option("Asia/Tokyo")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")

    assert open_newest(page, inbox, 1)["to"] == ADDRESS
    follow(page, "Confirm my subscription")
    expect(page.get_by_role("heading", level=1)).to_have_text("One last step")
    assert Subscriber.objects.get().status == "pending"
    page.get_by_role("button", name="Confirm my subscription").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
    for followed in ("Daily at 07:00 (Asia/Tokyo)", "Robotics", "Ada Ito", "astro-ph.CO"):
        expect(page.locator(".facts")).to_contain_text(followed)

    assert send_due(timezone.now(), timezone.now)["sent"] == 1
    open_newest(page, inbox, 2)
    mail = page.locator("body")
    expect(mail).to_contain_text("You follow Robotics")
    expect(mail).to_contain_text(papers["lens"].title)
    expect(mail).not_to_contain_text(papers["legs"].title)
