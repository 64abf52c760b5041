"""The board, without a script: what it shows, what its buttons do, and who may."""

import datetime as dt
from collections.abc import Callable, Iterator
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
    Source,
    Topic,
    TopicMatch,
    WantedPaper,
)
from tests.conftest import MONDAY

TODAY = MONDAY.date()
DAY = dt.timedelta(days=1)
BOARD = "/admin/subscriptions/paper/board/"
JSON = {"Accept": "application/json"}
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def week(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    """Five papers of the last days, the later the better."""
    Edition.objects.roll(MONDAY)
    papers = [
        make_paper(f"Robot arms {n}", day=TODAY - n % 3 * DAY, votes=10 * n, authors=["Zoë Åberg"])
        for n in range(4)
    ]
    papers.append(
        make_paper("Cups", day=TODAY, source=Source.ARXIV, abstract="Of <b>handles</b>.", reach=120)
    )
    make_paper("Long ago", day=TODAY - 7 * DAY, votes=99)
    TopicMatch.objects.create(topic=topics["robotics"], paper=papers[2], score=3, words="arms")
    return papers


def text(page: Any) -> str:
    return " ".join(html.fromstring(page.content.decode()).text_content().split())


def titles(client: Client, **query: Any) -> list[str]:
    page = html.fromstring(client.get(BOARD, query).content.decode())
    return [title.text_content().strip() for title in page.xpath("//article//h3")]


def do(client: Client, what: str, back: str = "", **more: Any) -> str:
    """Press a button; what is said of it."""
    answer = client.post(f"{BOARD}change/", {"do": what, "back": back, **more}, follow=True)
    assert answer.status_code == 200
    (said,) = (str(message) for message in answer.context["messages"])
    return said


def logged(client: Client, paper: Paper) -> str:
    return text(client.get(reverse("admin:subscriptions_paper_history", args=[paper.pk])))


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


def test_pick_order_and_take_back(admin_client: Client, week: list[Paper]) -> None:
    def order() -> list[str]:
        page = html.fromstring(admin_client.get(BOARD).content.decode())
        return [name.text_content().strip() for name in page.xpath("//section[@id='picks']//li/h3")]

    assert do(admin_client, f"pick:{week[0].pk}") == "Picked for 13 October 2025."
    said = do(admin_client, "pick", papers=[week[0].pk, week[1].pk, week[2].pk])
    assert said == "2 papers picked for 13 October 2025."
    do(admin_client, f"up:{week[2].pk}")
    assert order() == ["Robot arms 0", "Robot arms 2", "Robot arms 1"]
    do(admin_client, f"down:{week[0].pk}")
    do(admin_client, f"place:{week[1].pk}:0")
    assert order() == ["Robot arms 1", "Robot arms 2", "Robot arms 0"]
    do(admin_client, f"unpick:{week[2].pk}")
    assert order() == ["Robot arms 1", "Robot arms 0"]
    assert do(admin_client, f"unpick:{week[2].pk}").startswith("Nothing to change")
    history = logged(admin_client, week[2])
    for line in ("Picked for 2025-10-13.", "Moved to place 2 of", "Taken back from 2025-10-13."):
        assert line in history
    pick = Pick.objects.get(paper=week[1])
    history = text(admin_client.get(reverse("admin:subscriptions_pick_history", args=[pick.pk])))
    assert "Picked for 2025-10-13." in history and "Moved to place 1 of" in history


def test_hide_with_its_reason_show_again_and_undo_step_by_step(
    admin_client: Client, week: list[Paper]
) -> None:
    assert do(admin_client, "hide-off-topic").startswith("Select some papers")
    do(admin_client, "hide-off-topic", papers=[week[0].pk, week[1].pk])
    assert "Hidden as off topic: reaches nobody." in text(admin_client.get(BOARD))
    assert "show it again first" in do(admin_client, f"pick:{week[0].pk}")
    do(admin_client, f"show:{week[0].pk}")
    assert do(admin_client, "undo") == "Undone: shown again."
    assert do(admin_client, "undo") == "Undone: hidden as off topic."
    assert not Paper.objects.exclude(hidden="").exists()
    assert do(admin_client, "undo") == "There is nothing to undo."
    assert logged(admin_client, week[0]).count("Hidden as off topic.") == 2
    do(admin_client, f"hide-duplicate:{week[0].pk}")
    Paper.objects.update(hidden="withdrawn")
    assert "somebody has changed it since" in do(admin_client, "undo")


def test_the_editor_of_a_pick(
    admin_client: Client, week: list[Paper], topics: dict[str, Topic]
) -> None:
    where: dict[str, Any] = {"paper": week[0].pk, "picks": str(TODAY)}
    page = admin_client.get(f"{BOARD}pick/", where)
    form = html.fromstring(page.content.decode()).forms
    (editor,) = (one for one in form if "note" in one.fields)
    assert "Saving this picks the paper" in text(page)
    data = dict(editor.form_values()) | {
        "note": "Worth *an* evening.", "day": str(TODAY + DAY), "topics": [topics["robotics"].pk],
    }  # fmt: skip
    answer = admin_client.post(f"{BOARD}pick/", data, follow=True)
    assert "Pick for 14 October 2025 saved." in text(answer)
    shown = admin_client.get(BOARD, {"picks": str(TODAY + DAY)})
    assert "Worth <em>an</em> evening." in shown.content.decode()
    assert "For followers of Robotics" in text(shown) and "yet to come" in text(shown)
    assert "Note for 2025-10-14: Worth *an* evening." in logged(admin_client, week[0])
    do(admin_client, "undo")
    assert not Pick.objects.exists()


def test_what_cannot_be_saved_comes_back_with_why(admin_client: Client, week: list[Paper]) -> None:
    where: dict[str, Any] = {
        "paper": week[0].pk,
        "picks": str(TODAY),
        "version": "none",
        "day": str(TODAY),
    }
    long = admin_client.post(f"{BOARD}pick/", {**where, "note": "x" * 1_000_000})
    assert long.status_code == 422 and not Pick.objects.exists()
    assert "at most 1000 characters (it has 1000000)" in text(long)
    preview = admin_client.post(f"{BOARD}preview/", {"note": "x" * 1_000_000}).json()
    assert "at most 1,000" in preview["said"] and "html" not in preview
    old = admin_client.post(f"{BOARD}pick/", {**where, "day": "2025-09-01"}, headers=JSON)
    assert old.status_code == 422 and "too long ago" in old.json()["editor"]
    none = admin_client.post(f"{BOARD}pick/", {**where, "day": "tomorrow"}, headers=JSON)
    assert none.status_code == 422 and "Enter a valid date" in none.json()["editor"]
    assert admin_client.get(f"{BOARD}pick/", {"paper": "9" * 30}).status_code == 404


def test_a_note_that_another_editor_changed_meanwhile_is_not_lost(
    admin_client: Client, week: list[Paper]
) -> None:
    Pick.objects.create(paper=week[0], day=TODAY, note="First")
    where: dict[str, Any] = {"paper": week[0].pk, "picks": str(TODAY), "day": str(TODAY)}

    def version(page: Any) -> str:
        shown = html.fromstring(page.json()["editor"])
        return str(shown.xpath("//input[@name='version']/@value")[0])

    seen = version(admin_client.get(f"{BOARD}pick/", where, headers=JSON))
    Pick.objects.update(note="Theirs <script>")
    mine = {**where, "version": seen, "note": "Mine"}
    stale = admin_client.post(f"{BOARD}pick/", mine, headers=JSON)
    shown = html.fromstring(stale.json()["editor"])
    assert stale.status_code == 409 and Pick.objects.get().note == "Theirs <script>"
    assert shown.xpath("//pre")[0].text_content() == "Theirs <script>"
    assert shown.xpath("//textarea")[0].text_content().strip() == "Mine"
    again = {**mine, "version": version(stale)}
    assert admin_client.post(f"{BOARD}pick/", again, headers=JSON).status_code == 200
    assert Pick.objects.get().note == "Mine"
    Pick.objects.all().delete()
    gone = admin_client.post(f"{BOARD}pick/", again, headers=JSON)
    assert gone.status_code == 409 and "taken this pick back" in gone.json()["editor"]


def test_a_paper_is_added_by_id_link_or_doi(admin_client: Client, week: list[Paper]) -> None:
    Paper.objects.filter(pk=week[1].pk).update(doi="10.1000/x1")
    for named, said in (
        (f"https://arxiv.org/abs/{week[0].arxiv_id}v3", "Picked for 13 October 2025."),
        ("doi:10.1000/X1", "Picked for 13 October 2025."),
        (f" {week[0].arxiv_id} ", "Nothing to change"),
        ("10.1000/unknown", "No paper here has this DOI"),
        ("https://example.org/", "no arXiv id"),
        ("\0" * 600, "no arXiv id"),
        ("2401.00001", "2401.00001 is being fetched from arXiv"),
    ):
        assert said in do(admin_client, "add", named=named), named
    assert set(Pick.objects.values_list("paper", flat=True)) == {week[0].pk, week[1].pk}
    assert WantedPaper.objects.get().pick_day == TODAY
    assert "2401.00001, for 13 October: being fetched" in text(admin_client.get(BOARD))
    WantedPaper.objects.update(status=WantedPaper.Status.MISSING)
    assert "arXiv does not know it" in text(admin_client.get(BOARD))
    do(admin_client, "forget:2401.00001")
    assert "2401.00001" not in text(admin_client.get(BOARD))
    Paper.objects.filter(pk=week[2].pk).update(hidden="withdrawn")
    assert "hidden as withdrawn" in do(admin_client, "add", named=week[2].arxiv_id)


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
