import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from subscriptions.models import Edition, Paper, Pick

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
Make = Callable[..., Any]


@pytest.fixture
def archive(make_paper: Make) -> Iterator[list[Paper]]:
    """A week of released days with papers on two of them."""
    papers = [
        make_paper(f"Robot arms {n} <b>&", abstract="An <i>abstract</i>. " * 30, votes=n,
                   day=FRIDAY if n % 2 else dt.date(2025, 10, 8), authors=["A. One"] * 5)
        for n in range(8)
    ]  # fmt: skip
    with time_machine.travel(MONDAY, tick=False):
        Edition.objects.roll(MONDAY)
        Pick.objects.create(paper=papers[1], day=FRIDAY, note="Read <u>this</u>.")
        yield papers


def test_the_archive_lists_days_with_papers(client: Client, archive: list[Paper]) -> None:
    page = client.get("/archive/").content.decode()
    assert "October 2025" in page
    assert "/archive/2025-10-10/" in page and "/archive/2025-10-08/" in page
    assert "/archive/2025-10-09/" not in page


def test_a_day_has_its_picks_its_papers_and_its_neighbours(
    client: Client, archive: list[Paper]
) -> None:
    Edition.objects.filter(day=FRIDAY).update(intro="A fine <day>.")
    page = client.get("/archive/2025-10-10/").content.decode()
    assert "A fine &lt;day&gt;." in page
    assert "Read &lt;u&gt;this&lt;/u&gt;." in page
    titles = [f"Robot arms {n} &lt;b&gt;&amp;" for n in (7, 5, 3, 1)]
    positions = [page.rindex(title) for title in titles]
    assert positions == sorted(positions)
    assert "Robot arms 2" not in page
    assert "/archive/2025-10-08/" in page and "<b>&" not in page


@pytest.mark.parametrize(
    "path", ["/archive/2025-10-13/", "/archive/2025-13-45/", "/archive/1999-01-01/", "/nope"]
)
def test_days_that_are_not_released_are_not_found(
    client: Client, archive: list[Paper], path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Paper Round" in answer.content.decode()


def test_a_paper_has_a_page_unless_it_is_hidden(client: Client, archive: list[Paper]) -> None:
    paper = archive[1]
    page = client.get(f"/papers/{paper.pk}/").content.decode()
    assert "An &lt;i&gt;abstract&lt;/i&gt;." in page and "https://arxiv.org/abs/2510.00002" in page
    Paper.objects.filter(pk=paper.pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert client.get(f"/papers/{paper.pk}/").status_code == 404
    assert f"/papers/{paper.pk}/" not in client.get("/archive/2025-10-10/").content.decode()


def test_a_paper_of_no_released_day_is_not_public(
    client: Client, archive: list[Paper], make_paper: Make
) -> None:
    coming = make_paper("Coming", day=MONDAY.date())
    assert client.get(f"/papers/{coming.pk}/").status_code == 404
    Pick.objects.create(paper=coming, day=FRIDAY)
    assert client.get(f"/papers/{coming.pk}/").status_code == 200


def test_plain_pages(client: Client, archive: list[Paper]) -> None:
    assert "1 Test Street" in client.get("/privacy/").content.decode()
    assert client.get("/check-inbox/").status_code == 200
    assert client.get("/healthz").content == b"ok\n"


def test_queries_do_not_grow_with_the_papers(
    client: Client, archive: list[Paper], make_paper: Make, django_assert_max_num_queries: Any
) -> None:
    for n in range(60):
        paper = make_paper(f"More {n}", votes=n, day=FRIDAY)
        if n < 10:
            Pick.objects.create(paper=paper, day=FRIDAY)
    for path, most in (("/archive/", 2), ("/archive/2025-10-10/", 8), ("/", 6)):
        with django_assert_max_num_queries(most):
            assert client.get(path).status_code == 200
    second = client.get("/archive/2025-10-10/?page=2")
    assert second.status_code == 200 and "More 0" in second.content.decode()
    assert client.get("/archive/2025-10-10/?page=junk").status_code == 200
