"""The shelf that pages share: what is on it, and when it is made anew."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection

from subscriptions.digests import display
from subscriptions.digests.display import newest_shelf
from subscriptions.digests.shelf import Shelf
from subscriptions.models import Edition, Paper, Pick
from tests.digests.week import FRIDAY, WEEK, Make

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
MONDAY = NOW.date()


@pytest.fixture
def paper(make_paper: Make) -> Paper:
    """One of a released week; another's day is still open."""
    found: Paper = make_paper("Robot arms", day=FRIDAY, version=1)
    make_paper("Of today", day=MONDAY)
    Edition.objects.roll(NOW)
    return found


def test_the_newest_released_days_are_on_it(paper: Paper) -> None:
    shelf, days = newest_shelf()
    assert days == WEEK[:-2], "up to the last that has papers"
    assert [found.title for found in shelf.papers] == ["Robot arms"]
    assert shelf.listed(days) == {0}


def test_without_a_released_day_it_is_empty(db: None) -> None:
    shelf, days = newest_shelf()
    assert (shelf.papers, days) == ([], ())


def test_what_has_not_changed_is_kept_and_costs_two_queries(
    paper: Paper, make_paper: Make, django_assert_num_queries: Any
) -> None:
    for n in range(5):
        Pick.objects.create(paper=make_paper(f"More {n}"), day=FRIDAY)
    before = newest_shelf()
    make_paper("Of today, too", day=MONDAY)
    with django_assert_num_queries(2):
        assert newest_shelf() == before


def test_a_released_day_moves_it(paper: Paper) -> None:
    newest_shelf()
    Edition.objects.roll(NOW + dt.timedelta(days=1))
    shelf, days = newest_shelf()
    assert days == (*WEEK[1:], MONDAY)
    assert {found.title for found in shelf.papers} == {"Robot arms", "Of today"}


@pytest.mark.parametrize(
    "change",
    [
        lambda paper, make: make("One more"),
        lambda paper, make: Paper.objects.update(hidden=Paper.Hidden.OFF_TOPIC),
        lambda paper, make: Paper.objects.update(version=2),
        lambda paper, make: Pick.objects.create(paper=paper, day=FRIDAY),
        lambda paper, make: paper.listings.update(paper=make("Its twin", day=MONDAY)),
    ],
    ids=["new", "hidden", "revised", "picked", "merged"],
)
def test_what_changed_is_made_anew(paper: Paper, make_paper: Make, change: Any) -> None:
    before, _ = newest_shelf()
    change(paper, make_paper)
    after, _ = newest_shelf()
    assert after is not before
    again, _ = newest_shelf()
    assert again is after


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_at_once_build_it_once(
    paper: Paper, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, found = [], []
    real = Shelf

    def counted(first: dt.date, last: dt.date, pages: bool) -> Any:
        built.append((first, last))
        return real(first, last, pages)

    monkeypatch.setattr(display, "Shelf", counted)
    begin = threading.Barrier(4)

    def ask() -> None:
        begin.wait()
        found.append(newest_shelf()[0])
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1 and len(found) == 4 and len(set(map(id, found))) == 1


@pytest.mark.django_db(transaction=True)
def test_who_comes_while_it_is_made_anew_gets_the_last_one(
    paper: Paper, make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = newest_shelf()
    building, go_on, found = threading.Event(), threading.Event(), []

    def slow(first: dt.date, last: dt.date, pages: bool) -> Any:
        building.set()
        go_on.wait()
        return Shelf(first, last, pages)

    monkeypatch.setattr(display, "Shelf", slow)
    make_paper("One more")

    def ask() -> None:
        found.append(newest_shelf()[0])
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert building.wait(60)
        assert newest_shelf()[0] is before
    finally:
        go_on.set()
        thread.join()
    assert newest_shelf()[0] is found[0] is not before
