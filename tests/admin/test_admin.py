"""The editor's way through the admin, and the operator's look at the ledger."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.digests.preview import in_scheme
from subscriptions.digests.tick import send_due
from subscriptions.models import (
    Delivery,
    Edition,
    Paper,
    Pick,
    Topic,
)
from tests.flows.coming_back import came_back

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
Make = Callable[..., Any]


def url(page: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_{page}", args=args)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def week(make_paper: Make) -> list[Paper]:
    papers = [make_paper(f"Robot arms {n}", votes=n * n, day=FRIDAY) for n in range(5)]
    make_paper("From last month", votes=500, day=dt.date(2025, 9, 10))
    Edition.objects.roll(MONDAY)
    return papers


def act(client: Client, action: str, papers: list[Paper], **fields: str) -> Any:
    data = {"action": action, "_selected_action": [paper.pk for paper in papers], **fields}
    return client.post(url("paper_changelist"), data, follow=True)


def test_this_weeks_papers_ranked_by_trend(admin_client: Client, week: list[Paper]) -> None:
    page = admin_client.get(url("paper_changelist")).content.decode()
    places = [page.index(f"Robot arms {n}") for n in (4, 3, 2, 1, 0)]
    assert places == sorted(places)
    assert "From last month" not in page
    everything = admin_client.get(url("paper_changelist") + "?when=all").content.decode()
    assert "From last month" in everything


def test_pick_with_a_note_and_take_back(admin_client: Client, week: list[Paper]) -> None:
    act(admin_client, "pick", week[:2], note="Worth an evening.")
    picks = Pick.objects.order_by("position")
    assert [(p.paper, p.day, p.note) for p in picks] == [
        (week[1], MONDAY.date(), "Worth an evening."),
        (week[0], MONDAY.date(), "Worth an evening."),
    ]
    assert (
        "Picked for 2025-10-13"
        in admin_client.get(url("paper_history", week[0].pk)).content.decode()
    )
    act(admin_client, "unpick", week[:1])
    assert [pick.paper for pick in Pick.objects.all()] == [week[1]]


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("hide_off_topic", "off-topic"),
        ("hide_duplicate", "duplicate"),
        ("hide_withdrawn", "withdrawn"),
    ],
)
def test_a_hidden_paper_reaches_nobody(
    admin_client: Client, week: list[Paper], make_reader: Make, action: str, reason: str
) -> None:
    act(admin_client, action, week[:4])
    assert set(
        Paper.objects.filter(pk__in=[p.pk for p in week[:4]]).values_list("hidden", flat=True)
    ) == {reason}
    make_reader(phrases=("robot arms",))
    send_due(MONDAY, lambda: MONDAY)
    assert [item["paper"] for item in Delivery.objects.get().items] == [week[4].pk]
    act(admin_client, "show", week[:1])
    assert Paper.objects.get(pk=week[0].pk).hidden == ""


def test_a_paper_can_be_added_by_hand(admin_client: Client) -> None:
    data = {
        "title": "By hand", "arxiv_id": "2510.99999", "doi": "", "own_id": "", "hidden": "",
        "authors": "Ada One\nBo Two\n", "categories": "cs.CL",
    }  # fmt: skip
    answer = admin_client.post(url("paper_add"), data)
    assert answer.status_code == 302, answer.context["errors"]
    paper = Paper.objects.get()
    assert (paper.authors, paper.categories, paper.doi) == (["Ada One", "Bo Two"], ["cs.CL"], None)


def test_edit_a_topic(admin_client: Client, topics: dict[str, Topic]) -> None:
    page = admin_client.get(url("topic_change", topics["robotics"].pk)).content.decode()
    assert "\nsim-to-real\n" in page
    data = {
        "slug": "robotics", "name": "Robots", "group": "Machines", "position": "3",
        "description": "All robots.", "phrases": " robot  arms \n\nrobot arms\ngrasping",
        "categories": "cs.RO", "status": "offered",
    }  # fmt: skip
    assert admin_client.post(url("topic_change", topics["robotics"].pk), data).status_code == 302
    assert Topic.objects.get(slug="robotics").phrases == ["robot arms", "grasping"]


def test_the_preview_is_what_will_be_sent(
    admin_client: Client, week: list[Paper], make_reader: Make
) -> None:
    reader = make_reader("ada@example.org", phrases=("robot arms",))
    Pick.objects.create(paper=week[2], day=FRIDAY, note="A <note>.")
    page = admin_client.get(url("subscriber_preview", reader.pk))
    framed = admin_client.get(url("subscriber_preview_html", reader.pk))
    assert "sandbox" in framed["Content-Security-Policy"]
    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    send_due(MONDAY, lambda: MONDAY)
    message: Any = mail.outbox[0]
    assert page.context["preview"].digest.subject == message.subject
    signed, unsigned = r"/(preferences|u|digest)/[^/]+/", r"/\1/preview/"
    assert page.context["preview"].digest.text == re.sub(signed, unsigned, message.body)
    mailed = re.sub(signed, unsigned, message.alternatives[0].content)
    assert framed.content.decode() == in_scheme(mailed, dark=False)
    assert Delivery.objects.count() == 1
    assert admin_client.get(url("subscriber_preview", 999)).status_code == 404


def test_nobody_gets_in_without_a_login(client: Client, make_reader: Make) -> None:
    reader = make_reader()
    for page in (url("paper_changelist"), url("subscriber_preview", reader.pk),
                 url("subscriber_preview_html", reader.pk)):  # fmt: skip
        assert client.get(page).status_code == 302


LISTS = (
    "paper", "edition", "pick", "topic", "subscriber", "delivery", "mailevent", "sourcerun",
    "suppression",
)  # fmt: skip


def test_queries_of_lists_do_not_grow(
    admin_client: Client, make_paper: Make, make_reader: Make, topics: dict[str, Topic]
) -> None:
    def fill(first: int, count: int) -> None:
        for n in range(first, first + count):
            paper = make_paper(f"Robot arms {n}", votes=n, day=FRIDAY)
            Pick.objects.create(paper=paper, day=FRIDAY - dt.timedelta(days=n % 5))
            reader = make_reader(
                f"r{n}@example.org", phrases=("robot arms",), topics=(topics["hci"].pk,)
            )
            came_back(reader, "soft", MONDAY)
        send_due(MONDAY, lambda: MONDAY)

    def queries() -> dict[str, int]:
        counts = {}
        for name in LISTS:
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(url(f"{name}_changelist")).status_code == 200
            counts[name] = len(captured)
        return counts

    fill(0, 2)
    queries()
    few = queries()
    fill(2, 15)
    assert queries() == few
    assert max(few.values()) <= 12
