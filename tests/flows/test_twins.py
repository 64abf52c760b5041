"""Papers that share a title and no id: one, two, or for an editor to say."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from subscriptions.flows.intake import open_run, take_in
from subscriptions.flows.twins import settle
from subscriptions.models import DoubtfulPair, Listing, Paper, Source, SourceRun
from subscriptions.sources import PaperRecord
from tests.conftest import MONDAY

TITLE = "Robots that pour tea without spilling"
ADA, BO, CY = "Ada Rook", "Bo Lind", "Cy Tide"

pytestmark = pytest.mark.django_db


def bring(*records: dict[str, Any], source: Source = Source.FILE) -> SourceRun:
    usual: dict[str, Any] = {"title": TITLE, "announced": MONDAY.date(), "authors": (ADA, BO)}
    run = open_run(source, "x", MONDAY)
    return take_in(
        [PaperRecord(**(usual | record)) for record in records], run, rejected=lambda _: None
    )


@pytest.mark.parametrize(
    ("first", "second", "papers", "doubtful"),
    [
        # Without an id but its title, the authors tell.
        ({"own_id": "title:a"}, {"arxiv_id": "2510.00001"}, 1, 0),
        ({"doi": "10.1000/a"}, {"own_id": "title:a", "authors": ("B. Lind", "A. Rook")}, 1, 0),
        ({"arxiv_id": "2510.00001"}, {"own_id": "title:a", "title": f"{TITLE.upper()}."}, 1, 0),
        ({"arxiv_id": "2510.00001"}, {"own_id": "title:a", "authors": (ADA,)}, 1, 0),
        ({"own_id": "title:a"}, {"own_id": "title:b", "authors": (CY,)}, 2, 0),
        ({"own_id": "title:a", "authors": ()}, {"arxiv_id": "2510.00001"}, 2, 1),
        ({"own_id": "title:a"}, {"own_id": "title:b", "authors": (ADA, CY, "D. E.")}, 1, 0),
        ({"own_id": "title:a"}, {"own_id": "title:b", "authors": ()}, 2, 1),
        # Short titles are given often.
        ({"own_id": "title:a", "title": "Essay"}, {"doi": "10.1000/a", "title": "Essay"}, 2, 1),
        # With ids that differ, an editor says.
        ({"arxiv_id": "2510.00001"}, {"doi": "10.1000/a"}, 2, 1),
        ({"doi": "10.1000/b"}, {"doi": "10.1000/a"}, 2, 1),
        ({"own_id": "file:7"}, {"arxiv_id": "2510.00001"}, 2, 1),
        # Two of arXiv's are two, and so are two by others.
        ({"arxiv_id": "2510.00002"}, {"arxiv_id": "2510.00001"}, 2, 0),
        ({"arxiv_id": "2510.00002"}, {"doi": "10.1000/a", "authors": (CY,)}, 2, 0),
        ({"arxiv_id": "2510.00002"}, {"doi": "10.1000/a", "title": f"{TITLE} again"}, 2, 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [False, True])
def test_one_title(
    first: dict[str, Any], second: dict[str, Any], papers: int, doubtful: int, at_once: bool
) -> None:
    for records in [(first, second)] if at_once else [(first,), (second,)]:
        bring(*records)
    assert (Paper.objects.count(), DoubtfulPair.objects.count()) == (papers, doubtful)
    again = bring(first, second)
    assert (again.new, again.updated) == (0, 0)
    assert DoubtfulPair.objects.count() == doubtful


def test_one_paper_of_two_sources_has_the_ids_and_listings_of_both() -> None:
    bring({"own_id": "title:a"})
    bring({"arxiv_id": "2510.00001", "doi": "10.1000/a"}, source=Source.ARXIV)
    paper = Paper.objects.get()
    assert (paper.own_id, paper.arxiv_id, paper.doi) == ("title:a", "2510.00001", "10.1000/a")
    assert Listing.objects.filter(paper=paper).count() == 2


def test_an_editor_settles_pairs(admin_client: Client) -> None:
    bring({"arxiv_id": "2510.00001"}, {"doi": "10.1000/a"})
    bring({"title": f"{TITLE} twice", "arxiv_id": "2510.00002"})
    bring({"title": f"{TITLE} twice", "doi": "10.1000/b"})
    assert "2 pairs of papers" in admin_client.get("/admin/").content.decode()
    address = "/admin/subscriptions/doubtfulpair/"
    page = admin_client.get(f"{address}?status__exact=open").content.decode()
    assert TITLE in page
    assert "https://arxiv.org/abs/2510.00001" in page
    assert "https://doi.org/10.1000/a" in page
    one, two = DoubtfulPair.objects.order_by("pk")
    for pair, action in ((one, "same"), (two, "different")):
        admin_client.post(address, {"action": action, "_selected_action": [pair.pk]})
    hidden = dict(Paper.objects.exclude(doi=None).values_list("doi", "hidden"))
    assert hidden == {"10.1000/a": "duplicate", "10.1000/b": ""}
    assert not Paper.objects.exclude(arxiv_id=None).exclude(hidden="").exists()
    assert "pairs of papers" not in admin_client.get("/admin/").content.decode()
    one.refresh_from_db()
    settle([one], DoubtfulPair.Status.DIFFERENT)
    assert not Paper.objects.exclude(hidden="").exists()


def test_the_list_of_pairs_has_a_constant_number_of_queries(
    admin_client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    def pairs(count: int) -> None:
        first = Paper.objects.count()
        for n in range(first, first + count):
            title = f"{TITLE} {n}"
            bring(
                {"title": title, "arxiv_id": f"2510.{n:05}"},
                {"title": title, "doi": f"10.1000/{n}"},
            )

    pairs(2)
    with django_assert_num_queries(4):
        admin_client.get("/admin/subscriptions/doubtfulpair/")
    pairs(8)
    with django_assert_num_queries(4):
        admin_client.get("/admin/subscriptions/doubtfulpair/")
