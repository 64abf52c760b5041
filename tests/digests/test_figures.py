"""What became of an edition: counted by the tick, kept for the editors."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.digests import figures
from subscriptions.digests.figures import count, due
from subscriptions.digests.tick import send_due
from subscriptions.flows.feedback import find, give
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import (
    Delivery,
    Edition,
    EditionReport,
    Feedback,
    Paper,
    Pick,
    Subscriber,
    Topic,
)
from subscriptions.tasks import tick
from tests.conftest import MONDAY
from tests.digests.week import FRIDAY, Make
from tests.flows.coming_back import came_back, digest

HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ABSTRACT = "Dexterous manipulation of robots by teleoperation, in homes{0}, shops{0}, ports{0}."
More = Feedback.Verdict.MORE


@pytest.fixture
def papers(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    """Two that robotics brings, one with votes, one picked."""
    Edition.objects.roll(MONDAY)
    found = [make_paper(f"Robot hands {n}", abstract=ABSTRACT.format(n)) for n in range(2)]
    found += [make_paper("On tides", votes=9), make_paper("On knots")]
    Pick.objects.create(paper=found[3], day=FRIDAY)
    return found


@pytest.fixture
def readers(papers: list[Paper], topics: dict[str, Topic], make_reader: Make) -> list[Subscriber]:
    """Two of robotics and one of another subject, each sent a digest."""
    robotics = topics["robotics"].pk
    found = [make_reader(f"r{n}@example.org", topics=(robotics,)) for n in range(2)]
    found.append(make_reader("cy@example.org", phrases=("unheard of",)))
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 3
    assert set(Delivery.objects.values_list("newest_day", flat=True)) == {FRIDAY}
    return found


def say(reader: Subscriber, paper: Paper, verdict: Feedback.Verdict) -> None:
    delivery = reader.deliveries.get(newest_day=FRIDAY)
    place = [item["paper"] for item in delivery.items].index(paper.pk)
    said = find(delivery, place)
    assert said
    give(said, verdict, MONDAY + HOUR)


def counted(now: dt.datetime = MONDAY) -> dict[str, Any]:
    edition = Edition.objects.get(day=FRIDAY)
    assert count(edition.pk, now, now)
    found: dict[str, Any] = EditionReport.objects.get(edition=edition).figures
    return found


def row(paper: Paper, **some: int) -> dict[str, int]:
    names = ("picks", "matches", "trending", "more", "less", "save")
    return {"paper": paper.pk, **dict.fromkeys(names, 0), **some}


def test_papers_and_topics_with_what_readers_did_after(
    papers: list[Paper], readers: list[Subscriber], topics: dict[str, Topic]
) -> None:
    ada, bo, cy = readers
    say(ada, papers[0], More)
    say(ada, papers[0], Feedback.Verdict.SAVE)
    say(bo, papers[0], Feedback.Verdict.LESS)
    say(cy, papers[2], Feedback.Verdict.SAVE)
    unsubscribe(bo.pk, MONDAY + HOUR)
    Subscriber.objects.filter(pk=cy.pk).update(status="complained", next_digest_at=None)
    found = counted()
    assert found.pop("counted_at") == MONDAY.isoformat()
    assert found == {
        "deliveries": {"sent": 3},
        "bounced": 0,
        "complained": 0,
        "left": {"unsubscribed": 1, "bounced": 0, "complained": 1},
        "papers": [
            row(papers[2], trending=3, save=1),
            row(papers[3], picks=3),
            row(papers[0], matches=2, more=1, less=1, save=1),
            row(papers[1], matches=2),
        ],
        "topics": [
            {
                "topic": topics["robotics"].pk, "readers": 2, "papers": 2,
                "more": 1, "less": 1, "save": 1, "left": 1,
            }
        ],
    }  # fmt: skip


def test_what_belongs_to_other_digests_does_not_count(
    papers: list[Paper], readers: list[Subscriber], make_paper: Make
) -> None:
    ada, bo, cy = readers
    elsewhere = make_paper("Robots of another day", day=dt.date(2025, 10, 3))
    before = {"given_at": MONDAY - 30 * DAY, "verdict": "more"}
    Feedback.objects.create(subscriber=cy, paper=papers[0], verdict="more", given_at=MONDAY)
    Feedback.objects.create(subscriber=ada, paper=elsewhere, verdict="more", given_at=MONDAY)
    Feedback.objects.create(subscriber=ada, paper=papers[1], **before)
    Subscriber.objects.filter(pk=ada.pk).update(covered_until=MONDAY)
    unsubscribe(ada.pk, MONDAY)  # after a later digest
    Delivery.objects.filter(subscriber=bo).update(status="failed", sent_at=None)
    unsubscribe(bo.pk, MONDAY)
    found = counted()
    assert found["deliveries"] == {"sent": 2, "failed": 1}
    assert set(found["left"].values()) == {0}
    by_paper = {line["paper"]: line for line in found["papers"]}
    assert by_paper[papers[0].pk] == row(papers[0], matches=1)
    assert by_paper[papers[1].pk] == row(papers[1], matches=1)
    assert elsewhere.pk not in by_paper
    (topic,) = found["topics"]
    assert (topic["readers"], topic["more"], topic["left"]) == (1, 0, 0)


def test_what_came_back_counts_each_digest_once_whenever_it_came(
    readers: list[Subscriber],
) -> None:
    ada, bo, cy = readers
    of = {reader.pk: reader.deliveries.get() for reader in readers}
    Delivery.objects.filter(subscriber=ada).update(status="failed", sent_at=None)
    came_back(ada, "hard", MONDAY, of[ada.pk])
    came_back(ada, "soft", MONDAY + DAY, of[ada.pk])
    came_back(bo, "soft", MONDAY + 3 * DAY, of[bo.pk])
    came_back(bo, "complaint", MONDAY + 3 * DAY, of[bo.pk])
    for kind in ("ours", "delivered"):
        came_back(cy, kind, MONDAY, of[cy.pk])
    came_back(cy, "hard", MONDAY)
    came_back(cy, "hard", MONDAY, digest(cy, MONDAY + 7 * DAY))
    found = counted()
    assert (found["bounced"], found["complained"]) == (2, 1)
    assert found["deliveries"] == {"sent": 2, "failed": 1}


def test_it_is_the_same_in_stretches(
    papers: list[Paper], readers: list[Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    for reader in readers[:2]:
        say(reader, papers[0], More)
        unsubscribe(reader.pk, MONDAY)
    whole = counted()
    monkeypatch.setattr(figures, "CHUNK", 1)
    assert counted() == whole


def test_an_edition_without_digests(papers: list[Paper]) -> None:
    found = counted()
    assert found["deliveries"] == {} and found["papers"] == found["topics"] == []


def test_the_tick_counts_what_is_released_and_ever_less_often(
    readers: list[Subscriber], time_machine: Any
) -> None:
    edition = Edition.objects.get(day=FRIDAY)
    newest = Edition.objects.get(day=MONDAY.date())
    time_machine.move_to(MONDAY, tick=False)
    tick()
    assert due(MONDAY) == []
    report = EditionReport.objects.get(edition=edition)
    assert report.figures["deliveries"] == {"sent": 3} and report.made_at == MONDAY
    released = Edition.objects.released()
    assert EditionReport.objects.exclude(edition=newest).count() == released.count() == 7

    def is_due(released_before: dt.timedelta, counted_before: dt.timedelta) -> bool:
        released.update(released_at=MONDAY - released_before)
        EditionReport.objects.update(made_at=MONDAY - counted_before)
        return edition.pk in due(MONDAY)

    assert not is_due(20 * HOUR, 0.9 * HOUR) and is_due(20 * HOUR, HOUR)
    assert not is_due(30 * HOUR, 5 * HOUR) and is_due(30 * HOUR, 6 * HOUR)
    assert is_due(0.2 * HOUR, 0.3 * HOUR), "what was found of it while it was open is no count"
    assert is_due(7.9 * DAY, DAY) and not is_due(8 * DAY, DAY)


def test_who_asks_twice_gets_one_count(readers: list[Subscriber]) -> None:
    edition = Edition.objects.get(day=FRIDAY).pk
    assert count(edition, MONDAY, MONDAY + HOUR)
    assert not count(edition, MONDAY + HOUR / 2, MONDAY + 2 * HOUR)
    assert count(edition, MONDAY + 2 * HOUR, MONDAY + 2 * HOUR)


def test_a_day_that_is_not_released_is_not_counted(papers: list[Paper]) -> None:
    newest = Edition.objects.get(day=MONDAY.date())
    assert not count(newest.pk, MONDAY, MONDAY) and not EditionReport.objects.exists()


def test_the_number_of_queries_is_fixed(
    papers: list[Paper], readers: list[Subscriber], make_reader: Make, topics: dict[str, Topic]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            counted()
        return len(found)

    counted()
    say(readers[0], papers[0], More)
    unsubscribe(readers[0].pk, MONDAY)
    few = queries()
    for n in range(5):
        make_reader(f"more{n}@example.org", topics=(topics["robotics"].pk,))
    Subscriber.objects.filter(email__startswith="more").update(next_digest_at=MONDAY)
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 5
    for reader in Subscriber.objects.filter(email__startswith="more"):
        say(reader, papers[1], More)
        unsubscribe(reader.pk, MONDAY)
    assert queries() == few
