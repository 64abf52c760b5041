"""The front page is kept for a minute, and whoever visits it pushes out nothing else."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from subscriptions.models import Topic

pytestmark = pytest.mark.django_db


def test_it_is_kept(
    client: Client, topics: dict[str, Topic], django_assert_num_queries: Any
) -> None:
    first = client.get("/").content
    with django_assert_num_queries(0):
        assert client.get("/").content == first
        assert client.head("/").status_code == 200


def test_made_up_addresses_of_it_push_out_neither_it_nor_what_topics_found(
    client: Client, django_assert_num_queries: Any
) -> None:
    cache.set("found", "dear", 60)
    client.get("/")
    for n in range(160):
        assert client.get(f"/?x={n}").status_code == 200
    assert cache.get("found") == "dear"
    with django_assert_num_queries(0):
        client.get("/")


def test_hosts_of_it_push_out_nothing_that_topics_found(client: Client) -> None:
    cache.set("found", "dear", 60)
    for port in range(8000, 8160):
        assert client.get("/", HTTP_HOST=f"localhost:{port}").status_code == 200
    assert cache.get("found") == "dear"
