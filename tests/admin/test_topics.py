"""Topics in the admin: drafted from examples, merged, and their list."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import html

from subscriptions.digests import workbench
from subscriptions.flows import topics as flow
from subscriptions.models import Edition, Interest, Pick, Topic
from subscriptions.tasks import tick
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


def test_a_draft_from_example_papers(
    admin_client: Client, make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    floods = [
        make_paper(f"Flash floods {n}", abstract=f"River {word} by weather radar.", day=TODAY,
                   categories=["physics.ao-ph"])
        for n, word in enumerate(("tides", "kites", "reeds"))
    ]  # fmt: skip
    for n in range(60):
        make_paper(f"Of things {n}", abstract="We show results in all.", day=TODAY)
    Edition.objects.roll(MONDAY)
    Edition.objects.release(TODAY, MONDAY)
    tick()
    named = f"https://arxiv.org/abs/{floods[0].arxiv_id}v2\n2501.99999\nsome <b>paper</b>"
    page = admin_client.get(url("draft"), {"examples": named, "q": "of things"})
    assert [p.pk for p in page.context["examples"].papers] == [floods[0].pk]
    assert "2501.99999" in page.text and "some &lt;b&gt;paper&lt;/b&gt;" in page.text

    address = {"paper": [floods[1].pk, floods[2].pk], "examples": named}
    waiting = admin_client.get(url("workbench_new"), address)
    assert "Reading the papers" in waiting.text and "<textarea" not in waiting.text
    assert "Flash floods 2" in waiting.text and workbench.ready() is None
    again = html.fromstring(waiting.text).get_element_by_id("bench").get("data-hx-get")
    drafted = admin_client.get(again, headers=HTMX)
    form = drafted.context["form"]
    assert form["phrases"].value().splitlines()[:2] == ["Flash floods", "weather radar"]
    assert form["categories"].value() == "physics.ao-ph"
    assert "2501.99999" in drafted.text and drafted.context["examples"].missing
    assert not Topic.objects.exists(), "nothing is stored before Save"
    assert admin_client.get(url("draft"), {"q": "\0" * 5}).status_code == 200
    assert admin_client.get(url("workbench_new"), {"paper": "x"}).status_code == 200


def test_merging_says_what_it_does_before_it_does_it(
    admin_client: Client, weather: Topic, make_reader: Make
) -> None:
    rain = Topic.objects.create(slug="rain", name="Rain", group="Earth")
    make_reader("one@example.org", topics=(rain.pk,))
    make_reader("both@example.org", topics=(rain.pk, weather.pk))
    assert "Choose a topic" in admin_client.get(url("merge", rain.pk)).text
    page = admin_client.get(url("merge", rain.pk), {"into": weather.pk}).text
    assert "<b>2</b> subscribers follow Rain, 2 of them active" in page
    assert "<b>1</b> of them follows both" in page
    assert Interest.objects.filter(topic=rain).count() == 2, "a GET changes nothing"
    admin_client.post(url("merge", rain.pk), {"into": weather.pk})
    assert not Interest.objects.filter(topic=rain).exists()
    logged = {e.object_repr: e.get_change_message() for e in LogEntry.objects.all()}
    assert logged["Rain"].startswith("Merged into Weather: 2 followers, 1 of whom")
    assert logged["Weather"] == "Rain was merged into this: 1 followers came."
    assert "is merged into" in admin_client.get(url("merge", rain.pk)).text
    again = admin_client.post(url("merge", rain.pk), {"into": weather.pk}, follow=True)
    assert "Nothing was merged" in again.text
    # Offered again, by its form or by the action, it is a topic of its own.
    data = {**fields(rain), "slug": "rain", "position": "0", "status": "offered"}
    assert admin_client.post(url("change", rain.pk), data).status_code == 302
    rain.refresh_from_db()
    assert (rain.status, rain.merged_into) == ("offered", None)


def test_the_list(
    admin_client: Client, make_reader: Make, weather: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(url("changelist")).status_code == 200
        return len(captured)

    queries()
    few = queries()
    for n in range(12):
        topic = Topic.objects.create(slug=f"t{n}", name=f"Topic {n}", group="Many")
        make_reader(f"r{n}@example.org", topics=(weather.pk, topic.pk))
    assert queries() == few <= 12
    monkeypatch.setattr(flow, "FEW", 10)
    page = admin_client.get(url("changelist"), {"o": "-5"})
    assert "about 12" in page.text
    assert page.context["cl"].result_list[0] == weather, "the most followed first"

    chosen = {"action": "retire", "_selected_action": [weather.pk]}
    assert "1 now retired" in admin_client.post(url("changelist"), chosen, follow=True).text
    admin_client.post(url("changelist"), chosen)
    history = admin_client.get(url("history", weather.pk)).text
    assert history.count("offered") == history.count("<ins>retired") == 1
    assert "delete_selected" not in page.text


def test_one_that_a_pick_is_limited_to_stays(
    admin_client: Client, weather: Topic, make_paper: Make
) -> None:
    assert "cannot be deleted" not in admin_client.get(url("change", weather.pk)).text
    pick = Pick.objects.create(paper=make_paper("Rain radar"), day=TODAY)
    pick.topics.add(weather)
    assert "It cannot be deleted while" in admin_client.get(url("change", weather.pk)).text
    assert admin_client.post(url("delete", weather.pk), {"post": "yes"}).status_code == 403
    assert list(pick.topics.all()) == [weather]
    pick.topics.clear()
    assert admin_client.post(url("delete", weather.pk), {"post": "yes"}).status_code == 302
