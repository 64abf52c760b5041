"""What the staff's log says of a change: each field, before and after, but of readers no value."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from subscriptions.models import Edition, Interest, Paper, Subscriber, Topic
from tests.conftest import MONDAY

from .test_stale import change, form_in

Make = Callable[..., Any]


def edit(client: Client, obj: Any, **typed: object) -> LogEntry:
    answer = client.post(change(obj), {**form_in(client.get(change(obj))), **typed})
    assert answer.status_code == 302, answer.context["errors"]
    return LogEntry.objects.latest("pk")


def history(client: Client, obj: Any) -> str:
    path = reverse(f"admin:subscriptions_{obj._meta.model_name}_history", args=[obj.pk])
    return " ".join(client.get(path).content.decode().split())


def test_each_field_before_and_after(admin_client: Client, make_paper: Make) -> None:
    paper: Paper = make_paper("Cups", tldr="Old <b>.")
    entry = edit(
        admin_client, paper, tldr="", authors="Ada One\nBo Two", hidden="off-topic",
        abstract="x" * 300,
    )  # fmt: skip
    assert entry.user.get_username() == "admin"
    assert entry.get_change_message() == "Changed Abstract, Authors, TL;DR and Hidden."
    page = history(admin_client, paper)
    for said in (
        "Changed Abstract, Authors, TL;DR and Hidden.",
        "<dt>TL;DR</dt><dd><del>Old &lt;b&gt;.</del>",
        "<ins>Ada One; Bo Two</ins>",
        "<dt>Hidden</dt><dd><del>visible</del>",
        "<ins>off topic</ins>",
        f"<ins>{'x' * 199}…</ins>",
        "empty",
    ):
        assert said in page
    assert "<b>" not in page and "x" * 200 not in page


def test_editions_and_topics_too(admin_client: Client, topics: dict[str, Topic]) -> None:
    Edition.objects.roll(MONDAY)
    edition = Edition.objects.get(day=MONDAY)
    edit(admin_client, edition, intro="A good week.")
    assert "<ins>A good week.</ins>" in history(admin_client, edition)

    topic = topics["robotics"]
    edit(admin_client, topic, phrases="robot arms\ngrasping", status="retired")
    page = history(admin_client, topic)
    assert "<ins>robot arms; grasping</ins>" in page
    assert "<del>offered</del>" in page.lower()


def test_a_position_in_the_list(admin_client: Client, topics: dict[str, Topic]) -> None:
    path = "/admin/subscriptions/topic/"
    form = form_in(admin_client.get(path))
    (row,) = [name for name in form if form[name] == [str(topics["robotics"].pk)] and "-id" in name]
    admin_client.post(path, {**form, row.replace("-id", "-position"): "99", "_save": "Save"})
    assert LogEntry.objects.get().object_id == str(topics["robotics"].pk)
    assert "<dt>Position</dt>" in history(admin_client, topics["robotics"])


def test_of_readers_only_what_was_changed(admin_client: Client, make_reader: Make) -> None:
    reader: Subscriber = make_reader(phrases=("analytical engines",))
    interest = Interest.objects.get()
    form = form_in(admin_client.get(change(reader)))
    (row,) = [name for name in form if form[name] == [str(interest.pk)] and name.endswith("-id")]
    entry = edit(
        admin_client, reader, timezone="Pacific/Chatham", **{row.replace("-id", "-weight"): "4"}
    )
    assert entry.get_change_message() == "Changed Time zone. Changed interests."
    assert "Chatham" not in entry.change_message and "analytical" not in entry.change_message
    assert "ada@example.org" not in entry.object_repr
    assert "Changed Time zone. Changed interests." in history(admin_client, reader)


def test_nothing_was_changed_by_staff(admin_client: Client, make_paper: Make) -> None:
    assert "Nobody of the staff has changed this yet." in history(admin_client, make_paper("Cups"))


@pytest.mark.parametrize("message", ["[", "[]", '["Odd"]', '[{"changed": {"fields": ["Title"]}}]'])
def test_entries_from_elsewhere(admin_client: Client, make_paper: Make, message: str) -> None:
    paper = make_paper("Cups")
    entry = edit(admin_client, paper, title="Mugs")
    LogEntry.objects.filter(pk=entry.pk).update(change_message=message)
    assert history(admin_client, paper)
