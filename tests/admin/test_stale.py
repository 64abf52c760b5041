"""Two who change the same thing at once: the second is told, and shown both versions."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import lxml.html
import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse

from subscriptions.admin.stale import StaleSave
from subscriptions.models import Edition, Interest, Paper, Subscriber, Topic
from tests.conftest import MONDAY
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

Make = Callable[..., Any]
TOPICS = "/admin/subscriptions/topic/"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(db: None) -> Client:
    return staff("ada")


@pytest.fixture
def bo(db: None) -> Client:
    return staff("bo")


@pytest.fixture
def paper(make_paper: Make) -> Paper:
    found: Paper = make_paper("Cups", tldr="Old.")
    return found


def staff(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser(name))
    return client


def change(obj: Any) -> str:
    return reverse(f"admin:subscriptions_{obj._meta.model_name}_change", args=[obj.pk])


def form_in(answer: Any) -> dict[str, Any]:
    """What a browser would post of the page's guarded form."""
    assert answer.status_code == 200
    page = lxml.html.fromstring(answer.content.decode())
    (form,) = [form for form in page.forms if any(name.endswith("seen") for name in form.fields)]
    data: dict[str, Any] = {}
    for name, value in form.form_values():
        data.setdefault(name, []).append(value)
    return data


def told(answer: Any) -> str:
    """What the page says of a stale save, as one line."""
    (error,) = lxml.html.fromstring(answer.content.decode()).cssselect(".nonfield li")
    return " ".join(" ".join(error.itertext()).split())


def test_the_second_is_told_and_may_save_over_what_was_shown(
    ada: Client, bo: Client, paper: Paper, frozen: Any
) -> None:
    hers, his = form_in(ada.get(change(paper))), form_in(bo.get(change(paper)))
    frozen.shift(dt.timedelta(minutes=5))
    assert ada.post(change(paper), {**hers, "title": "Mugs", "tldr": "Hers."}).status_code == 302
    mine = {"tldr": "His <b>own</b>.", "authors": "Bo One\nBo Two", "hidden": "off-topic"}
    answer = bo.post(change(paper), {**his, **mine})
    assert told(answer) == (
        "ada has changed Mugs since you opened this page, on Oct. 13, 2025, 9:05 a.m. UTC."
        " Nothing is saved yet. Field Stored now Yours"
        " Title Mugs left alone, and stays as it is stored now Authors empty Bo One; Bo Two"
        " TL;DR Hers. His <b>own</b>. Hidden visible off topic"
        " Save again to write yours over what is stored now, or start again from what is stored ."
    )
    assert "His <b>" not in answer.content.decode()
    paper.refresh_from_db()
    assert (paper.tldr, paper.authors, paper.hidden) == ("Hers.", [], "")
    assert not LogEntry.objects.filter(user__username="bo").exists()

    again = form_in(answer)
    assert (again["title"], again["tldr"]) == (["Mugs"], ["His <b>own</b>."])
    assert bo.post(change(paper), again).status_code == 302
    paper.refresh_from_db()
    assert (paper.title, paper.tldr, paper.hidden) == ("Mugs", "His <b>own</b>.", "off-topic")
    assert "bo has changed" in told(ada.post(change(paper), {**hers, "tldr": "Hers, too."}))


def test_what_was_told_is_what_is_saved_over(ada: Client, bo: Client, paper: Paper) -> None:
    his = form_in(bo.get(change(paper)))
    ada.post(change(paper), {**form_in(ada.get(change(paper))), "tldr": "Hers."})
    answer = bo.post(change(paper), {**his, "tldr": "His."})
    ada.post(change(paper), {**form_in(ada.get(change(paper))), "tldr": "Hers, better."})
    assert "Hers, better." in told(bo.post(change(paper), form_in(answer)))


def test_who_typed_nothing_or_the_same_changes_nothing(
    ada: Client, bo: Client, paper: Paper
) -> None:
    his = form_in(bo.get(change(paper)))
    ada.post(change(paper), {**form_in(ada.get(change(paper))), "abstract": "Two\nlines."})
    assert bo.post(change(paper), his).status_code == 302
    assert bo.post(change(paper), {**his, "abstract": "Two\r\nlines."}).status_code == 302
    paper.refresh_from_db()
    assert paper.abstract.splitlines() == ["Two", "lines."]


def test_an_import_between_counts(ada: Client, bo: Client, paper: Paper, frozen: Any) -> None:
    ada.post(change(paper), {**form_in(ada.get(change(paper))), "tldr": "Long ago."})
    frozen.shift(dt.timedelta(hours=1))
    his = form_in(bo.get(change(paper)))
    Paper.objects.filter(pk=paper.pk).update(abstract="Imported.")
    answer = bo.post(change(paper), {**his, "title": ""})
    assert "by none of the staff" in told(answer)
    assert "Title Cups empty Abstract Imported. left alone" in told(answer), "with other errors"


def test_a_made_up_version_is_none(bo: Client, paper: Paper) -> None:
    his = form_in(bo.get(change(paper)))
    answer = bo.post(change(paper), {**his, "seen": "made-up", "title": "Mugs"})
    assert "Title Cups Mugs" in told(answer)
    assert bo.post(change(paper), form_in(answer)).status_code == 302


def test_a_reader_who_changes_their_interests_counts(bo: Client, make_reader: Make) -> None:
    reader: Subscriber = make_reader(phrases=("cups",))
    his = form_in(bo.get(change(reader)))
    Interest.objects.create(subscriber=reader, kind="phrase", value="mugs")
    answer = bo.post(change(reader), his)
    assert "by none of the staff" in told(answer)
    assert "cups; mugs as in the form below" in told(answer)


@pytest.mark.parametrize("page", ["edition_change", "topic_workbench"])
def test_pages_of_their_own_tell_it_too(bo: Client, topics: dict[str, Topic], page: str) -> None:
    Edition.objects.roll(MONDAY)
    edited: Any = Edition.objects.latest("day")
    field = "intro"
    if page == "topic_workbench":
        edited, field = topics["robotics"], "description"
    path = reverse(f"admin:subscriptions_{page}", args=[edited.pk])
    his = form_in(bo.get(path))
    type(edited).objects.filter(pk=edited.pk).update(**{field: "Hers."})
    answer = bo.post(path, {**his, field: "His.", "save": "1"})
    assert "Hers. His." in told(answer)
    bo.post(path, {**form_in(answer), "save": "1"})
    edited.refresh_from_db()
    assert getattr(edited, field) == "His."


def test_rows_of_a_list(ada: Client, bo: Client, topics: dict[str, Topic]) -> None:
    one, two = topics["robotics"], topics["speech"]
    his = form_in(bo.get(TOPICS))
    ada.post(TOPICS, typed(form_in(ada.get(TOPICS)), one, 70))
    assert bo.post(TOPICS, typed(his, two, 50)).status_code == 302
    assert positions(one, two) == [70, 50], "a row he left alone stays as she made it"

    his = form_in(bo.get(TOPICS))
    ada.post(TOPICS, typed(form_in(ada.get(TOPICS)), one, 80))
    answer = bo.post(TOPICS, typed(typed(his, one, 75), two, 60))
    assert told(answer).startswith(f"ada has changed {one} since")
    assert "Nothing in this list is saved yet." in told(answer)
    assert "Position 80 75" in told(answer)
    assert positions(one, two) == [80, 50]
    assert bo.post(TOPICS, typed(form_in(answer))).status_code == 302
    assert positions(one, two) == [75, 60]


def typed(form: dict[str, Any], topic: Topic | None = None, position: int = 0) -> dict[str, Any]:
    """The list's form, with a position typed into the row of a topic."""
    rows = [name for name in form if topic and form[name] == [str(topic.pk)] and "-id" in name]
    return form | {row.replace("-id", "-position"): position for row in rows} | {"_save": "Save"}


def positions(*topics: Topic) -> list[int]:
    return [Topic.objects.get(pk=topic.pk).position for topic in topics]


def test_every_form_is_guarded(rf: RequestFactory, db: None) -> None:
    request = rf.get("/")
    request.user = User.objects.create_superuser("root")
    unguarded = {
        model.__name__
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label == "subscriptions"
        and not isinstance(model_admin, StaleSave)
        and model_admin.has_change_permission(request, model())
    }
    assert unguarded == set()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["form", "list"])
def test_who_comes_while_the_other_is_saving_waits_and_is_told(bo: Client, page: str) -> None:
    topic = Topic.objects.create(slug="cups", name="Cups", group="Tableware", position=1)
    path, field = (change(topic), "position") if page == "form" else (TOPICS, "form-0-position")
    his = form_in(bo.get(path)) | {"_save": "Save", field: "3"}
    answers: list[Any] = []

    def save() -> None:
        try:
            answers.append(bo.post(path, his))
        finally:
            connection.close()

    thread = threading.Thread(target=save)
    with transaction.atomic():
        Topic.objects.select_for_update().get(pk=topic.pk)
        thread.start()
        wait_until(is_waited_for, "the second does not wait")
        Topic.objects.filter(pk=topic.pk).update(position=2)
    thread.join()
    assert "Position 2 3" in told(answers[0])
    assert positions(topic) == [2]
