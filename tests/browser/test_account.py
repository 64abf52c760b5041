"""A reader's account: opened by a mailed link, moved, taken along, used, closed, erased."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from subscriptions import links
from subscriptions.models import Paper, Subscriber
from tests.browser.mailbox import follow, mails, open_newest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW = "countess@example.net"


def test_move_and_take_along(page: Page, inbox: str, reader: Subscriber) -> None:
    heading = page.get_by_role("heading", level=1)
    page.goto(links.PREFERENCES.url(reader.pk))
    page.get_by_role("button", name="Mail me the link").click()
    expect(heading).to_have_text("Check your inbox")
    open_newest(page, inbox, 1)
    follow(page, "Open my account")
    page.get_by_role("button", name="Open my account").click()
    expect(heading).to_have_text("Your account")

    page.get_by_role("link", name="Change the address").click()
    page.get_by_label("New email address").fill("countess@")
    page.get_by_role("button", name="Mail a link there").click()
    page.locator(".problems").get_by_role("link").click()
    expect(page.get_by_label("New email address")).to_be_focused()
    page.get_by_label("New email address").fill(NEW)
    page.get_by_role("button", name="Mail a link there").click()
    expect(heading).to_have_text("Check the new inbox")
    assert open_newest(page, inbox, 2)["to"] == NEW
    follow(page, "Confirm this address")
    page.get_by_role("button", name="Confirm this address").click()
    expect(heading).to_have_text("Your address is changed")
    told = open_newest(page, inbox, 3)
    assert told["to"] == reader.email and "go elsewhere now" in told["subject"]

    page.goto(links.absolute("/account/"))
    expect(heading).to_have_text("Open your account")  # the session from before is over
    page.get_by_label("Email address").fill(NEW)
    page.get_by_role("button", name="Mail me a link").click()
    assert open_newest(page, inbox, 4)["to"] == NEW
    follow(page, "Open my account")
    page.get_by_role("button", name="Open my account").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the copy").click()
    assert NEW in json.dumps(json.loads(Path(started.value.path()).read_text()))


def test_vote_and_put_a_paper_forward(
    page: Page, inbox: str, reader: Subscriber, papers: dict[str, Paper]
) -> None:
    paper = links.absolute(papers["hands"].get_absolute_url())
    page.goto(paper)
    page.get_by_role("link", name="open your account to vote").click()
    page.get_by_label("Email address").fill(reader.email)
    page.get_by_role("button", name="Mail me a link").click()
    open_newest(page, inbox, 1)
    follow(page, "Open my account")
    page.get_by_role("button", name="Open my account").click()
    expect(page).to_have_url(paper)  # where they came from
    expect(page.locator(".votes")).to_have_count(0)
    page.get_by_role("button", name="Vote for this paper").click()
    expect(page.locator(".votes")).to_have_text("1 vote")

    page.goto(links.absolute("/account/"))
    votes = page.get_by_role("button", name="Take back my vote")
    votes.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    expect(votes).to_have_count(0)

    page.get_by_role("link", name="Put a paper forward").click()
    page.get_by_label("arXiv id or link").fill("https://example.org/a-paper")
    page.get_by_role("button", name="Put it forward").click()
    expect(page.get_by_label("arXiv id or link")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("arXiv id or link").fill("https://arxiv.org/abs/2501.00001v2")
    page.get_by_role("button", name="Put it forward").click()
    expect(page.locator(".notice")).to_contain_text("Thank you")
    page.locator("main").get_by_role("link", name="Your account").click()
    expect(page.locator("main")).to_contain_text("It waits for an editor")
    page.get_by_role("button", name="Withdraw it").click()
    expect(page.get_by_role("link", name="2501.00001")).to_have_count(0)


def test_sign_out_and_erase(page: Page, inbox: str, reader: Subscriber) -> None:
    heading = page.get_by_role("heading", level=1)
    page.goto(links.absolute("/account/"))
    page.get_by_label("Email address").fill(reader.email)
    page.get_by_role("button", name="Mail me a link").click()
    open_newest(page, inbox, 1)
    follow(page, "Open my account")
    link = page.url
    page.get_by_role("button", name="Open my account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(links.absolute("/"))

    page.goto(link)
    expect(heading).to_have_text("This link has been used, or is too old")
    page.get_by_role("link", name="Get a new link").click()
    page.get_by_label("Email address").fill(reader.email)
    page.get_by_role("button", name="Mail me a link").click()
    open_newest(page, inbox, 2)
    follow(page, "Open my account")
    page.get_by_role("button", name="Open my account").click()
    page.get_by_role("link", name="Erase everything").click()
    page.get_by_role("button", name="Erase everything now").click()
    expect(heading).to_have_text("Everything is erased")
    assert not Subscriber.objects.exists()
    page.goto(links.PREFERENCES.url(reader.pk))
    expect(heading).to_have_text("Not subscribed")
    page.goto(links.absolute("/account/"))
    expect(heading).to_have_text("Open your account")
    assert len(mails(inbox)) == 2
