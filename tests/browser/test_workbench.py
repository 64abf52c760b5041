"""A topic is edited while its papers come and go beside it; drafted from papers; merged."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from subscriptions.flows.topics import merge
from subscriptions.models import Interest, Paper, Subscriber, Topic, TopicMark
from subscriptions.tasks import tick
from tests.browser.axe import DESK, faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(
    browser: Browser, live_server: Any, admin_client: Client, papers: dict[str, Paper]
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(20_000)
    session = admin_client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Policy" in said.text else None)
    yield page
    context.close()
    assert problems == []


def listed(page: Page, group: str, *titles: str) -> None:
    section = page.locator(".group", has=page.get_by_role("heading", name=re.compile(f"^{group}")))
    expect(section.locator("h4")).to_have_text([re.compile(title) for title in titles])


def precision(page: Page, *values: str) -> None:
    row = page.locator(".figures tr", has=page.get_by_role("rowheader", name="Precision").first)
    expect(row.first.get_by_role("cell")).to_have_text(list(values))


def test_what_one_types_is_tried_at_once_and_saved_when_asked(
    page: Page, papers: dict[str, Paper], make_reader: Callable[..., Subscriber]
) -> None:
    topic = Topic.objects.create(slug="arms", name="Arms", group="Robots", phrases=["robot arms"])
    make_reader(topics=(topic.pk,))
    page.goto(f"/admin/subscriptions/topic/{topic.pk}/workbench/")
    expect(page.get_by_text("1 active subscriber follows it")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1 match: 0 came, 0 left, 1 stayed.")

    page.get_by_label("Phrases").press("Control+End")
    page.get_by_label("Phrases").press_sequentially("\nquadruped\ncloth")
    expect(page.get_by_role("status")).to_have_text("3 match: 2 came, 0 left, 1 stayed.")
    listed(page, "Stayed", "Robot arms")
    page.get_by_label("Phrases").fill("quadruped\ncloth")
    expect(page.get_by_role("status")).to_have_text("2 match: 2 came, 1 left, 0 stayed.")
    listed(page, "Left", "Robot arms")

    arms, legs = papers["arms"].title, papers["legs"].title
    page.get_by_role("group", name=arms).get_by_role("button", name="Wrong").click()
    precision(page, "none marked", "0% (0 of 1 marked)")
    right = page.get_by_role("group", name=legs).get_by_role("button", name="Right")
    right.focus()
    page.keyboard.press("Enter")
    precision(page, "100% (1 of 1 marked)", "0% (0 of 1 marked)")
    expect(right).to_be_focused()
    expect(right).to_have_attribute("aria-pressed", "true")
    assert set(TopicMark.objects.values_list("paper__title", "verdict")) == {
        (arms, "wrong"), (legs, "right"),
    }  # fmt: skip
    page.get_by_label("Show").select_option("Marked wrong")
    listed(page, "Came")
    listed(page, "Left", "Robot arms")
    assert faults(page, looks=DESK) == []
    assert Topic.objects.get(pk=topic.pk).phrases == ["robot arms"], "it was only tried"

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Arms” is saved.")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("2 match: 0 came, 0 left, 2 stayed.")
    assert Topic.objects.get(pk=topic.pk).phrases == ["quadruped", "cloth"]


def test_a_topic_is_drafted_from_papers_and_another_merged_into_it(
    page: Page,
    papers: dict[str, Paper],
    make_paper: Callable[..., Paper],
    make_reader: Callable[..., Subscriber],
) -> None:
    day = papers["legs"].listings.get().day
    for n in range(40):
        make_paper(f"On subject {n}", abstract="Nothing of the kind.", day=day)
    make_paper("Legged robots on ice", abstract="A robot and its legged gait.", day=day)
    tick()
    page.goto("/admin/subscriptions/topic/")
    page.get_by_role("link", name="Draft from example papers").click()
    page.get_by_label("Example papers").fill(f"arxiv.org/abs/2501.99999\n{papers['legs'].arxiv_id}")
    page.get_by_label("Search").fill("robot manipulation")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_label(papers["legs"].title)).to_be_checked()
    expect(page.get_by_text("Not here: arxiv.org/abs/2501.99999")).to_be_visible()
    page.get_by_label(papers["hands"].title).check()
    page.get_by_label(papers["arms"].title).check()
    assert faults(page, looks=DESK) == []
    page.get_by_role("button", name="Draft a topic").click()
    expect(page.get_by_role("heading", name="Drafted from 3 example papers")).to_be_visible()
    expect(page.get_by_label("Phrases")).to_have_value(re.compile("robot"))
    expect(page.get_by_label("Categories")).to_have_value("cs.RO")
    listed(page, "Matches", *[".*"] * page.locator(".group h4").count())
    page.get_by_label("Name").fill("Robots that move")
    page.get_by_label("Group").fill("Robots")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Robots that move” is saved.")).to_be_visible()

    made, robotics = Topic.objects.get(name="Robots that move"), Topic.objects.get(slug="robotics")
    make_reader("one@example.org", at=timezone.now(), topics=(robotics.pk,))
    make_reader("both@example.org", at=timezone.now(), topics=(robotics.pk, made.pk))
    page.goto(f"/admin/subscriptions/topic/{robotics.pk}/change/")
    page.get_by_role("link", name="Merge into another topic").click()
    page.get_by_label("Into").select_option("Robots that move")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("2 subscribers follow Robotics")).to_be_visible()
    expect(page.get_by_text("1 of them follows both")).to_be_visible()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Robotics is merged into Robots that move.")).to_be_visible()
    assert set(Interest.objects.values_list("topic", flat=True)) == {made.pk}
    assert merge(robotics.pk, made.pk) is None
    page.goto("/topics/robotics/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Robots that move")
