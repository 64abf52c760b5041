"""The starter topics, and what becomes of editors' changes to them."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from subscriptions.flows.starter import TOPICS, load_topics
from subscriptions.models import Topic
from subscriptions.sources.records import arxiv_categories

pytestmark = pytest.mark.django_db


def load() -> str:
    out = StringIO()
    call_command("load_topics", stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A later starter file: everything of the first topic is worded anew."""
    entries = json.loads(TOPICS.read_text(encoding="utf-8"))
    entries[0] |= {
        "name": "Worded anew",
        "group": "Another group",
        "description": "Another sentence.",
        "phrases": ["another phrase"],
        "categories": ["cs.XX"],
    }
    path = tmp_path / "topics.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


@pytest.fixture
def first() -> Topic:
    load()
    slug: str = json.loads(TOPICS.read_text(encoding="utf-8"))[0]["slug"]
    return Topic.objects.get(slug=slug)


def test_a_second_run_changes_nothing() -> None:
    count = len(json.loads(TOPICS.read_text(encoding="utf-8")))
    assert load() == f"{count} new, 0 updated, 0 unchanged"
    before = list(Topic.objects.values())
    assert load() == f"0 new, 0 updated, {count} unchanged"
    assert list(Topic.objects.values()) == before


def test_there_is_a_topic_for_everyone() -> None:
    load()
    topics = Topic.objects.offered()
    assert len(topics) >= 40
    groups = {topic.group for topic in topics}
    assert 4 <= len(groups) <= len(topics) / 3
    for topic in topics:
        topic.full_clean()
        assert topic.description.endswith(".")
        assert topic.phrases
        assert list(arxiv_categories(topic.categories)) == topic.categories


def test_what_an_editor_changed_is_kept_and_the_rest_is_updated(
    first: Topic, changed: Path
) -> None:
    first.description = "An editor's sentence."
    first.status = Topic.Status.RETIRED
    first.save()
    new, updated, unchanged = load_topics(changed)
    assert (new, updated) == (0, 1)
    first.refresh_from_db()
    assert first.description == "An editor's sentence."
    assert first.status == Topic.Status.RETIRED
    assert (first.name, first.group) == ("Worded anew", "Another group")
    assert (first.phrases, first.categories) == (["another phrase"], ["cs.XX"])
    assert load_topics(changed) == (0, 0, unchanged + 1)


def test_an_editors_words_outlive_several_starter_files(first: Topic, changed: Path) -> None:
    first.phrases = ["an editor's phrase"]
    first.save()
    for path in (changed, TOPICS, changed, changed):
        load_topics(path)
        first.refresh_from_db()
        assert first.phrases == ["an editor's phrase"]
    assert first.name == "Worded anew"


@pytest.mark.parametrize("name", ["Worded anew", "WORDED ANEW"])
def test_a_name_that_an_editors_topic_has_is_left_to_it(
    first: Topic, changed: Path, name: str
) -> None:
    before = first.name
    Topic.objects.create(slug="own", name=name, group="Own")
    load_topics(changed)
    first.refresh_from_db()
    assert (first.name, first.group) == (before, "Another group")
    assert load_topics(changed)[:2] == (0, 0)
    first.name = "An editor's name"
    first.save()
    Topic.objects.filter(slug="own").delete()
    load_topics(changed)
    first.refresh_from_db()
    assert first.name == "An editor's name"


def test_a_new_topic_whose_name_is_taken_is_not_added() -> None:
    entry: dict[str, Any] = json.loads(TOPICS.read_text(encoding="utf-8"))[0]
    Topic.objects.create(slug="own", name=entry["name"].upper(), group="Own")
    load()
    assert not Topic.objects.filter(slug=entry["slug"]).exists()
