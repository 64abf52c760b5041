"""The topics workbench: what is tried, marked and saved, and who may."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import html

from subscriptions.digests import workbench
from subscriptions.flows import topics as flow
from subscriptions.models import Paper, Topic, TopicMark
from tests.admin.topics import HTMX, fields, url
from tests.conftest import MONDAY

Make = Callable[..., Any]
TODAY = MONDAY.date()


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def weather(db: None) -> Topic:
    return Topic.objects.create(
        slug="weather", name="Weather", group="Earth", phrases=["radar", "rain"], position=3
    )


@pytest.fixture
def papers(make_paper: Make) -> dict[str, Paper]:
    made = {
        "rain": make_paper("Radar sees rain", day=TODAY),
        "snow": make_paper("Snow on radar", day=TODAY - dt.timedelta(days=2)),
        "hail": make_paper("Hail <script>alert(1)</script> in bands", day=TODAY),
    }
    for n in range(20):
        make_paper(f"On subject {n}", day=TODAY, abstract="Nothing of the kind.")
    return made


def groups(page: str) -> dict[str, list[str]]:
    """By heading, the titles that are listed under it."""
    tree = html.fromstring(page)
    return {
        section.xpath("string(h3/text())").strip(): [
            title.text_content().strip() for title in section.xpath(".//h4")
        ]
        for section in tree.xpath('//section[@class="group"]')
    }


def figures(page: str) -> dict[str, list[str]]:
    rows = html.fromstring(page).xpath('//table[@class="figures"]/tbody/tr')
    return {row.xpath("string(th)"): row.xpath("td/text()") for row in rows}


def test_the_page_comes_at_once_and_what_it_brings_is_asked_for(
    admin_client: Client, weather: Topic, papers: Any, make_reader: Make
) -> None:
    for n in range(3):
        make_reader(f"r{n}@example.org", topics=(weather.pk,))
    page = admin_client.get(url("workbench", weather.pk)).text
    assert "Reading the papers of the last 30 days" in page and workbench.ready() is None
    assert "<b>3</b> active subscribers follow it" in page
    assert url("workbench", weather.pk) in admin_client.get(url("change", weather.pk)).text

    edited = fields(weather, phrases="rain\nhail")
    answer = admin_client.post(url("workbench", weather.pk), edited, headers=HTMX)
    assert groups(answer.text) == {
        "Came": ["Hail <script>alert(1)</script> in bands"],
        "Left": ["Snow on radar"],
        "Stayed": ["Radar sees rain"],
    }
    assert "2 match: 1 came, 1 left, 1 stayed." in answer.text
    assert "“rain”" in answer.text and "Sat 11 Oct" in answer.text
    assert figures(answer.text)["Matches"] == ["2", "2"]
    assert "<script>alert" not in answer.text and "<html" not in answer.text
    weather.refresh_from_db()
    assert weather.phrases == ["radar", "rain"], "it was tried, not saved"
    # Without a script the same is part of the page.
    whole = admin_client.post(url("workbench", weather.pk), {**edited, "try": "Try"}).text
    assert groups(whole) == groups(answer.text) and "rain\nhail</textarea>" in whole


def test_while_another_reads_the_papers_one_is_told_to_wait(
    admin_client: Client, weather: Topic, papers: Any
) -> None:
    with workbench._BUILDING:
        answer = admin_client.post(url("workbench", weather.pk), fields(weather), headers=HTMX).text
    assert "Reading the papers" in answer and 'data-hx-trigger="load delay:1s"' in answer


def test_marks_show_how_precise_each_version_is(
    admin_client: Client, admin_user: User, weather: Topic, papers: dict[str, Paper]
) -> None:
    def post(mark: str = "", **changes: str) -> str:
        data = {**fields(weather), **({"mark": mark} if mark else {}), **changes}
        return admin_client.post(url("workbench", weather.pk), data, headers=HTMX).text

    assert figures(post())["Precision"] == ["none marked"] * 2
    post(f"{papers['rain'].pk}:right")
    both = post(f"{papers['snow'].pk}:wrong")
    assert figures(both)["Precision"] == ["50% (1 of 2 marked)"] * 2
    edited = post(phrases="rain")
    assert figures(edited)["Precision"] == ["100% (1 of 1 marked)", "50% (1 of 2 marked)"]
    assert figures(edited)["Precision of the first 10"] == figures(edited)["Precision"]
    mark = TopicMark.objects.get(paper=papers["snow"])
    assert (mark.verdict, mark.by, mark.marked_at) == ("wrong", admin_user, MONDAY)
    assert groups(post(marked="wrong"))["Stayed"] == ["Snow on radar"]
    assert groups(post(marked="none"))["Stayed"] == []
    history = admin_client.get(url("history", weather.pk)).text
    assert "Marked right: “Radar sees rain”" in history

    pressed = html.fromstring(both).get_element_by_id(f"wrong-{papers['snow'].pk}")
    assert pressed.get("aria-pressed") == "true"
    post(pressed.get("value"))
    assert TopicMark.objects.get().paper == papers["rain"], "pressed again it is taken back"
    page = url("workbench", weather.pk)
    for wrong in ("1:great", "x:right", "99999:right", f"{2**70}:right"):
        assert admin_client.post(page, fields(weather, mark=wrong)).status_code == 404


def test_saving_is_logged_with_before_and_after(
    admin_client: Client, weather: Topic, papers: Any
) -> None:
    page = admin_client.get(url("workbench", weather.pk))
    seen = page.context["form"]["seen"].value()
    data = fields(weather, phrases="rain\nhail", categories="physics.AO-ph", seen=seen, save="Save")
    answer = admin_client.post(url("workbench", weather.pk), data)
    assert (answer.status_code, answer["Location"]) == (302, url("workbench", weather.pk))
    weather.refresh_from_db()
    assert (weather.phrases, weather.categories) == (["rain", "hail"], ["physics.ao-ph"])
    assert (weather.slug, weather.position) == ("weather", 3)
    history = admin_client.get(url("history", weather.pk)).text
    assert "radar; rain" in history and "rain; hail" in history

    # Who had opened it before is told, and shown both; nothing is lost.
    stale = admin_client.post(url("workbench", weather.pk), {**data, "phrases": "snow"})
    assert stale.status_code == 200 and "has changed Weather since you opened" in stale.text
    assert "rain; hail" in stale.text and "snow</textarea>" in stale.text
    weather.refresh_from_db()
    assert weather.phrases == ["rain", "hail"]
    again = {**data, "phrases": "snow", "seen": stale.context["form"]["seen"].value()}
    assert admin_client.post(url("workbench", weather.pk), again).status_code == 302


def test_what_is_wrong_is_told_and_not_tried(
    admin_client: Client, weather: Topic, papers: Any
) -> None:
    data = fields(weather, description="x" * 1001, categories="weather", phrases="rain")
    tried = admin_client.post(url("workbench", weather.pk), data, headers=HTMX).text
    assert "There is no arXiv category “weather”" in tried and "at most 1000 characters" in tried
    assert groups(tried)["Left"] == ["Snow on radar"], "the phrases were right"
    saved = admin_client.post(url("workbench", weather.pk), {**data, "name": "", "save": "Save"})
    assert saved.status_code == 200 and saved.text.count('class="errorlist"') == 3
    many = {**fields(weather), "phrases": "\n".join(f"rain {n}" for n in range(31))}
    tried = admin_client.post(url("workbench", weather.pk), many, headers=HTMX).text
    assert "At most 30 lines" in tried
    weather.refresh_from_db()
    assert weather.phrases == ["radar", "rain"]


def test_a_new_topic(admin_client: Client, weather: Topic, papers: Any) -> None:
    data = {"name": "Weather!", "group": "Earth", "description": "", "phrases": "hail",
            "categories": ""}  # fmt: skip
    assert admin_client.get(url("workbench_new")).status_code == 200
    tried = admin_client.post(url("workbench_new"), data, headers=HTMX).text
    assert list(groups(tried)) == ["Matches"] and "Right</button>" not in tried
    assert Topic.objects.count() == 1
    admin_client.post(url("workbench_new"), {**data, "save": "Save"})
    made = Topic.objects.exclude(pk=weather.pk).get()
    assert (made.slug, made.position, made.status) == ("weather-2", 4, "offered")
    assert LogEntry.objects.get(object_id=str(made.pk)).is_addition()


def test_what_is_tried_takes_a_constant_number_of_queries(
    admin_client: Client, weather: Topic, papers: dict[str, Paper], make_paper: Make
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.post(url("workbench", weather.pk), fields(weather), headers=HTMX)
        return len(captured)

    for n in range(30):
        flow.mark(weather, make_paper(f"Radar {n}", day=TODAY).pk, "right", None, MONDAY)
    queries()
    many = queries()
    weather.phrases = ["hail"]
    assert queries() == many <= 8


def as_role(client: Client, role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["Editors", "Supporters"])
def test_who_may_look_and_who_may_change(
    client: Client, weather: Topic, papers: dict[str, Paper], role: str
) -> None:
    may = role == "Editors"
    staff = as_role(client, role)
    page = staff.get(url("workbench", weather.pk))
    assert page.status_code == 200 and ('name="save"' in page.text) is may
    tried = staff.post(url("workbench", weather.pk), fields(weather), headers=HTMX)
    assert tried.status_code == 200 and ('name="mark"' in tried.text) is may
    mark = fields(weather, mark=f"{papers['rain'].pk}:right")
    allowed = {
        staff.post(url("workbench", weather.pk), mark).status_code: {200},
        staff.post(url("workbench", weather.pk), fields(weather, save="1")).status_code: {302},
        staff.get(url("workbench_new")).status_code: {200},
        staff.get(url("draft")).status_code: {200},
        staff.get(url("merge", weather.pk)).status_code: {200},
    }
    if may:
        assert all(status in ok for status, ok in allowed.items())
    else:
        assert set(allowed) == {403} and not TopicMark.objects.exists()
    chosen = {"action": "retire", "_selected_action": [weather.pk]}
    staff.post(url("changelist"), chosen)
    weather.refresh_from_db()
    assert (weather.status == "retired") is may


def test_who_has_another_role_sees_no_topic(client: Client, weather: Topic) -> None:
    client.force_login(User.objects.create_user("none", is_staff=True))
    for page in (url("workbench", weather.pk), url("workbench_new"), url("draft"),
                 url("merge", weather.pk)):  # fmt: skip
        assert client.get(page).status_code == 403, page
        assert client.post(page).status_code in (403, 405), page
