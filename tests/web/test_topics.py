"""The topics, and the papers of the last days that fit each."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from subscriptions.digests import topics as matching
from subscriptions.digests.shelf import Shelf
from subscriptions.models import Edition, Paper, Topic
from tests.web.test_archive import links, page_of, text, titles

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
ABSTRACT = "Dexterous manipulation by imitation learning and teleoperation of robots."
Make = Callable[..., Any]


@pytest.fixture
def papers(make_paper: Make, topics: dict[str, Topic]) -> Iterator[list[Paper]]:
    """Papers of the last of many released days, two of them on robotics."""
    for n in range(60):
        day = NOW.date() - dt.timedelta(days=60 - n)
        Edition.objects.create(day=day, status=Edition.Status.RELEASED, released_at=NOW)
    found = [
        make_paper("Robot manipulation by touch", day=FRIDAY, abstract=ABSTRACT),
        make_paper("Grasping with robots", day=FRIDAY, abstract=ABSTRACT.replace("by", "and")),
        make_paper("Rivers in spring", day=FRIDAY, abstract="Floods after the snow melts."),
    ]
    make_paper("Robot arms of today", day=NOW.date(), abstract=ABSTRACT)
    with time_machine.travel(NOW, tick=False):
        Edition.objects.roll(NOW)
        yield found


def test_topics_are_listed_by_group(client: Client, topics: dict[str, Topic]) -> None:
    retired = topics["robotics"]
    Topic.objects.filter(pk=retired.pk).update(status=Topic.Status.RETIRED)
    page = page_of(client, "/topics/")
    groups = {
        text(section, "./h2"): links(section, ".")
        for section in page.xpath("//section[contains(@class, 'subjects')]")
    }
    offered = Topic.objects.offered()
    assert list(groups) == list(dict.fromkeys(topic.group for topic in offered))
    for group, found in groups.items():
        assert found == [f"/topics/{t.slug}/" for t in offered if t.group == group]
    assert client.get("/topics/robotics/").status_code == 404


def test_a_topic_shows_what_fits_it_and_why(client: Client, papers: list[Paper]) -> None:
    page = page_of(client, "/topics/robotics/")
    assert set(titles(page)) == {"Robot manipulation by touch", "Grasping with robots"}
    reasons = [" ".join(why.itertext()) for why in page.xpath("//p[@class='why']")]
    assert len(reasons) == 2 and all("“teleoperation”" in reason for reason in reasons)
    assert "/?topics=robotics" in links(page)
    assert "2 papers of the last 7 days" in text(page, "//h2")


def test_the_best_comes_first(client: Client, papers: list[Paper], make_paper: Make) -> None:
    make_paper("A robot", day=FRIDAY, abstract="It takes part in a play on manipulation.")
    assert titles(page_of(client, "/topics/robotics/"))[-1] == "A robot"


def test_a_hidden_paper_is_gone_at_once(client: Client, papers: list[Paper]) -> None:
    client.get("/topics/robotics/")
    Paper.objects.filter(pk=papers[0].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert titles(page_of(client, "/topics/robotics/")) == ["Grasping with robots"]


def test_what_a_topic_says_anew_counts_at_once(client: Client, papers: list[Paper]) -> None:
    assert "Rivers in spring" not in titles(page_of(client, "/topics/robotics/"))
    Topic.objects.filter(slug="robotics").update(phrases=["snow"], description="Snow that melts.")
    assert titles(page_of(client, "/topics/robotics/")) == ["Rivers in spring"]


def test_thirty_days_reach_further_back(
    client: Client, papers: list[Paper], make_paper: Make
) -> None:
    inside, outside = (FRIDAY - dt.timedelta(days=n) for n in (29, 30))
    unreleased = inside + dt.timedelta(days=1)
    Edition.objects.filter(day=unreleased).delete()
    for day in (inside, outside):
        make_paper(f"Robot manipulation on {day}", day=day, abstract=ABSTRACT)
    make_paper("Robot arms unreleased", day=unreleased, abstract=ABSTRACT)
    page = page_of(client, "/topics/robotics/?days=30")
    assert set(titles(page)) == {
        "Robot manipulation by touch",
        "Grasping with robots",
        f"Robot manipulation on {inside}",
    }
    assert "3 papers of the last 30 days" in text(page, "//h2")
    assert page.xpath("//link[@rel='canonical']/@href")[0].endswith("/topics/robotics/?days=30")
    assert len(titles(page_of(client, "/topics/robotics/"))) == 2


def test_a_past_week_is_scored_once_for_all_topics(
    client: Client, papers: list[Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = FRIDAY - dt.timedelta(days=14)
    make_paper("Robot manipulation before", day=day, abstract=ABSTRACT)
    built: list[Any] = []

    def shelf(first: dt.date, last: dt.date, pages: bool) -> Shelf:
        built.append(first)
        return Shelf(first, last, pages)

    monkeypatch.setattr(matching, "Shelf", shelf)
    for slug in ("robotics", "cosmology", "robotics"):
        client.get(f"/topics/{slug}/?days=30")
    assert len(built) == len(set(built)) == 4, "each week once"  # Sep 8 – Oct 5
    assert "Robot manipulation before" in titles(page_of(client, "/topics/robotics/?days=30"))


def test_a_site_without_editions_has_topics_too(client: Client, topics: dict[str, Topic]) -> None:
    for path in ("/topics/robotics/", "/topics/robotics/?days=30"):
        assert titles(page_of(client, path)) == []


def test_many_papers_have_pages(client: Client, papers: list[Paper], make_paper: Make) -> None:
    for n in range(60):
        make_paper(f"Robot manipulation {n}", day=FRIDAY, abstract=ABSTRACT)
    first, second = (page_of(client, f"/topics/robotics/?page={n}") for n in (1, 2))
    assert len(titles(first)) == 50 and len(titles(second)) == 12
    assert [link for link in links(second) if "page=" in link] == ["?page=1"]


@pytest.mark.parametrize(("path", "most"), [("", 2), ("?days=30", 4)])
def test_what_was_found_is_kept_and_costs_few_queries(
    client: Client,
    papers: list[Paper],
    make_paper: Make,
    django_assert_num_queries: Any,
    path: str,
    most: int,
) -> None:
    for n in range(20):
        make_paper(f"Robot manipulation {n}", day=FRIDAY, abstract=ABSTRACT)
    client.get(f"/topics/robotics/{path}")
    with django_assert_num_queries(most + 1):
        client.get(f"/topics/robotics/{path}")
