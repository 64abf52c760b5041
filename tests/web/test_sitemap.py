"""What search engines are told."""

import datetime as dt
from collections.abc import Callable
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from lxml import etree

from subscriptions.models import Edition, Paper, Topic
from subscriptions.web import sitemaps

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
NS = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
Make = Callable[..., Any]


@pytest.fixture
def papers(make_paper: Make, topics: dict[str, Topic], settings: Any) -> list[Paper]:
    settings.SITE_URL = "https://papers.example.org"
    # The keys of other tests go on counting; the maps are by key.
    found = [make_paper(f"Paper {n}", day=FRIDAY, pk=n + 1) for n in range(4)]
    make_paper("Of today", day=NOW.date(), pk=5)
    Paper.objects.filter(pk=found[3].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    Edition.objects.roll(NOW)
    return found


def locations(client: Client, path: str) -> list[str]:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/xml")
    found: list[str] = etree.fromstring(answer.content).xpath("//s:loc/text()", namespaces=NS)
    assert all(url.startswith("https://papers.example.org/") for url in found)
    return [urlsplit(url).path for url in found]


def test_all_pages_are_in_the_sitemaps_and_nothing_else(
    client: Client, papers: list[Paper]
) -> None:
    maps = locations(client, "/sitemap.xml")
    assert "/sitemap-papers-0.xml" in maps
    found = [path for part in maps for path in locations(client, part)]
    assert len(found) == len(set(found))
    assert set(found) == {
        "/", "/archive/", "/topics/", "/privacy/", "/archive/2025-10-10/", "/archive/2025-W41/",
        *(f"/topics/{topic.slug}/" for topic in Topic.objects.all()),
        *(f"/papers/{paper.pk}/" for paper in papers[:3]),
    }  # fmt: skip
    for path in found:
        assert client.get(path).status_code == 200, path


def test_each_sitemap_has_a_range_of_papers(
    client: Client, papers: list[Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "AT_ONCE", 2)
    maps = [path for path in locations(client, "/sitemap.xml") if "papers" in path]
    parts = [locations(client, path) for path in maps]
    assert max(map(len, parts)) <= 2
    assert [*chain(*parts)] == [f"/papers/{paper.pk}/" for paper in papers[:3]]
    assert client.get("/sitemap-papers-999999.xml").status_code == 200
    assert client.get("/sitemap-nothing.xml").status_code == 404


def test_pages_say_when_they_changed(client: Client, papers: list[Paper]) -> None:
    Paper.objects.filter(pk=papers[0].pk).update(updated=dt.date(2025, 10, 12))
    answer = client.get("/sitemap-papers-0.xml")
    changed = etree.fromstring(answer.content).xpath("//s:lastmod/text()", namespaces=NS)
    assert changed == ["2025-10-12", "2025-10-10", "2025-10-10"]


@pytest.mark.parametrize(
    "path",
    ["/sitemap.xml", "/sitemap-papers-0.xml", "/sitemap-editions.xml", "/sitemap-topics.xml"],
)
def test_a_sitemap_is_one_query_and_counts_nothing(
    client: Client, papers: list[Paper], django_assert_num_queries: Any, path: str
) -> None:
    with django_assert_num_queries(1) as captured:
        assert client.get(path)["Cache-Control"] == "public, max-age=3600"
    assert "COUNT(" not in captured.captured_queries[0]["sql"]


def test_robots_are_kept_from_what_is_private(client: Client, papers: list[Paper]) -> None:
    answer = client.get("/robots.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert lines[0] == "User-agent: *"
    assert lines[-1] == "Sitemap: https://papers.example.org/sitemap.xml"
    disallowed = [line.removeprefix("Disallow: ") for line in lines[1:-1]]
    for private in ("preferences", "digest", "u", "confirm", "account", "sign-in", "feeds/mine"):
        assert f"/{private}/" in disallowed
    assert not [path for path in ("/archive/", "/topics/", "/papers/1/", "/feeds/daily.atom")
                for prefix in disallowed if path.startswith(prefix)]  # fmt: skip
