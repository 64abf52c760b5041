"""Lists of many rows: what is found in them, and what is never counted."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from subscriptions.admin.paging import CappedPaginator
from subscriptions.flows.indexing import index_papers
from subscriptions.models import Edition, Paper

TODAY = dt.date(2025, 10, 13)
Make = Callable[..., Any]

SMALL = {
    "auth.group", "auth.user", "axes.accessattempt", "axes.accesslog",
    "subscriptions.pick", "subscriptions.topic",
}  # fmt: skip
"""Tables that stay small however large the site is, or are kept small."""


@pytest.fixture
def papers(make_paper: Make) -> Iterator[dict[str, Paper]]:
    """By title: of today, of the day before, hidden, and of long ago."""
    now = dt.datetime.combine(TODAY, dt.time(9), dt.UTC)
    with time_machine.travel(now, tick=False):
        found = [
            make_paper("Robot arms", day=TODAY),
            make_paper("Arms of a galaxy", day=TODAY - dt.timedelta(days=1), votes=90),
            make_paper("Robot dogs and their arms", day=TODAY, hidden=Paper.Hidden.OFF_TOPIC),
            make_paper("Robot arms of old", day=dt.date(2025, 1, 2), doi="10.1234/old"),
        ]
        Edition.objects.roll(now)
        index_papers()
        yield {paper.title: paper for paper in found}


def listed(client: Client, **query: str) -> list[str]:
    page: Any = client.get(reverse("admin:subscriptions_paper_changelist"), query)
    assert page.status_code == 200
    return [paper.title for paper in page.context["cl"].result_list]


@pytest.mark.django_db
def test_papers_are_found_by_words_the_nearest_first_hidden_and_unreleased_ones_too(
    admin_client: Client, papers: dict[str, Paper]
) -> None:
    robot_arms = ["Robot arms", "Robot dogs and their arms", "Arms of a galaxy"]
    assert listed(admin_client, q="robot arms") == robot_arms
    by_trend = ["Arms of a galaxy", "Robot arms", "Robot dogs and their arms"]
    assert listed(admin_client, q="robot arms", o="-4") == by_trend
    assert listed(admin_client, q="robots", when="all", hidden__exact="") == [
        "Robot arms",
        "Robot arms of old",
    ]
    assert listed(admin_client, q="zyzzyva") == []


@pytest.mark.django_db
def test_papers_are_found_by_their_ids(admin_client: Client, papers: dict[str, Paper]) -> None:
    hidden, old = papers["Robot dogs and their arms"], papers["Robot arms of old"]
    for text in (hidden.arxiv_id, f"https://arxiv.org/abs/{hidden.arxiv_id}v3"):
        assert listed(admin_client, q=str(text)) == [hidden.title]
    assert listed(admin_client, q="https://doi.org/10.1234/OLD", when="all") == [old.title]
    assert listed(admin_client, q="10.1234/old") == [], "it is not of this week"


def test_no_large_table_is_counted_to_its_end() -> None:
    for model, its_admin in admin.site._registry.items():
        capped = its_admin.paginator is CappedPaginator
        assert capped or model._meta.label_lower in SMALL, model
        if capped:
            assert not its_admin.show_full_result_count, model
            assert its_admin.show_facets is admin.ShowFacets.NEVER, model
            assert its_admin.date_hierarchy is None, model
            related = [name for name in its_admin.list_filter if _is_relation(model, name)]
            assert related == [], f"{model}: a filter would offer each of {related}"


def _is_relation(model: type[models.Model], name: object) -> bool:
    return isinstance(name, str) and model._meta.get_field(name.split("__")[0]).is_relation
