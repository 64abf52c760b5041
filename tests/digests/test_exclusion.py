"""Nobody gets a paper twice."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.digests.select import Request, select
from subscriptions.models import Delivery, Listing, Paper, Pick, Source, Subscriber
from tests.digests.week import FRIDAY, WEEK, Make, items_of, titles

LONG_AGO = WEEK[0] - dt.timedelta(days=60)


def listed_again(paper: Paper, day: dt.date) -> None:
    Listing.objects.create(paper=paper, source=Source.ARXIV, announced=day, day=day)


def sent(reader: Subscriber, papers: list[Paper], day: dt.date, status: str = "sent") -> Delivery:
    at = dt.datetime.combine(day, dt.time(), dt.UTC)
    items = [{"paper": paper.pk, "section": "matches", "reason": "x"} for paper in papers]
    return Delivery.objects.create(
        subscriber=reader, first_day=day, newest_day=day, items=items, status=status,
        created_at=at, sent_at=at if status == "sent" else None,
    )  # fmt: skip


def test_a_paper_listed_anew_after_long_is_not_sent_twice(
    make_reader: Make, make_paper: Make
) -> None:
    old = [make_paper(f"Robot arms, part {n}", day=LONG_AGO) for n in range(9)]
    for paper in old:
        listed_again(paper, FRIDAY)
    fresh = [make_paper(f"Robot arms anew, part {n}") for n in range(4)]
    had_seven, had_none, skipped = (
        make_reader(f"{name}@example.org", phrases=("robot arms",)) for name in "abc"
    )
    sent(had_seven, old[:3], LONG_AGO)
    sent(had_seven, old[3:7], LONG_AGO + dt.timedelta(days=7))
    sent(skipped, old, LONG_AGO, status="skipped")
    with CaptureQueriesContext(connection) as queries:
        found = select([Request(reader, WEEK) for reader in (had_seven, had_none, skipped)])
    pks = {reader: {item["paper"] for item in items} for reader, (items, _) in found.items()}
    assert pks[had_seven.pk] == {paper.pk for paper in [*old[7:], *fresh]}
    assert len(pks[had_none.pk]) == len(pks[skipped.pk]) == 10
    exact = [q for q in queries if '"newest_day" <' in q["sql"]]
    assert len(exact) == 1, "one look-up for all readers together"


def test_what_was_had_lately_is_known_without_the_exact_look_up(
    make_reader: Make, make_paper: Make
) -> None:
    papers = [make_paper(f"Robot arms, part {n}", day=WEEK[0]) for n in range(3)]
    reader = make_reader(phrases=("robot arms",))
    sent(reader, papers[:1], WEEK[0])
    with CaptureQueriesContext(connection) as queries:
        assert titles(items_of(reader)) == ["Robot arms, part 1", "Robot arms, part 2"]
    deliveries = [q for q in queries if 'FROM "subscriptions_delivery"' in q["sql"]]
    assert len(deliveries) == 1


def test_not_even_as_a_pick_and_what_was_skipped_was_not_sent(
    make_reader: Make, make_paper: Make
) -> None:
    reader = make_reader(phrases=("robot arms",))
    old = make_paper("Robot arms", day=LONG_AGO)
    listed_again(old, FRIDAY)
    Pick.objects.create(paper=old, day=FRIDAY)
    delivery = sent(reader, [old], LONG_AGO, status="failed")
    assert items_of(reader) == []
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.SKIPPED)
    assert titles(items_of(reader)) == ["Robot arms"]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_paper_sent_long_ago_as_a_pick_and_listed_now(
    make_reader: Make, make_paper: Make, deleted: bool
) -> None:
    reader = make_reader(phrases=("robot arms",))
    paper = make_paper("Robot arms")
    if deleted:
        paper.first_seen -= FRIDAY - LONG_AGO
        paper.save()
    else:
        Pick.objects.create(paper=paper, day=LONG_AGO)
    assert titles(items_of(reader)) == ["Robot arms"]
    sent(reader, [paper], LONG_AGO)
    assert items_of(reader) == []


def test_the_number_of_queries_does_not_grow_with_what_was_had(
    make_reader: Make, make_paper: Make
) -> None:
    old = make_paper("Robot arms", day=LONG_AGO)
    listed_again(old, FRIDAY)
    readers = [make_reader(f"r{n}@example.org", phrases=("robot arms",)) for n in range(10)]
    for reader in readers:
        for week in range(5):
            sent(reader, [old], LONG_AGO + dt.timedelta(days=7 * week))

    def queries(readers: list[Subscriber]) -> int:
        with CaptureQueriesContext(connection) as captured:
            found = select([Request(reader, WEEK) for reader in readers])
        assert not any(chosen.items for chosen in found.values())
        return len(captured)

    assert queries(readers[:1]) == queries(readers)
