"""The board with its script: a week curated with the keyboard alone, and what the mouse adds."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect

from subscriptions.models import Paper, Pick, WantedPaper
from tests.browser.axe import DESK, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVIL = "<script>document.title = 'evil'</script>\u202e[x](javascript:alert(1))"


@pytest.fixture
def board(
    browser: Browser, live_server: Any, admin_client: Client, papers: dict[str, Paper]
) -> Iterator[Page]:
    """The board of an editor, who has a mouse in some tests only."""
    Paper.objects.filter(pk=papers["folds"].pk).update(title=f"Folds {EVIL}")
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    session = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Policy" in said.text else None)
    page.goto("/admin/subscriptions/paper/board/")
    expect(page.get_by_role("button", name="Keys")).to_be_visible()
    yield page
    context.close()
    assert problems == []


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def card(page: Page, words: str) -> Locator:
    return page.locator("article", has_text=words)


def picks(page: Page, *names: str) -> None:
    """The panel has these, in this order, and so has the database."""
    expect(page.locator("#picks li h3")).to_have_text([re.compile(name) for name in names])
    stored = Pick.objects.order_by("position").values_list("paper__title", flat=True)
    assert [title.split()[0] for title in stored] == [name.split()[0] for name in names]


def test_a_week_with_the_keyboard_alone(board: Page) -> None:
    press(board, "j", "p")
    said(board, "Picked for")
    expect(card(board, "Folds")).to_be_focused()
    press(board, "j", "j", "p")
    expect(card(board, "quadruped")).to_be_focused()
    picks(board, "Folds", "A quadruped")

    press(board, "n")
    expect(board.get_by_role("textbox", name="Note")).to_be_focused()
    board.keyboard.type("Worth *an* evening. pjkhux")
    expect(board.locator("[data-shown] em")).to_have_text("an")
    press(board, "Escape", "n")
    expect(board.get_by_role("textbox", name="Note")).to_have_value("Worth *an* evening. pjkhux")
    press(board, "Control+Enter")
    said(board, "saved")
    expect(card(board, "quadruped").locator(".note em")).to_have_text("an")
    expect(card(board, "quadruped")).to_be_focused()

    press(board, "Shift+K")
    picks(board, "A quadruped", "Folds")
    press(board, "o", "Shift+J")
    picks(board, "Folds", "A quadruped")
    press(board, "k")
    expect(board.locator("#picks li").first).to_be_focused()
    press(board, "o")
    expect(card(board, "quadruped")).to_be_focused()

    press(board, "k", "h", "2")
    standing = card(board, "lensing").locator(".standing")
    expect(standing).to_have_text("Hidden as off topic: reaches nobody.")
    press(board, "p")
    told = card(board, "lensing").locator(".told")
    expect(told).to_have_text("Hidden: show it again first.")
    press(board, "u")
    said(board, "Undone: hidden as off topic.")
    expect(standing).to_have_count(0)
    expect(card(board, "lensing")).to_be_focused()
    press(board, "u", "u")
    picks(board, "Folds", "A quadruped")
    press(board, "u")
    said(board, "Undone: pick for")
    expect(card(board, "quadruped").locator(".note")).to_have_count(0)

    press(board, "x", "j", "j", "x")
    expect(board.get_by_text("2 selected:")).to_be_visible()
    board.get_by_role("button", name="Pick").first.focus()
    press(board, "Enter")
    said(board, "2 papers picked")
    picks(board, "Folds", "A quadruped", "Gravitational", "Robot")
    expect(board.get_by_text("0 selected:")).to_be_visible()
    press(board, "?", "Escape", "/")
    expect(board.get_by_role("searchbox", name="Search")).to_be_focused()
    board.keyboard.type("arms")
    press(board, "Enter")
    expect(board.locator("article")).to_have_count(1)


def test_drag_add_and_hostile_texts(board: Page, papers: dict[str, Paper]) -> None:
    board.locator("article").get_by_role("button", name="Pick", exact=True).first.click()
    card(board, "lensing").get_by_role("button", name="Pick", exact=True).click()
    named = board.get_by_label("Add a paper by arXiv id or link")
    named.fill(f"https://arxiv.org/abs/{papers['arms'].arxiv_id}v2")
    press(board, "Enter")
    picks(board, "Folds", "Gravitational", "Robot")
    items = board.locator("#picks li")
    items.nth(2).locator(".grip").drag_to(items.first, target_position={"x": 60, "y": 4})
    picks(board, "Robot", "Folds", "Gravitational")
    named.fill("2401.00001")
    board.get_by_role("button", name="Add").click()
    said(board, "2401.00001 is being fetched from arXiv")
    expect(board.locator(".wanted")).to_contain_text("2401.00001")
    assert WantedPaper.objects.get().pick_day
    named.fill("not an id")
    press(board, "Enter")
    expect(board.locator(".add .told")).to_contain_text("no arXiv id")
    expect(named).to_be_focused()
    expect(named).to_have_value("not an id")

    card(board, "Folds").get_by_role("link", name="Note").click()
    note = board.get_by_role("textbox", name="Note")
    note.fill(EVIL)
    expect(board.locator("[data-shown] .note")).to_contain_text("<script>")
    note.fill("x" * 20_000)
    expect(board.locator("[data-shown]")).to_contain_text("20,000 characters")
    board.get_by_role("button", name="Save").click()
    expect(board.locator(".editor .errorlist")).to_contain_text("it has 20000")
    Pick.objects.filter(paper=papers["folds"]).update(note="Theirs")
    note.fill("Mine")
    board.get_by_role("button", name="Save").click()
    expect(board.locator(".theirs pre")).to_have_text("Theirs")
    expect(note).to_have_value("Mine")
    assert Pick.objects.get(paper=papers["folds"]).note == "Theirs"
    board.get_by_text("Only for followers of some topics").click()
    board.get_by_role("checkbox", name="Robotics", exact=True).check()
    board.get_by_role("button", name="Save").click()
    expect(card(board, "Folds").locator(".note")).to_have_text("Mine")
    expect(board.locator("#picks li").nth(1)).to_contain_text("For followers of Robotics")
    assert board.title().startswith("Papers of")

    board.route("**/change/", lambda route: route.abort())
    card(board, "quadruped").get_by_role("button", name="Pick", exact=True).click()
    expect(card(board, "quadruped").locator(".told")).to_contain_text("Not saved")
    expect(card(board, "quadruped").get_by_role("button", name="Pick", exact=True)).to_be_visible()


def test_nothing_is_wrong_for_axe_and_nothing_is_cut_off(board: Page) -> None:
    card(board, "lensing").get_by_role("button", name="Pick", exact=True).click()
    said(board, "Picked")
    card(board, "lensing").get_by_role("link", name="Note").click()
    board.get_by_role("textbox", name="Note").fill("Worth *an* evening.")
    expect(board.locator("[data-shown] em")).to_be_visible()
    card(board, "quadruped").get_by_text("Hide", exact=True).click()
    assert faults(board, looks=DESK) == []
