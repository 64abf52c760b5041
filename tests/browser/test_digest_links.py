"""What a reader does from the papers of a digest: say of them, save them, ask why."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from subscriptions.models import Delivery, Paper
from tests.browser.mailbox import follow, open_newest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DARK, LIGHT = "rgb(17, 22, 20)", "rgb(238, 241, 236)"
"""The ground of a digest."""


def test_more_less_and_the_saved_papers(page: Page, inbox: str, digest: Delivery) -> None:
    heading, told = page.get_by_role("heading", level=1), page.locator(".lead").first
    open_newest(page, inbox, 1)
    follow(page, "More like this")
    page.get_by_role("button", name="More like this").click()
    expect(heading).to_have_text("Noted")
    expect(told).to_contain_text("more papers like this")

    page.get_by_role("link", name="Less like this").click()
    page.get_by_role("button", name="Less like this").click()
    expect(told).to_contain_text("fewer papers like this")

    page.get_by_role("link", name="Save").click()
    page.get_by_role("button", name="Save").click()
    expect(told).to_contain_text("You saved this paper")
    title = page.locator(".lead").nth(1).inner_text()

    page.get_by_role("link", name="All papers you saved").click()
    expect(page.locator(".papers h3")).to_have_text([title])
    with page.expect_download() as started:
        page.get_by_role("link", name="Download as BibTeX").click()
    assert started.value.suggested_filename == "saved-papers.bib"
    assert title in Path(started.value.path()).read_text()

    page.get_by_role("button", name="Take off").click()
    expect(page.locator("main")).to_contain_text("Nothing yet")
    expect(page.locator(".papers")).to_have_count(0)


def test_why_and_less_of_what_brought_it(page: Page, inbox: str, digest: Delivery) -> None:
    open_newest(page, inbox, 1)
    card = page.locator("td.card").filter(has_text="You follow Robotics").first
    page.goto(card.get_by_role("link", name="Why this?").get_attribute("href") or "")
    facts = page.locator(".facts")
    expect(facts).to_contain_text("Robotics (Topic)")
    expect(facts).to_contain_text("normal")
    page.get_by_role("button", name="Less from “Robotics”").click()
    expect(page.locator(".notice")).to_contain_text("Noted")
    expect(facts).to_contain_text("less")
    page.get_by_role("link", name="Change your choices").click()
    expect(page.get_by_role("group", name="Robotics").get_by_label("Less")).to_be_checked()


def test_the_digest_on_the_web(
    page: Page, inbox: str, digest: Delivery, papers: dict[str, Paper]
) -> None:
    open_newest(page, inbox, 1)
    titles = page.get_by_role("heading", level=3).all_inner_texts()
    assert papers["hands"].title in titles
    follow(page, "Read it on the web")
    expect(page.get_by_role("heading", level=3)).to_have_text(titles)
    expect(page.get_by_role("link", name="Read it on the web")).to_have_count(0)
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_css("background-color", LIGHT)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", DARK)
