"""The board: what it shows, to whom, and at what cost."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html

from subscriptions.models import (
    Edition,
    Listing,
    ListingVotes,
    Paper,
    Pick,
    Topic,
    TopicMatch,
    WantedPaper,
)
from tests.admin.boards import BOARD, DAY, JSON, TODAY, Make, do, make_week, text, titles
from tests.conftest import MONDAY


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def week(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    return make_week(make_paper, topics)


def test_the_papers_that_a_weekly_reader_will_get_ranked_by_trend(
    admin_client: Client, week: list[Paper]
) -> None:
    first = Listing.objects.get(paper=week[3])
    ListingVotes.objects.create(listing=first, date=TODAY - DAY, count=10)
    assert titles(admin_client) == [
        "Robot arms 3", "Robot arms 2", "Robot arms 1", "Robot arms 0", "Cups",
    ]  # fmt: skip
    shown = text(admin_client.get(BOARD))
    assert "Papers of 7 October to 13 October 2025" in shown and "5 papers listed" in shown
    for words in (
        "30 votes", "Zoë Åberg", "Hugging Face Daily Papers, Mon 13 Oct", "Robotics",
        "Readers: not yet known", "Readers: about 120", "Of <b>handles</b>.",
    ):  # fmt: skip
        assert words in shown
    page = html.fromstring(admin_client.get(BOARD).content.decode())
    (line,) = page.xpath("//svg[@role='img']")
    assert line.get("aria-label") == "Votes by day: 10, 30"
    assert not page.xpath("//*[@style] | //script[not(@src)]")
    board = reverse("admin:subscriptions_paper_board")
    assert f'href="{board}"' in admin_client.get("/admin/subscriptions/paper/").content.decode()


def test_after_a_quiet_week_the_newest_papers_that_are_there(
    admin_client: Client, week: list[Paper]
) -> None:
    def days(page: Any) -> list[str]:
        select = html.fromstring(page.content.decode()).get_element_by_id("id_day")
        return [option.text for option in select]

    quiet = "The last 7 days have no papers yet"
    page = admin_client.get(BOARD)
    assert quiet not in page.text and days(page)[0] == "The last 7 days"
    Listing.objects.exclude(day=TODAY - 7 * DAY).delete()
    page = admin_client.get(BOARD)
    assert titles(admin_client) == titles(admin_client, day="week") == ["Long ago"]
    assert "Papers of 30 September to 6 October 2025" in text(page) and quiet in text(page)
    assert "Picks for Monday 13 October 2025 Open until" in text(page)
    assert days(page)[:2] == ["The newest 7 days", "Monday 6 October"]
    page = admin_client.get(BOARD, {"day": str(TODAY - 7 * DAY)})
    assert quiet not in page.text and len(days(page)) == 8
    Listing.objects.update(day=TODAY - 6 * DAY)
    assert quiet not in admin_client.get(BOARD).text


def test_filters_and_search(admin_client: Client, week: list[Paper]) -> None:
    robotics = Topic.objects.get(slug="robotics").pk
    do(admin_client, f"pick:{week[0].pk}")
    do(admin_client, f"hide-withdrawn:{week[1].pk}")
    for query, found in (
        ({"day": TODAY}, ["Robot arms 3", "Robot arms 0", "Cups"]),
        ({"day": "2025-10-06"}, ["Long ago"]),
        ({"day": "1066-10-14"}, ["Robot arms 3", "Robot arms 2", "Robot arms 1", "Robot arms 0",
                                 "Cups"]),
        ({"topic": robotics}, ["Robot arms 2"]),
        ({"source": "arxiv"}, ["Cups"]),
        ({"state": "picked"}, ["Robot arms 0"]),
        ({"state": "hidden"}, ["Robot arms 1"]),
        ({"state": "undecided"}, ["Robot arms 3", "Robot arms 2", "Cups"]),
        ({"q": "ARMS 2"}, ["Robot arms 2"]),
        ({"q": "handles"}, ["Cups"]),
        ({"q": "zoë 3"}, ["Robot arms 3"]),
        ({"q": "zo. 3"}, []),
        ({"q": f"https://arxiv.org/abs/{week[4].arxiv_id}v2"}, ["Cups"]),
        ({"q": "100%"}, []),
        ({"q": "cups", "topic": robotics}, []),
    ):  # fmt: skip
        assert titles(admin_client, **query) == found, query


def test_more_goes_on_after_the_last_however_many_are_alike(
    admin_client: Client, make_paper: Make
) -> None:
    for n in range(90):
        make_paper(f"Paper {n}", day=TODAY, votes=n // 30)
    seen, query = titles(admin_client), ""
    for _ in range(2):
        page = html.fromstring(admin_client.get(f"{BOARD}?{query}").content.decode())
        query = page.xpath("//li[@class='more']/a/@href")[0].removeprefix("?")
        seen += titles(admin_client, after=unquote(query).removeprefix("after="))
    answer = admin_client.get(f"{BOARD}?{query}", headers=JSON).json()
    assert answer["cards"].count("<article") == 10 and "More" not in answer["cards"]
    assert len(seen) == len(set(seen)) == 90


NEEDED = {
    f"{BOARD}?": "view_paper", "pick": "add_pick", "unpick": "delete_pick", "up": "change_pick",
    "place": "change_pick", "hide-withdrawn": "change_paper", "show": "change_paper",
    "add": "add_pick", "forget": "add_pick", f"{BOARD}pick/": "add_pick",
    f"{BOARD}pick/?picked": "change_pick",
}  # fmt: skip


def test_each_button_asks_for_its_permission(client: Client, week: list[Paper]) -> None:
    user = User.objects.create_user("eve", is_staff=True)

    def status(what: str) -> int:
        if what.startswith(BOARD):
            paper = week[0].pk if "picked" in what else week[1].pk
            return client.get(what, {"paper": paper}).status_code
        do = {"forget": "forget:x", "place": f"place:{week[0].pk}:0"}
        data = {"do": do.get(what, f"{what}:{week[0].pk}"), "named": "2401.00001"}
        return client.post(f"{BOARD}change/", data).status_code

    for what, name in NEEDED.items():
        Pick.objects.get_or_create(paper=week[0], day=TODAY)
        client.force_login(user)
        others = Permission.objects.filter(content_type__app_label="subscriptions")
        user.user_permissions.set(others.exclude(codename=name))
        assert status(what) == 403, what
        user.user_permissions.set(others.filter(codename__in={name, "view_paper"}))
        assert status(what) in (200, 302), what
    user.user_permissions.set(others.exclude(codename="change_paper"))
    session = client.session
    session["curating"] = [[[[[week[1].pk, "", "withdrawn"]], []], "hidden as withdrawn"]]
    session.save()
    assert client.post(f"{BOARD}change/", {"do": "undo"}).status_code == 403
    client.logout()
    for address in (BOARD, f"{BOARD}pick/"):
        assert client.get(address).status_code == 302
    assert client.get(f"{BOARD}change/").status_code in (302, 405)


def test_hostile_titles_and_notes_do_nothing(admin_client: Client, make_paper: Make) -> None:
    evil = "<script>alert(1)</script>\u202e[x](javascript:alert(1))"
    paper = make_paper("x", day=TODAY, abstract=evil, authors=[evil])
    Paper.objects.update(title=evil, authors=[evil])  # as no form or import would leave it
    Pick.objects.create(paper=paper, day=TODAY, note=evil)
    page = html.fromstring(admin_client.get(BOARD).content.decode())
    assert not page.xpath("//script[not(@src)] | //@onclick | //a[starts-with(@href, 'java')]")
    holders = page.xpath("//*[contains(text(), '\u202e')]")
    assert holders and {holder.tag for holder in holders} <= {"bdi", "a"}
    for holder in holders:
        assert holder.xpath("ancestor-or-self::bdi"), "it turns what is around it"
    where: dict[str, Any] = {"paper": paper.pk, "picks": str(TODAY)}
    page = html.fromstring(admin_client.get(f"{BOARD}pick/", where).content.decode())
    assert not page.xpath("//script[not(@src)]")
    preview = admin_client.post(f"{BOARD}preview/", {"note": evil}).json()["html"]
    assert "<script" not in preview and "href" not in preview


def test_queries_do_not_grow(
    admin_client: Client, make_paper: Make, topics: dict[str, Topic]
) -> None:
    Edition.objects.roll(MONDAY)
    some = list(topics.values())[:3]

    def fill(count: int) -> None:
        for n in range(count):
            paper = make_paper(f"Robot arms {n}", votes=n, day=TODAY)
            pick = Pick.objects.create(paper=paper, day=TODAY, note="Read it.")
            pick.topics.set(some)
            for topic in some:
                TopicMatch.objects.create(topic=topic, paper=paper, score=1)
            WantedPaper.objects.create(arxiv_id=f"x{n}{paper.pk}", asked_at=MONDAY, pick_day=TODAY)

    def queries() -> list[int]:
        counts = []
        hide = {"do": "hide-duplicate", "papers": Paper.objects.values_list("pk", flat=True)}
        query: dict[str, Any] = {
            "q": "arms",
            "topic": some[0].pk,
            "source": "hugging-face",
            "state": "picked",
        }
        for post in (False, True):
            Paper.objects.update(hidden="")
            with CaptureQueriesContext(connection) as captured:
                if post:
                    answer = admin_client.post(f"{BOARD}change/", hide, headers=JSON)
                else:
                    answer = admin_client.get(BOARD, query)
            assert answer.status_code == 200
            counts.append(len(captured))
        return counts

    fill(2)
    queries()
    few = queries()
    fill(20)
    assert queries() == few
    assert few[0] <= 18, few
