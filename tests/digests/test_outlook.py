"""The look ahead: what the newest days' papers match, and how many readers would get them."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.digests import outlook
from subscriptions.digests.outlook import due, look_ahead
from subscriptions.digests.tick import send_due
from subscriptions.models import (
    Delivery,
    Edition,
    EditionReport,
    Listing,
    Paper,
    Pick,
    Subscriber,
    Topic,
    TopicMatch,
)
from subscriptions.tasks import tick
from tests.conftest import MONDAY
from tests.digests.week import Make

SUNDAY = dt.datetime(2025, 10, 12, 18, tzinfo=dt.UTC)
TODAY, FRIDAY = SUNDAY.date(), dt.date(2025, 10, 10)
ABSTRACT = "Dexterous manipulation of robots by teleoperation, in homes{0}, shops{0}, ports{0}."
MINUTES = dt.timedelta(minutes=1)


@pytest.fixture
def papers(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    """Of Friday and of Sunday, which is still open; the last one fits no topic."""
    Edition.objects.roll(SUNDAY)
    made = [
        make_paper(f"Robot hands {n}", abstract=ABSTRACT.format(n), day=FRIDAY) for n in range(3)
    ]
    made.append(make_paper("Robot arms", abstract=ABSTRACT.format("a"), day=TODAY))
    return [*made, make_paper("On knots", abstract="We bound their height.", day=TODAY)]


def reach() -> dict[str, int | None]:
    return dict(Paper.objects.order_by("pk").values_list("title", "reach"))


def matched(slug: str = "robotics") -> dict[str, str]:
    """The papers of a topic, with the words that brought them."""
    rows = TopicMatch.objects.filter(topic__slug=slug).order_by("pk")
    return dict(rows.values_list("paper__title", "words"))


def test_the_tick_says_what_papers_match_and_who_would_get_them(
    papers: list[Paper], make_reader: Make, time_machine: Any
) -> None:
    Edition.objects.filter(day=FRIDAY).update(status="closed", released_at=None)
    make_reader(phrases=("robot hands",), sections_off=("trending",))
    make_reader("bo@example.org", phrases=("robot arms",), sections_off=("trending",))
    make_reader("cy@example.org", phrases=("robot",), muted=("robot arms",))
    Subscriber.objects.filter(email="bo@example.org").update(status="paused")
    time_machine.move_to(SUNDAY, tick=False)
    tick()
    assert reach() == {
        "Robot hands 0": 2, "Robot hands 1": 2, "Robot hands 2": 2, "Robot arms": 0, "On knots": 0,
    }  # fmt: skip
    assert set(matched()) == {f"Robot hands {n}" for n in range(3)} | {"Robot arms"}
    assert all("“teleoperation”" in words for words in matched().values())
    assert min(TopicMatch.objects.values_list("score", flat=True)) > 0


def test_it_says_what_the_digests_then_bring(
    papers: list[Paper], make_reader: Make, make_paper: Make
) -> None:
    for n in range(12):
        make_paper(f"On tides {n}", abstract=f"Of moons{n}.", day=FRIDAY, votes=n)
    Pick.objects.create(paper=papers[4], day=FRIDAY)
    for n, phrase in enumerate(("robot hands", "robot arms", "tides", "knots", "unheard of")):
        make_reader(f"r{n}@example.org", phrases=(phrase,), max_papers=5 + n, weekday=n % 3)
    daily = make_reader("daily@example.org", phrases=("robot",), cadence="daily")
    Subscriber.objects.filter(pk=daily.pk).update(next_digest_at=SUNDAY)
    send_due(SUNDAY, lambda: SUNDAY)
    assert Delivery.objects.get().newest_day == FRIDAY, "the others have had nothing yet"
    assert look_ahead(SUNDAY)
    told = Counter({pk: n for pk, n in Paper.objects.values_list("pk", "reach") if n})

    Subscriber.objects.update(next_digest_at=MONDAY)
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 6
    new = Delivery.objects.filter(newest_day=TODAY)
    assert told == Counter(item["paper"] for row in new for item in row.items)
    assert new.get(subscriber=daily).first_day > FRIDAY


def test_what_a_reader_had_is_not_told_again(papers: list[Paper], make_reader: Make) -> None:
    make_reader(phrases=("robot",), cadence="daily", hour=23)
    look_ahead(SUNDAY)
    assert reach()["Robot hands 0"] == reach()["Robot arms"] == 1
    Subscriber.objects.update(next_digest_at=SUNDAY)
    assert send_due(SUNDAY, lambda: SUNDAY)["sent"] == 1
    assert look_ahead(SUNDAY + 11 * MINUTES)
    assert reach()["Robot hands 0"] == 0 and reach()["Robot arms"] == 1
    Subscriber.objects.update(status="unsubscribed", next_digest_at=None)
    assert look_ahead(SUNDAY + 22 * MINUTES)
    assert reach()["Robot arms"] == 0


def test_of_many_readers_some_stand_for_all(
    papers: list[Paper], make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlook, "SAMPLE", 3)
    for n in range(7):
        make_reader(
            f"r{n}@example.org", phrases=("robot arms" if n in (0, 1, 4) else "robot hands",)
        )
    Subscriber.objects.filter(email="r1@example.org").delete()
    look_ahead(SUNDAY)  # asks every second of six, by pk: 0, 2, 4 and 6
    assert [reach()[title] for title in ("Robot arms", "Robot hands 0")] == [3, 3]


def test_a_new_look_takes_the_place_of_the_last(papers: list[Paper], make_paper: Make) -> None:
    earlier = make_paper("Robots of last month", abstract=ABSTRACT, day=dt.date(2025, 9, 12))
    robotics = Topic.objects.get(slug="robotics")
    TopicMatch.objects.create(topic=robotics, paper=earlier, score=3)
    TopicMatch.objects.create(topic=robotics, paper=papers[4], score=3)
    Paper.objects.filter(pk__in=[papers[0].pk, papers[1].pk]).update(reach=9)
    Paper.objects.filter(pk=papers[0].pk).update(hidden="off-topic")
    look_ahead(SUNDAY)
    assert set(matched()) == {
        "Robots of last month", "Robot hands 0", "Robot hands 1", "Robot hands 2", "Robot arms",
    } - {"Robot hands 0"}  # fmt: skip
    assert reach()["Robot hands 0"] == reach()["Robot hands 1"] == 0
    Topic.objects.filter(slug="robotics").update(status="retired")
    assert look_ahead(SUNDAY + 11 * MINUTES)
    assert set(matched()) == {"Robots of last month"}


def hide(papers: list[Paper]) -> None:
    Paper.objects.filter(pk=papers[0].pk).update(hidden="duplicate")


def pick(papers: list[Paper]) -> None:
    Pick.objects.create(paper=papers[0], day=TODAY)


def list_again(papers: list[Paper]) -> None:
    Listing.objects.create(paper=papers[0], source="x", announced=TODAY, day=TODAY)


def edit_topic(papers: list[Paper]) -> None:
    Topic.objects.filter(slug="robotics").update(phrases=["knots"])


@pytest.mark.parametrize("change", [hide, pick, list_again, edit_topic])
def test_it_looks_again_where_something_changed(
    papers: list[Paper], change: Callable[[list[Paper]], None]
) -> None:
    assert due(SUNDAY) and look_ahead(SUNDAY)
    later = SUNDAY + 11 * MINUTES
    with CaptureQueriesContext(connection) as queries:
        assert not due(later)
    assert len(queries) == 4
    change(papers)
    with CaptureQueriesContext(connection) as queries:
        assert not due(SUNDAY + 9 * MINUTES), "it may wait for ten minutes"
    assert len(queries) == 1
    assert due(later)


def test_picks_for_some_topics_and_their_order_count(papers: list[Paper]) -> None:
    mine = Pick.objects.create(paper=papers[0], day=TODAY)
    look_ahead(SUNDAY)
    later = SUNDAY + 11 * MINUTES
    mine.topics.add(Topic.objects.get(slug="robotics"))
    assert due(later)
    mine.topics.clear()
    assert not due(later)
    Pick.objects.update(position=3)
    assert due(later)


def test_each_day_is_looked_at(papers: list[Paper]) -> None:
    look_ahead(SUNDAY)
    midnight = dt.datetime.combine(MONDAY, dt.time(), dt.UTC)
    assert due(midnight) and not look_ahead(midnight), "that day has not begun here"
    Edition.objects.roll(midnight)
    assert look_ahead(midnight) and not due(midnight + 11 * MINUTES)
    assert EditionReport.objects.count() == 2


def test_of_two_at_once_one_looks_and_a_lost_one_is_made_up_for(papers: list[Paper]) -> None:
    assert look_ahead(SUNDAY)
    assert not look_ahead(SUNDAY + 9 * MINUTES)
    EditionReport.objects.update(figures={})  # as it is until a look has ended
    assert not due(SUNDAY + 9 * MINUTES) and due(SUNDAY + 10 * MINUTES)


def test_the_number_of_queries_is_fixed(
    papers: list[Paper], make_paper: Make, make_reader: Make
) -> None:
    make_reader(phrases=("robot hands",))
    look_ahead(SUNDAY)  # the first one writes most

    def queries(now: dt.datetime) -> int:
        with CaptureQueriesContext(connection) as found:
            assert look_ahead(now)
        return len(found)

    Paper.objects.update(reach=7)
    few = queries(SUNDAY + 11 * MINUTES)
    for n in range(8):
        make_paper(f"Robot legs {n}", abstract=ABSTRACT.format(f"l{n}"), day=TODAY)
        make_reader(f"r{n}@example.org", phrases=(f"robot legs {n}", "robot hands"))
    assert queries(SUNDAY + 22 * MINUTES) == few
