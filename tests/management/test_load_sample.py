"""The invented papers and readers that a new site can be tried with."""

import datetime as dt
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command

from subscriptions.models import Interest, Listing, ListingVotes, Paper, Subscriber, Topic
from tests.conftest import MONDAY

MONDAY_DATE = MONDAY.date()


@pytest.fixture
def load(topics: dict[str, Topic]) -> Callable[..., tuple[str, str]]:
    """Run the command; what it printed on both streams."""

    def load(now: dt.datetime = MONDAY) -> tuple[str, str]:
        out, err = StringIO(), StringIO()
        call_command("load_sample", now=now, stdout=out, stderr=err)
        return out.getvalue().strip(), err.getvalue()

    return load


Load = Callable[..., tuple[str, str]]


def counted() -> list[int]:
    models = (Paper, Listing, ListingVotes, Subscriber, Interest)
    return [model._default_manager.count() for model in models]


@pytest.mark.parametrize("later", [0, 2, 6])
def test_two_weeks_of_papers_before_the_monday(load: Load, later: int) -> None:
    out, err = load(MONDAY + dt.timedelta(days=later))
    papers = Paper.objects.all()
    assert len(papers) >= 80
    assert out == f"{len(papers)} new papers of two weeks, 12 readers"
    assert err == ""
    days = sorted(Listing.objects.values_list("day", flat=True).distinct())
    assert {(day - MONDAY_DATE).days // 7 for day in days} == {-2, -1}
    assert all(paper.submitted is None or paper.submitted < MONDAY_DATE for paper in papers)


def test_papers_of_many_subjects_with_all_that_a_digest_shows(load: Load) -> None:
    load()
    papers = Paper.objects.with_votes()
    assert len({name for paper in papers for name in paper.categories}) >= 12
    assert len({paper.title for paper in papers}) == len(papers)
    for paper in papers:
        assert len(paper.abstract) > 400
        assert paper.authors
        assert paper.categories
        assert paper.arxiv_id is None, "an invented paper has no address at arXiv"
    assert len({paper.votes for paper in papers}) > 10


def test_twelve_confirmed_readers_with_interests(load: Load) -> None:
    load()
    readers = Subscriber.objects.prefetch_related("interests")
    assert len(readers) == 12
    assert {reader.status for reader in readers} == {Subscriber.Status.ACTIVE}
    assert {reader.cadence for reader in readers} == {"daily", "weekly"}
    assert len({reader.timezone for reader in readers}) > 5
    for reader in readers:
        assert reader.interests.all()
        assert reader.email.rpartition("@")[2] in ("example.org", "example.com", "example.net")
        assert reader.confirmed_at == MONDAY - dt.timedelta(days=1)
        assert reader.next_digest_at


def test_a_second_run_adds_nothing(load: Load) -> None:
    load()
    before = counted()
    assert load()[0] == "0 new papers of two weeks, 12 readers"
    assert counted() == before
