"""Days and weeks, papers and how they are cited, and what search engines are told of them."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from lxml import html

from subscriptions.flows.indexing import index_papers
from subscriptions.models import Edition, Listing, Paper, Pick

NOW = dt.datetime(2025, 10, 15, 9, tzinfo=dt.UTC)
"""A Wednesday: its week and the one before have days."""
TUESDAY, FRIDAY, WEDNESDAY = dt.date(2025, 10, 14), dt.date(2025, 10, 10), dt.date(2025, 10, 8)
Make = Callable[..., Any]


@pytest.fixture
def papers(make_paper: Make) -> Iterator[list[Paper]]:
    """Eight papers of three released days, of two weeks, and one of today, which is open."""
    days = [WEDNESDAY, FRIDAY, TUESDAY]
    found = [
        make_paper(f"Robot arms {n} <b>&", abstract="Arms that <i>grasp</i>.", votes=n,
                   day=days[n % 3], authors=["Ada Ito", "Bo Lee"])
        for n in range(8)
    ]  # fmt: skip
    make_paper("Of today", day=NOW.date())
    with time_machine.travel(NOW, tick=False):
        Edition.objects.roll(NOW)
        Pick.objects.create(paper=found[1], day=FRIDAY, note="Read <u>this</u>.")
        yield found


def page_of(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return html.fromstring(answer.content.decode())


def links(page: Any, within: str = "//main") -> list[str]:
    return [link.get("href") for link in page.xpath(f"{within}//a[@href]")]


def titles(page: Any, of: str = "ol") -> list[str]:
    return [link.text for link in page.xpath(f"//{of}[contains(@class, 'papers')]//h3/a")]


def text(page: Any, path: str) -> str:
    return " ".join(" ".join(page.xpath(path)[0].itertext()).split())


def test_the_archive_has_weeks_and_days_by_month(client: Client, papers: list[Paper]) -> None:
    page = page_of(client, "/archive/")
    found = links(page, "//section[contains(@class, 'month')]")
    assert found == [
        "/archive/2025-W42/", "/archive/2025-10-14/",
        "/archive/2025-W41/", "/archive/2025-10-08/", "/archive/2025-10-10/",
    ]  # fmt: skip
    assert text(page, "//h2") == "October 2025"
    assert text(page, "//a[@href='/archive/2025-W41/']") == "Oct 6 – 12"


def test_a_year_of_the_archive_is_on_one_page(client: Client, make_paper: Make) -> None:
    for day in (dt.date(2024, 12, 29), dt.date(2024, 12, 30), dt.date(2025, 3, 3)):
        make_paper(f"Of {day}", day=day)
        Edition.objects.create(day=day, status=Edition.Status.RELEASED, released_at=NOW)
    newest = page_of(client, "/archive/")
    assert links(newest, "//section") == [
        "/archive/2025-W10/", "/archive/2025-03-03/",
        "/archive/2025-W01/", "/archive/2024-12-30/",
    ]  # fmt: skip
    assert [text(newest, f"(//h2)[{n}]") for n in (1, 2)] == ["March 2025", "January 2025"]
    assert "?year=2024" in links(newest)
    before = page_of(client, "/archive/?year=2024")
    assert links(before, "//section") == ["/archive/2024-W52/", "/archive/2024-12-29/"]
    assert canonical(before) == "http://localhost:8000/archive/?year=2024"
    for junk in ("1999", "²", "junk", "9" * 50):
        assert links(page_of(client, f"/archive/?year={junk}"), "//section") == links(
            newest, "//section"
        )


def test_a_day_leads_to_its_week_and_its_neighbours(client: Client, papers: list[Paper]) -> None:
    page = page_of(client, "/archive/2025-10-10/")
    assert text(page, "//title") == "Oct 10, 2025 · Paper Round"
    assert text(page, "//h1") == "Friday 10 October 2025"
    assert "/archive/2025-W41/" in links(page)
    assert [text(page, f"//a[@rel='{rel}']") for rel in ("prev", "next")] == ["← Oct 8", "Oct 14 →"]
    assert titles(page, "ul") == ["Robot arms 1 <b>&"]
    assert titles(page) == [f"Robot arms {n} <b>&" for n in (7, 4, 1)]


def test_a_week_has_its_picks_days_and_papers_by_trend(client: Client, papers: list[Paper]) -> None:
    page = page_of(client, "/archive/2025-W41/")
    assert text(page, "//title") == "Oct 6 – 12, 2025 · Paper Round"
    assert text(page, "//h1") == "6 – 12 October 2025"
    assert links(page, "//nav[contains(@class, 'month')]") == [
        "/archive/2025-10-08/",
        "/archive/2025-10-10/",
    ]
    assert titles(page, "ul") == ["Robot arms 1 <b>&"]
    expected = sorted((p for p in papers if papers.index(p) % 3 < 2), key=lambda p: -p.trend)
    assert titles(page) == [paper.title for paper in expected]
    assert "Read &lt;u&gt;this&lt;/u&gt;." in client.get("/archive/2025-W41/").content.decode()
    assert [link.get("href") for link in page.xpath("//a[@rel='next']")] == ["/archive/2025-W42/"]
    assert not page.xpath("//a[@rel='prev']")


def test_a_week_shows_only_its_released_days_and_visible_papers(
    client: Client, papers: list[Paper]
) -> None:
    assert titles(page_of(client, "/archive/2025-W42/")) == [
        "Robot arms 5 <b>&",
        "Robot arms 2 <b>&",
    ]
    Paper.objects.filter(pk=papers[5].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert titles(page_of(client, "/archive/2025-W42/")) == ["Robot arms 2 <b>&"]
    Edition.objects.filter(day=TUESDAY).update(status=Edition.Status.CLOSED, released_at=None)
    assert client.get("/archive/2025-W42/").status_code == 404
    assert not page_of(client, "/archive/2025-W41/").xpath("//a[@rel='next']")


@pytest.mark.parametrize("name", ["2025-W40", "2025-W43", "2025-W00", "2025-W54", "2025-W59"])
def test_weeks_without_papers_are_not_found(client: Client, papers: list[Paper], name: str) -> None:
    assert client.get(f"/archive/{name}/").status_code == 404


def test_a_long_week_has_pages(client: Client, papers: list[Paper], make_paper: Make) -> None:
    for n in range(60):
        make_paper(f"More {n}", day=FRIDAY)
    first, second = (page_of(client, f"/archive/2025-W41/?page={n}") for n in (1, 2))
    assert (len(titles(first)), len(titles(second))) == (50, 16)
    assert not set(titles(first)) & set(titles(second))
    assert titles(second, "ul") == []
    assert canonical(first) == "http://localhost:8000/archive/2025-W41/"
    assert canonical(second) == "http://localhost:8000/archive/2025-W41/?page=2"


def test_a_paper_says_where_it_was_and_what_editors_said(
    client: Client, papers: list[Paper]
) -> None:
    Listing.objects.create(paper=papers[1], source="arxiv", announced=FRIDAY, day=FRIDAY)
    page = page_of(client, f"/papers/{papers[1].pk}/")
    assert text(page, "//h2[text()='What the editors say']/following::ul[1]") == (
        "Read <u>this</u>. Picked on Friday 10 October 2025"
    )
    assert text(page, "//h2[text()='Where it appeared']/following::ul[1]") == (
        "Friday 10 October 2025 : arXiv, Hugging Face Daily Papers"
    )
    Edition.objects.filter(day=FRIDAY).update(status=Edition.Status.CLOSED, released_at=None)
    Listing.objects.create(paper=papers[1], source="arxiv", announced=TUESDAY, day=TUESDAY)
    assert "editors say" not in client.get(f"/papers/{papers[1].pk}/").content.decode()


def test_a_paper_has_related_ones_and_none_that_is_hidden(
    client: Client, papers: list[Paper]
) -> None:
    index_papers()
    Paper.objects.filter(pk=papers[3].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    page = page_of(client, f"/papers/{papers[0].pk}/")
    related = titles(page, "ul")
    assert len(related) == 6
    assert not {papers[0].title, papers[3].title, "Of today"} & set(related)


def test_a_paper_is_cited(client: Client, papers: list[Paper]) -> None:
    page = page_of(client, f"/papers/{papers[1].pk}/")
    (link,) = page.xpath("//a[contains(., 'BibTeX')]/@href")
    answer = client.get(link)
    assert answer["Content-Type"] == "application/x-bibtex; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="ito2025-2510.00002.bib"'
    assert answer.content.decode().startswith("@misc{ito2025-2510.00002,\n")
    Paper.objects.filter(pk=papers[1].pk).update(hidden=Paper.Hidden.OFF_TOPIC)
    assert client.get(link).status_code == 404


def meta(page: Any, name: str) -> str:
    (found,) = page.xpath(f"//meta[@property='{name}' or @name='{name}']/@content")
    return str(found)


def canonical(page: Any) -> str:
    (found,) = page.xpath("//link[@rel='canonical']/@href")
    return str(found)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Paper Round"),
        ("/archive/", "Editions"),
        ("/archive/2025-10-10/", "Oct 10, 2025"),
        ("/archive/2025-W41/", "Oct 6 – Oct 12, 2025"),
        ("/topics/", "Topics"),
        ("/topics/robotics/", "Robotics"),
        ("/papers/{pk}/", "Robot arms 0 <b>&"),
    ],
)
def test_pages_tell_others_what_they_are(
    client: Client, papers: list[Paper], topics: Any, settings: Any, path: str, title: str
) -> None:
    path = path.format(pk=papers[0].pk)
    settings.SITE_URL = "https://papers.example.org"
    page = page_of(client, path + "?utm_source=x")
    assert canonical(page) == meta(page, "og:url") == f"https://papers.example.org{path}"
    assert meta(page, "og:title") == title
    assert meta(page, "og:site_name") == "Paper Round"
    assert meta(page, "og:description") == meta(page, "description")
    assert 20 < len(meta(page, "description")) <= 200
    assert meta(page, "og:image").startswith("https://papers.example.org/static/paper-round/card")
    assert meta(page, "twitter:card") == "summary_large_image"
    assert not page.xpath("//meta[@name='robots']")
    feeds = page.xpath("//link[@rel='alternate'][@type='application/atom+xml']/@href")
    assert feeds[0] == "/feeds/daily.atom" and client.get(feeds[-1]).status_code == 200


PUBLIC = ["/archive/", "/archive/2025-10-10/", "/archive/2025-W41/", "/papers/{pk}/",
          "/papers/{pk}/paper.bib", "/topics/", "/topics/robotics/"]  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
def test_pages_may_be_kept_unless_somebody_is_signed_in(
    client: Client, papers: list[Paper], topics: Any, path: str
) -> None:
    path = path.format(pk=papers[0].pk)
    answer = client.get(path)
    assert answer["Cache-Control"] == "public, max-age=300"
    assert "Cookie" in answer["Vary"] and not answer.cookies
    client.cookies["sessionid"] = "of somebody"
    answer = client.get(path)
    assert "public" not in answer["Cache-Control"] and "private" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_what_is_not_there_is_not_kept(client: Client, papers: list[Paper]) -> None:
    assert "Cache-Control" not in client.get("/archive/2025-W30/").headers


@pytest.mark.parametrize(("path", "most"), list(zip(PUBLIC, [2, 8, 9, 8, 1, 1, 5], strict=True)))
def test_queries_do_not_grow(
    client: Client,
    papers: list[Paper],
    make_paper: Make,
    topics: Any,
    django_assert_max_num_queries: Any,
    path: str,
    most: int,
) -> None:
    for n in range(60):
        paper = make_paper(f"More robot arms {n}", votes=n, day=FRIDAY)
        if n < 10:
            Pick.objects.create(paper=paper, day=FRIDAY)
    Pick.objects.create(paper=papers[0], day=FRIDAY)
    path = path.format(pk=papers[0].pk)
    client.get(path)
    with django_assert_max_num_queries(most):
        assert client.get(path).status_code == 200
