"""The feeds, as a feed reader sees them."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree, html

from subscriptions.digests.tick import send_due
from subscriptions.flows import private_feed
from subscriptions.models import Delivery, Edition, Paper, Pick, Subscriber, Topic

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
THURSDAY, FRIDAY = dt.date(2025, 10, 9), dt.date(2025, 10, 10)
ABSTRACT = "Robot manipulation by <i>imitation</i> learning & teleoperation."
ATOM = {"a": "http://www.w3.org/2005/Atom"}
DAILY, ROBOTICS = "/feeds/daily.atom", "/feeds/topics/robotics.atom"
Make = Callable[..., Any]


@pytest.fixture
def papers(make_paper: Make, topics: dict[str, Topic]) -> Iterator[list[Paper]]:
    """Four papers of two released days, and one of today."""
    found = [
        make_paper(f"Robot manipulation {n} <b>&", day=FRIDAY if n % 2 else THURSDAY,
                   abstract=ABSTRACT, votes=n, authors=["Ada Ito", "Bo Lee"], categories=["cs.RO"])
        for n in range(4)
    ]  # fmt: skip
    make_paper("Robot manipulation of today", day=NOW.date(), abstract=ABSTRACT)
    with time_machine.travel(NOW, tick=False):
        Edition.objects.roll(NOW)
        released = dt.datetime(2025, 10, 10, 0, 1, tzinfo=dt.UTC)
        Edition.objects.filter(day=THURSDAY).update(released_at=released)
        Edition.objects.filter(day=FRIDAY).update(intro="A quiet <day>.")
        Pick.objects.create(paper=found[1], day=FRIDAY, note="Read <u>this</u>.")
        yield found


@pytest.fixture
def own(papers: list[Paper], make_reader: Make) -> str:
    """The path of the feed of a reader who had a digest."""
    reader = make_reader(phrases=("robot manipulation",))
    send_due(NOW, lambda: NOW)
    assert Delivery.objects.get().status == Delivery.Status.SENT
    return f"/feeds/mine/{private_feed.turn_on(reader.pk)}.atom"


def feed_of(client: Client, path: str) -> Any:
    """A feed that has all that RFC 4287 asks for."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = etree.fromstring(answer.content)
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    for place in (feed, *feed.findall("a:entry", ATOM)):
        for name in ("id", "title", "updated"):
            assert len(place.findall(f"a:{name}", ATOM)) == 1, name
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", said(place, "updated"))
    assert feed.find("a:author/a:name", ATOM).text == "Paper Round"
    (self_link,) = feed.xpath("a:link[@rel='self']/@href", namespaces=ATOM)
    assert self_link == f"http://localhost:8000{path}"
    ids = [said(entry, "id") for entry in entries(feed)]
    assert len(ids) == len(set(ids))
    return feed


def entries(feed: Any) -> list[Any]:
    return list(feed.findall("a:entry", ATOM))


def said(place: Any, name: str) -> str:
    return place.findtext(f"a:{name}", namespaces=ATOM) or ""


def body(entry: Any) -> Any:
    summary = entry.find("a:summary", ATOM)
    assert summary.get("type") == "html"
    return html.fromstring(f"<div>{summary.text}</div>")


def test_a_day_is_one_entry(client: Client, papers: list[Paper]) -> None:
    friday, thursday = entries(feed_of(client, DAILY))
    assert said(friday, "title") == "Friday 10 October 2025: 2 papers"
    assert said(thursday, "title") == "Thursday 9 October 2025: 2 papers"
    assert said(thursday, "updated") == said(thursday, "published") == "2025-10-10T00:01:00+00:00"
    assert friday.find("a:link", ATOM).get("href") == "http://localhost:8000/archive/2025-10-10/"
    assert said(friday, "id") == "tag:localhost,2025-10-10:day"
    text = body(friday).text_content()
    assert "A quiet <day>." in text and "Read <u>this</u>." in text
    ranked = body(friday).xpath("//ol/li/a")
    assert [link.text for link in ranked] == [papers[3].title, papers[1].title]
    assert ranked[0].get("href") == f"http://localhost:8000/papers/{papers[3].pk}/"
    assert {tag.tag for tag in body(friday).iter()} <= {
        "div", "p", "h2", "ul", "ol", "li", "a", "br"
    }  # fmt: skip


def test_a_topics_papers_are_entries_with_reasons(client: Client, papers: list[Paper]) -> None:
    found = entries(feed_of(client, ROBOTICS))
    assert {said(entry, "title") for entry in found} == {paper.title for paper in papers}
    days = [said(entry, "updated")[:10] for entry in found]
    assert days == ["2025-10-13"] * 2 + ["2025-10-10"] * 2, "when its day was released"
    (entry,) = (e for e in found if said(e, "title") == papers[0].title)
    assert said(entry, "id") == f"tag:localhost,2025-10-09:paper/{papers[0].pk}"
    assert entry.findtext("a:author/a:name", namespaces=ATOM) == "Ada Ito, Bo Lee"
    assert entry.find("a:category", ATOM).get("term") == "cs.RO"
    text = body(entry).text_content()
    assert ABSTRACT in text and "“robot manipulation”" in text
    assert not body(entry).xpath("//i")


def test_a_reader_has_the_papers_of_their_digests(client: Client, own: str) -> None:
    feed = feed_of(client, own)
    found = entries(feed)
    items = Delivery.objects.get().items
    titles = dict(Paper.objects.values_list("pk", "title"))
    assert [said(entry, "title") for entry in found] == [titles[i["paper"]] for i in items]
    for entry, item in zip(found, items, strict=True):
        assert item["reason"] in body(entry).text_content()
    assert "ada@example.org" not in client.get(own).content.decode()
    Paper.objects.filter(pk=items[0]["paper"]).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert len(entries(feed_of(client, own))) == len(items) - 1


def test_the_newest_digest_comes_first_and_all_ends_at_fifty(
    client: Client, own: str, make_paper: Make
) -> None:
    delivery = Delivery.objects.get()
    many = [make_paper(f"Many {n}", day=FRIDAY).pk for n in range(60)]
    for status, pks, days in (("sent", many[:49], 7), ("skipped", many[49:], 14)):
        delivery.pk, delivery.status = None, status
        delivery.sent_at = NOW if status == "sent" else None
        delivery.newest_day += dt.timedelta(days=days)
        delivery.items = [{"paper": pk, "section": "matches", "reason": "R"} for pk in pks]
        delivery.save()
    found = [said(entry, "title") for entry in entries(feed_of(client, own))]
    assert len(found) == 50
    assert found[:49] == [f"Many {n}" for n in range(49)] and "Robot" in found[49]


def test_a_private_feed_is_private(client: Client, own: str) -> None:
    answer = client.get(own)
    assert "private" in answer["Cache-Control"] and "public" not in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_feed_can_be_turned_off_and_moved(client: Client, own: str) -> None:
    pk = Subscriber.objects.get().pk
    moved = f"/feeds/mine/{private_feed.turn_on(pk)}.atom"
    assert moved != own and len(moved) == len(own) >= len("/feeds/mine/.atom") + 43
    assert client.get(own).status_code == 404
    assert client.get(moved).status_code == 200
    private_feed.turn_off(pk)
    assert client.get(moved).status_code == 404
    for nothing in ("None", "x", "%00", "é", "x" * 5000):
        assert client.get(f"/feeds/mine/{nothing}.atom").status_code == 404


@pytest.mark.parametrize(
    ("status", "answer"),
    [("active", 200), ("paused", 200), ("unsubscribed", 404), ("bounced", 404)],
)
def test_only_who_reads_has_a_feed(client: Client, own: str, status: str, answer: int) -> None:
    slot = NOW if status == "active" else None
    Subscriber.objects.update(status=status, next_digest_at=slot)
    assert client.get(own).status_code == answer


@pytest.mark.parametrize("path", [DAILY, ROBOTICS, "own"])
def test_who_has_it_already_gets_304(
    client: Client, papers: list[Paper], own: str, path: str
) -> None:
    path = own if path == "own" else path
    first = client.get(path)
    etag, changed = first["ETag"], first["Last-Modified"]
    assert client.get(path, headers={"if-none-match": etag}).status_code == 304
    assert client.get(path, headers={"if-modified-since": changed}).status_code == 304
    Paper.objects.filter(pk=papers[1].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    again = client.get(path, headers={"if-none-match": etag})
    assert again.status_code == 200 and again["ETag"] != etag


@pytest.mark.parametrize("path", [DAILY, ROBOTICS, "own"])
def test_a_feed_without_entries_stays_as_it_is(
    client: Client, topics: Any, make_reader: Make, path: str
) -> None:
    if path == "own":
        path = f"/feeds/mine/{private_feed.turn_on(make_reader().pk)}.atom"
    with time_machine.travel(NOW, tick=False) as clock:
        feed_of(client, path)
        etag = client.get(path)["ETag"]
        clock.shift(60)
        assert client.get(path, headers={"if-none-match": etag}).status_code == 304


def test_topics_that_are_not_offered_have_no_feed(client: Client, papers: list[Paper]) -> None:
    Topic.objects.filter(slug="robotics").update(status=Topic.Status.RETIRED)
    assert client.get(ROBOTICS).status_code == 404
    assert client.get("/feeds/topics/nothing.atom").status_code == 404


@pytest.mark.parametrize(("path", "most"), [(DAILY, 10), (ROBOTICS, 5), ("own", 3)])
def test_queries_do_not_grow(
    client: Client,
    own: str,
    make_paper: Make,
    django_assert_max_num_queries: Any,
    path: str,
    most: int,
) -> None:
    path = own if path == "own" else path
    for n in range(40):
        paper = make_paper(f"Robot manipulation {n}", day=FRIDAY, abstract=ABSTRACT)
        Pick.objects.create(paper=paper, day=FRIDAY)
    client.get(path)
    with django_assert_max_num_queries(most):
        client.get(path)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(TEXT, TEXT, TEXT, TEXT)
def test_no_text_breaks_a_feed(
    client: Client, own: str, title: str, abstract: str, author: str, note: str
) -> None:
    cache.clear()
    Paper.objects.update(title=f"T{title}", abstract=abstract, authors=[author], tldr=note)
    Pick.objects.update(note=note)
    Edition.objects.update(intro=note)
    Topic.objects.filter(slug="robotics").update(description=abstract)
    for path in (DAILY, ROBOTICS, own):
        assert entries(feed_of(client, path)) or path == ROBOTICS
