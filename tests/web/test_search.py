"""The search page, and the papers most like one, through the tick that makes them known."""

import datetime as dt
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from lxml import html

from subscriptions.encoder import Encoder
from subscriptions.flows import search as flow
from subscriptions.flows.intake import open_run, take_in
from subscriptions.flows.search import related
from subscriptions.models import Edition, Paper, PaperTerms, Pick, Source, TextVector
from subscriptions.sources import PaperRecord
from subscriptions.tasks import tick

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
Make = Callable[..., Any]

TEXTS = {
    "Robot arms that fold laundry": "A gripper learns to fold shirts and towels by watching.",
    "Grasping soft objects": "The gripper of a robot holds cloth and fruit without harm.",
    "Silt in mountain rivers": "Gauges measure how much silt a flood carries to the valley.",
    "Floods after dry summers": "Rain on hard ground runs off into rivers within hours.",
    "Errors of climate models": "Where models of rain err, and by how much.",
    "What a proof needs": "A short note on lemmas <b>and</b> their order.",
}


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "LOOK_EVERY", 0)


@pytest.fixture
def papers(make_paper: Make) -> Any:
    """Papers of a released day, by title, which a tick has made known to the search."""
    found = {title: make_paper(title, abstract=text) for title, text in TEXTS.items()}
    with time_machine.travel(MONDAY, tick=False):
        tick()
        yield found


def titles(client: Client, q: str, page: str = "") -> list[str]:
    answer = client.get("/search/", {"q": q, **({"page": page} if page else {})})
    assert answer.status_code == 200
    return [found.text_content() for found in html.fromstring(answer.content).cssselect("h3")]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("harmless grippers", "Grasping soft objects"),
        ("ROBOT ARMS", "Robot arms that fold laundry"),
        ("climate modelling errors", "Errors of climate models"),
        ("silt", "Silt in mountain rivers"),
    ],
)
def test_by_words_in_any_form(client: Client, papers: dict[str, Paper], q: str, first: str) -> None:
    assert titles(client, q)[0] == first


def test_only_what_fits_is_found(client: Client, papers: dict[str, Paper]) -> None:
    assert set(titles(client, "rivers")) == {"Silt in mountain rivers", "Floods after dry summers"}


@pytest.mark.parametrize("title", TEXTS)
def test_a_title_or_an_abstract_brings_its_paper_first(
    client: Client, papers: dict[str, Paper], title: str
) -> None:
    assert titles(client, title)[0] == title
    assert titles(client, f"  {TEXTS[title]}\r\n")[0] == title


def test_a_pasted_abstract_brings_its_neighbours(client: Client, papers: dict[str, Paper]) -> None:
    found = titles(client, TEXTS["Robot arms that fold laundry"])
    assert found[:2] == ["Robot arms that fold laundry", "Grasping soft objects"]


@pytest.mark.parametrize(
    "q",
    ["2510.00003", "arXiv:2510.00003v2", "https://arxiv.org/pdf/2510.00003v1.pdf",
     "https://huggingface.co/papers/2510.00003", " 10.1000/XYZ ", "https://doi.org/10.1000/xyz"],
)  # fmt: skip
def test_an_id_leads_to_its_paper(client: Client, papers: dict[str, Paper], q: str) -> None:
    paper = papers["Silt in mountain rivers"]
    Paper.objects.filter(pk=paper.pk).update(doi="10.1000/xyz")
    answer = client.get("/search/", {"q": q})
    assert (answer.status_code, answer["Location"]) == (302, f"/papers/{paper.pk}/")
    Paper.objects.filter(pk=paper.pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert "Nothing here fits" in client.get("/search/", {"q": q}).content.decode()


@pytest.mark.parametrize("q", ["", "   ", "the of and", "zyzzyva", "\0", "2510.99999", "💧" * 3000])
def test_nothing_found_says_what_to_do(client: Client, papers: dict[str, Paper], q: str) -> None:
    answer = client.get("/search/", {"q": q})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert ("Nothing here fits" in page) is bool(q.strip())
    assert "paste" in page and 'href="/archive/"' in page


def test_the_text_is_escaped_and_kept(client: Client, papers: dict[str, Paper]) -> None:
    page = client.get("/search/", {"q": 'silt"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page
    field = html.fromstring(page).cssselect("input[name=q]")[0]
    assert field.get("value") == 'silt"><script>alert(1)</script>'
    assert '<meta name="robots" content="noindex">' in page


def test_what_is_not_public_is_never_found(
    client: Client, papers: dict[str, Paper], make_paper: Make
) -> None:
    coming = make_paper("Silt of today", day=MONDAY.date())
    tick()
    assert PaperTerms.objects.filter(paper=coming).exists()
    assert titles(client, "silt") == ["Silt in mountain rivers"]
    assert "Silt of today" not in [p.title for p in related(papers["Silt in mountain rivers"])]
    Pick.objects.create(paper=coming, day=FRIDAY)
    assert titles(client, "silt of today")[0] == "Silt of today"
    Paper.objects.update(hidden=Paper.Hidden.WITHDRAWN)
    assert titles(client, "silt") == []


def test_many_that_are_not_public_hide_none_that_are(
    client: Client, papers: dict[str, Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "SHOWN", 1)
    monkeypatch.setattr(flow, "FEWEST", 2)
    for n in range(5):
        make_paper(f"Silt, silt, silt {n}", day=MONDAY.date())
    tick()
    assert titles(client, "silt") == ["Silt in mountain rivers"]


def test_a_new_paper_is_found_after_the_tick(
    client: Client, papers: dict[str, Paper], make_paper: Make
) -> None:
    assert titles(client, "glaciers") == []
    make_paper("Glaciers that melt")
    assert titles(client, "glaciers") == []
    tick()
    assert titles(client, "glaciers") == ["Glaciers that melt"]
    assert titles(client, "silt") == ["Silt in mountain rivers"]


def test_nobody_asks_for_new_papers_all_the_time(
    client: Client, papers: dict[str, Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "LOOK_EVERY", 3600)
    assert titles(client, "glaciers") == []
    make_paper("Glaciers that melt")
    tick()
    assert titles(client, "glaciers") == []


def test_a_new_text_replaces_the_old(client: Client, papers: dict[str, Paper]) -> None:
    assert titles(client, "silt") == ["Silt in mountain rivers"]
    record = PaperRecord(
        arxiv_id="2510.00003", title="Silt in mountain rivers and lakes",
        abstract="Plankton eats what a river brings. " * 3, announced=FRIDAY,
    )  # fmt: skip
    take_in([record], open_run(Source.FILE, "a file", MONDAY), rejected=lambda rejection: None)
    tick()
    assert titles(client, "plankton") == ["Silt in mountain rivers and lakes"]
    assert titles(client, "gauges") == []
    paper = papers["Grasping soft objects"]
    paper.title = "Grasping sea cucumbers"
    paper.save()
    tick()
    assert titles(client, "cucumber") == ["Grasping sea cucumbers"]
    assert titles(client, "soft") == []


def test_all_are_loaded_anew_once_many_came(
    client: Client, papers: dict[str, Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "RECENT", 2)
    assert titles(client, "glaciers") == []
    for n in range(1, 6):
        make_paper(f"Glaciers that melt {n}")
        tick()
        assert len(titles(client, "glaciers")) == n
    Paper.objects.filter(title__contains="melt 3").delete()
    assert len(titles(client, "glaciers")) == 4


def test_results_are_paged_up_to_a_limit(
    client: Client, papers: dict[str, Paper], make_paper: Make
) -> None:
    for n in range(230):
        make_paper(f"Moss {n}")
    tick()
    page = client.get("/search/", {"q": "moss & co"}).content.decode()
    assert "The 200 nearest papers" in page and "Page 1 of 10" in page
    assert 'href="?q=moss+%26+co&amp;page=2"' in page
    seen = {title for n in range(1, 11) for title in titles(client, "moss", str(n))}
    assert len(seen) == 200
    assert titles(client, "moss", "99") == titles(client, "moss", "10")
    assert titles(client, "moss", "junk") == titles(client, "moss")
    Edition.objects.update(status=Edition.Status.CLOSED, released_at=None)
    assert titles(client, "moss") == []


def test_the_number_of_queries_does_not_grow(
    client: Client, papers: dict[str, Paper], make_paper: Make, django_assert_num_queries: Any
) -> None:
    for count, most in ((2, 1), (30, 6)):
        for n in range(count):
            moss = make_paper(f"Moss {count} {n}", abstract="It is green.", votes=n)
        tick()
        client.get("/search/?q=moss")
        with django_assert_num_queries(3):
            client.get("/search/?q=moss")
        with django_assert_num_queries(4):
            assert len(related(moss)) == most


def test_a_look_stores_nothing(client: Client, papers: dict[str, Paper], settings: Any) -> None:
    settings.ENCODER = "default"
    PaperTerms.objects.all().delete()
    for q in ("silt", TEXTS["Grasping soft objects"]):
        client.get("/search/", {"q": q})
    related(papers["Grasping soft objects"])
    assert not PaperTerms.objects.exists() and not TextVector.objects.exists()


def test_related_papers_are_the_nearest(papers: dict[str, Paper]) -> None:
    paper = papers["Robot arms that fold laundry"]
    assert related(paper)[0].title == "Grasping soft objects"
    assert len(related(paper, 2)) <= 2 and paper not in related(paper)
    PaperTerms.objects.filter(paper=paper).delete()
    assert related(paper)[0].title == "Grasping soft objects"


def test_by_meaning_where_there_is_an_encoder(
    client: Client, make_paper: Make, settings: Any
) -> None:
    settings.ENCODER = "default"
    for title, text in TEXTS.items():
        make_paper(title, abstract=text)
    for n in range(20):
        make_paper(f"Moss on wall {n}")
    with time_machine.travel(MONDAY, tick=False):
        tick()
        assert titles(client, "household chores")[0] == "Robot arms that fold laundry"
        laundry = Paper.objects.get(title__contains="laundry")
        assert related(laundry)[0].title == "Grasping soft objects"


def test_an_encoder_that_came_later_is_used_without_a_restart(
    client: Client, papers: dict[str, Paper], make_paper: Make, settings: Any
) -> None:
    for n in range(20):
        make_paper(f"Moss on wall {n}")
    tick()
    settings.ENCODER = "default"
    assert titles(client, "household chores") == []
    call_command("encode_papers", stdout=StringIO())
    assert titles(client, "household chores")[0] == "Robot arms that fold laundry"
    assert titles(client, "silt") == ["Silt in mountain rivers"]


def test_a_model_that_fails_leaves_the_words(
    client: Client, papers: dict[str, Paper], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Encoder, texts: list[str]) -> None:
        raise RuntimeError("no such tensor")

    settings.ENCODER = "default"
    monkeypatch.setattr(Encoder, "__call__", broken)
    assert titles(client, "silt") == ["Silt in mountain rivers"]


def test_nobody_waits_while_one_thread_looks_for_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = flow._Kept((), "old", 0), flow._Kept((), "new", 0)
    looking, done, found = threading.Event(), threading.Event(), []

    def look(before: object) -> flow._Kept:
        looking.set()
        assert done.wait(10)
        return new

    monkeypatch.setattr(flow, "_kept", old)
    monkeypatch.setattr(flow, "_refreshed", look)
    thread = threading.Thread(target=lambda: found.append(flow._current()))
    thread.start()
    assert looking.wait(10)
    assert flow._current() is old
    done.set()
    thread.join()
    assert found == [new] and flow._kept is new


def test_a_network_that_searches_without_end_waits_a_minute(client: Client, db: None) -> None:
    answers = [client.get("/search/?q=x", REMOTE_ADDR="151.101.1.7") for _ in range(121)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].status_code == 429 and "Please try again in a minute" in answers[-1].text
    assert client.get("/search/?q=x", REMOTE_ADDR="151.101.2.7").status_code == 200
