"""What anyone can read: the editions, the papers, the topics, the search."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from subscriptions.flows.indexing import index_papers
from subscriptions.models import Paper

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("page", ["phone"], indirect=True),
]


def test_from_the_archive_to_related_papers(
    page: Page, live_server: Any, papers: dict[str, Paper]
) -> None:
    index_papers()
    heading = page.get_by_role("heading", level=1)
    day = papers["hands"].first_seen
    page.goto(live_server.url)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Editions").click()
    expect(heading).to_have_text("Editions")
    page.get_by_role("link", name=f"{day.day} {day:%B %Y}").click()
    expect(heading).to_have_text(f"{day:%A} {day.day} {day:%B %Y}")
    expect(page.locator(".ranked h3")).to_have_count(len(papers))

    page.get_by_role("link", name="Week").click()
    expect(page.locator(".ranked h3")).to_have_count(len(papers))
    page.get_by_role("link", name=papers["hands"].title, exact=True).click()
    expect(heading).to_have_text(papers["hands"].title)
    with page.expect_download() as started:
        page.get_by_role("link", name="Cite (BibTeX)").click()
    assert started.value.suggested_filename.endswith(".bib")
    related = page.get_by_role("region", name="Related papers")
    related.get_by_role("link", name=papers["arms"].title, exact=True).click()
    expect(heading).to_have_text(papers["arms"].title)


def test_a_topic_is_followed_from_its_page(
    page: Page, live_server: Any, papers: dict[str, Paper]
) -> None:
    page.goto(f"{live_server.url}/topics/")
    page.get_by_role("link", name="Robotics", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Robotics")
    expect(page.locator(".papers")).to_contain_text(papers["hands"].title)
    expect(page.locator(".papers")).not_to_contain_text(papers["lens"].title)
    assert_feeds(page, 2)
    page.get_by_role("link", name="Follow by email").click()
    expect(page.get_by_label("Robotics", exact=True)).to_be_checked()
    expect(page.locator("#preview")).to_contain_text(papers["hands"].title)
    assert_feeds(page, 1)


def test_search(page: Page, live_server: Any, papers: dict[str, Paper]) -> None:
    index_papers()
    box = page.get_by_label("Words, a title")
    found = page.locator(".ranked h3")
    page.goto(f"{live_server.url}/search/")
    box.fill("quadruped sand")
    page.get_by_role("button", name="Search").click()
    expect(found.first).to_have_text(papers["legs"].title)
    expect(box).to_have_value("quadruped sand")
    box.fill(papers["lens"].title)
    box.press("Enter")
    expect(found.first).to_have_text(papers["lens"].title)
    box.fill("zyzzyva")
    box.press("Enter")
    expect(page.locator("main")).to_contain_text("Nothing here fits that")
    box.fill(f"https://arxiv.org/abs/{papers['folds'].arxiv_id}")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(papers["folds"].title)


def test_a_page_that_is_not_there(page: Page, live_server: Any, db: None) -> None:
    answer = page.goto(f"{live_server.url}/nowhere/")
    assert answer and answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no page here")
    page.get_by_role("link", name="Browse the editions").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Editions")


def assert_feeds(page: Page, count: int) -> None:
    """The feeds that the head of a page names are there."""
    named = page.locator("head link[rel=alternate][type='application/atom+xml']")
    expect(named).to_have_count(count)
    for link in named.all():
        feed = page.request.get(str(link.evaluate("link => link.href")))
        assert feed.headers["content-type"].startswith("application/atom+xml")
        assert "<entry>" in feed.text()
