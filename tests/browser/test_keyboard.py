"""The sign-up with the keyboard alone: all of it is reached, seen, and left again."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from subscriptions.models import Paper, Subscriber

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SEEN = """() => {
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  const outlined = (shown) => {
    const style = getComputedStyle(shown);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return inside && [focused, ...(focused.labels ?? [])].some(outlined);
}"""
"""Whether a line is drawn around what has the focus, or its label, and it is in the window."""


MOST = 30
"""So many presses of Tab lead to any next thing to fill in."""


@pytest.mark.parametrize("page", ["javascript", "phone"], indirect=True)
def test_sign_up(page: Page, live_server: Any, inbox: str, papers: dict[str, Paper]) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")

    tab_to(page, page.get_by_role("link", name="Choose your topics"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Find a topic"))
    page.keyboard.type("robot")
    tab_to(page, page.get_by_label("Robotics", exact=True))
    page.keyboard.press("Space")
    expect(page.locator("#preview")).to_contain_text(papers["hands"].title)

    tab_to(page, page.locator("summary").filter(has_text="Add your own phrases"))
    page.keyboard.press("Enter")
    for label, typed in (
        ("Your own phrases", "stable shapes"),
        ("Authors", "Ada Ito"),
        ("arXiv categories", "cs.RO"),
        ("Papers you liked", "2501.00001"),
        ("Muted phrases", "quadruped"),
    ):
        tab_to(page, page.get_by_label(label, exact=True))
        page.keyboard.type(typed)

    tab_to(page, page.get_by_label("Weekly", exact=True))
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Daily", exact=True)).to_be_checked()
    tab_to(page, page.get_by_label("Hour", exact=True))
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_label("Email address"))
    page.keyboard.type("yuki@example")
    page.keyboard.press("Enter")
    problems = page.locator(".problems")
    expect(problems).to_be_focused()
    tab_to(page, problems.get_by_role("link"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Email address")).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(".org")
    tab_to(page, page.get_by_role("button", name="Sign up"))
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")

    reader = Subscriber.objects.get()
    assert (reader.email, reader.cadence, reader.hour) == ("yuki@example.org", "daily", 9)
    assert reader.interests.count() == 6


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; each thing on the way is seen to have it."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("target => target === document.activeElement"):
            return
    raise AssertionError(f"{MOST} times Tab do not lead to {target}")
