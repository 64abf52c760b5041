"""The command on real answers of the sources, replayed by a local server."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from subscriptions.models import LEASE, Listing, ListingVotes, Paper, SourceRun
from tests.conftest import MONDAY, ROOT
from tests.replay import Answer, Query, real_hf, real_oai, serving
from tests.services import database_url

DAY = dt.timedelta(days=1)
ATOM = "{http://www.w3.org/2005/Atom}"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


def fetch_papers(
    source: str, base_url: str, now: dt.datetime = MONDAY, **options: Any
) -> dict[str, int]:
    """Run the command; its figures by name, without zeros."""
    out = StringIO()
    call_command(
        "fetch_papers", source=source, base_url=base_url, now=now, stdout=out, stderr=StringIO(),
        **options,
    )  # fmt: skip
    assert re.fullmatch(r"\d+ new, \d+ updated, \d+ unchanged, \d+ rejected\n", out.getvalue())
    return {
        name: int(count) for count, name in re.findall(r"(\d+) (\w+)", out.getvalue()) if int(count)
    }


def test_the_whole_chain_of_arxiv(real_data: Path) -> None:
    with serving(real_oai(real_data)) as server:
        assert fetch_papers("arxiv-oai", server.url) == {"new": 503}
        assert len(server.asked) == 6
        assert fetch_papers("arxiv-oai", server.url, MONDAY + DAY) == {"unchanged": 503}
    assert Paper.objects.count() == 503
    octets = sum(
        (real_data / "arxiv-oai" / "pages" / f"paged_arXiv_p{n}.xml").stat().st_size
        for n in range(1, 7)
    )
    assert set(SourceRun.objects.values_list("requests", "octets")) == {(6, octets)}


def test_a_token_that_arxiv_refuses_starts_the_chain_anew(real_data: Path) -> None:
    """p7 is its answer to a token that it does not know."""
    answer = real_oai(real_data)
    refused: list[Query] = []

    def forgetful(path: str, query: Query) -> bytes:
        if "resumptionToken" in query and not refused:
            refused.append(query)
            return answer(path, {"verb": "ListRecords", "resumptionToken": "\n\n    "})
        return answer(path, query)

    with serving(forgetful) as server:
        assert fetch_papers("arxiv-oai", server.url) == {"new": 503, "unchanged": 100}
    assert [query.get("from") for _, query in server.asked].count("2025-10-06") == 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_harvest_that_is_killed_after_each_page(real_data: Path) -> None:
    """Each time the process dies while it asks for the next page, and the next one goes on."""
    answer = real_oai(real_data)
    served: list[Query] = []
    started: list[subprocess.Popen[bytes]] = []

    def deadly(path: str, query: Query) -> bytes:
        if len(served) == len(started) < 6:  # it has had its page, and wants another
            started[-1].kill()
            started[-1].wait()
            return b""
        served.append(query)
        return answer(path, query)

    program = (
        "import sys, django; django.setup(); "
        "from subscriptions.sources import http; http.SPACING = 0; "
        "from django.core.management import execute_from_command_line; "
        "execute_from_command_line(sys.argv)"
    )
    environ = os.environ | {
        "DATABASE_URL": database_url(connection.settings_dict),
        "DJANGO_SETTINGS_MODULE": "digest_service.settings",
    }
    with serving(deadly) as server:
        for n in range(6):
            command = [
                sys.executable, "-c", program, "fetch_papers", "--source=arxiv-oai",
                f"--base-url={server.url}", f"--now={(MONDAY + n * 2 * LEASE).isoformat()}",
            ]  # fmt: skip
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE)
            started.append(process)
            process.wait(timeout=60)
    assert [process.returncode for process in started] == [-9] * 5 + [0]
    assert len(served) == 6
    assert Paper.objects.count() == 503
    runs = SourceRun.objects.order_by("pk")
    assert [(run.status, run.new, run.unchanged) for run in runs] == [
        *[("failed", 100, 0)] * 5,
        ("ok", 3, 0),
    ]


def test_ten_days_of_hugging_face(real_data: Path) -> None:
    files = sorted((real_data / "hf-daily").glob("*.json"))
    entries = [entry["paper"] for path in files for entry in json.loads(path.read_text())]
    window: dict[str, Any] = {"since": dt.date(2025, 9, 29), "until": dt.date(2025, 10, 12)}
    with serving(real_hf(real_data)) as server:
        assert fetch_papers("hf-daily", server.url, **window) == {"new": len(entries)}
        assert len(server.asked) == 14 + 1  # a day of fifty papers may have more
        assert fetch_papers("hf-daily", server.url, **window) == {"unchanged": len(entries)}
    assert Paper.objects.count() == len({paper["id"] for paper in entries})
    codes = {paper["githubRepo"].replace("\n", "") for paper in entries if paper.get("githubRepo")}
    assert set(Paper.objects.exclude(code_url="").values_list("code_url", flat=True)) == codes
    assert Paper.objects.exclude(tldr="").count() == Paper.objects.count()
    run = SourceRun.objects.earliest("pk")
    days = {path.stem: len(json.loads(path.read_text())) for path in files}
    assert run.listed == days


def test_upvotes_are_counted_again_for_two_weeks(real_data: Path) -> None:
    answer, more = real_hf(real_data), 0

    def growing(path: str, query: Query) -> bytes:
        entries = json.loads(answer(path, query))
        for entry in entries:
            entry["paper"]["upvotes"] += more
        return json.dumps(entries).encode()

    friday = dt.date(2025, 10, 10)
    with serving(growing) as server:
        fetch_papers("hf-daily", server.url)
        asked = [query["date"] for _, query in server.asked]
        assert (asked[0], asked[-1]) == ("2025-10-13", "2025-10-06")
        before = Listing.objects.filter(announced=friday).count()
        first = dict(ListingVotes.objects.values_list("listing", "count"))
        more = 5
        server.asked.clear()
        found = fetch_papers("hf-daily", server.url, MONDAY + DAY)
        assert server.asked[-1][1]["date"] == "2025-09-26"
        assert found["updated"] == len(first)
        third = fetch_papers("hf-daily", server.url, MONDAY + DAY)
        assert third == {"unchanged": sum(found.values())}
    rows = ListingVotes.objects.filter(listing__announced=friday, listing__in=first)
    assert rows.filter(date=MONDAY.date()).count() == before
    again = rows.filter(date=(MONDAY + DAY).date())
    assert {row.listing_id: row.count - 5 for row in again} == {
        row.listing_id: first[row.listing_id] for row in again
    }
    assert len(again) == before


@pytest.mark.parametrize("name", ["2024-12-11-not-json", "2025-01-10-wrapped"])
def test_an_answer_of_hugging_face_that_is_none(real_data: Path, name: str) -> None:
    body = (real_data / "hf-daily" / "odd" / f"{name}.json").read_bytes()
    said = "hf-daily is not a response of daily_papers"
    with serving(lambda path, query: body) as server, pytest.raises(CommandError, match=said):
        fetch_papers("hf-daily", server.url)
    assert SourceRun.objects.get().status == SourceRun.Status.FAILED


def test_hugging_face_by_week_and_month(real_data: Path) -> None:
    def answer(path: str, query: Query) -> bytes:
        days = (real_data / "hf-daily").glob("*.json")
        span = query.get("week") or query["month"]
        form = "%G-W%V" if "week" in query else "%Y-%m"
        entries = [
            entry
            for day in days
            if dt.date.fromisoformat(day.stem).strftime(form) == span
            for entry in json.loads(day.read_text())
        ]
        start = int(query["p"]) * int(query["limit"])
        return json.dumps(entries[start : start + int(query["limit"])]).encode()

    window: dict[str, Any] = {"since": dt.date(2025, 9, 29), "until": dt.date(2025, 10, 12)}
    with serving(answer) as server:
        by_week = fetch_papers("hf-daily", server.url, part="week", **window)
        assert [(q["week"], q["p"]) for _, q in server.asked] == [
            ("2025-W41", "0"), ("2025-W41", "1"), ("2025-W40", "0"), ("2025-W40", "1"),
            ("2025-W40", "2"),
        ]  # fmt: skip
        by_month = fetch_papers("hf-daily", server.url, part="month", **window)
    assert by_week == {"new": 312}
    assert by_month == {"unchanged": 312}


FEEDS = [
    f"{day}_{category}.{form}.xml"
    for day in ("2026-06-22", "2026-06-23")
    for category in ("cs.AI", "cs.CL", "cs.IT")
    for form in ("rss", "atom")
]


@pytest.mark.parametrize("name", FEEDS)
def test_a_day_of_arxivs_feeds(real_data: Path, name: str) -> None:
    text = (real_data / "arxiv-rss" / name).read_text()
    day, _, category = name.rpartition(".")[0].rpartition(".")[0].partition("_")
    ids = re.findall(r"<(?:guid|id)[^>]*>oai:arXiv\.org:([\d.]+)v\d+<", text)
    with serving(lambda path, query: text.encode()) as server:
        found = fetch_papers(
            "arxiv-feed", server.url, dt.datetime(2026, 6, 24, 9, tzinfo=dt.UTC), part=category
        )
        assert server.asked == [(f"/{category}", {})]
    assert sum(found.values()) == len(ids)
    assert found["new"] == Paper.objects.count() == len(set(ids))
    assert set(Listing.objects.values_list("announced", flat=True)) == {dt.date.fromisoformat(day)}
    for paper in Paper.objects.all():
        assert paper.authors
        assert not paper.abstract.startswith(("arXiv:", "Abstract"))
        assert category in paper.categories


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_feeds_without_papers(real_data: Path, form: str) -> None:
    folder = real_data / "arxiv-rss"
    with serving(lambda path, query: (folder / f"{path[1:]}.{form}.xml").read_bytes()) as server:
        assert fetch_papers("arxiv-feed", server.url, part="empty_weekend_cs.CL") == {}
        for name, said in (
            ("error_cs.ZZ", "Bad subject class 'ZZ'"),
            ("error_nosuch", "Bad archive 'nosuch'"),
            ("error_cs.CL.x", "Bad archive/subject class structure"),
        ):
            with pytest.raises(CommandError, match=f"is an error of the server: {said}"):
                fetch_papers("arxiv-feed", server.url, part=name)


def test_a_search_of_arxiv_page_by_page(real_data: Path) -> None:
    """Of six pages of ten; the totals are cut to theirs."""
    folder = real_data / "arxiv-atom"
    pages = {
        int(re.findall(r"_s(\d+)_", path.name)[0]): path.read_text()
        for path in folder.glob("q_testing_s?0_m10_*.xml")
    } | {0: next(folder.glob("q_testing_s0_m10_*.xml")).read_text()}

    def answer(path: str, query: Query) -> bytes:
        return pages[int(query["start"])].replace(">214881<", ">60<").encode()

    with serving(answer) as server:
        assert fetch_papers("arxiv-api", server.url, part="all:testing") == {"new": 60}
    starts = [query["start"] for _, query in server.asked]
    assert starts == ["0", "10", "20", "30", "40", "50"]
    search = server.asked[0][1]["search_query"]
    assert search == "(all:testing) AND submittedDate:[202510060000 TO 202510132359]"


def test_a_search_that_finds_more_than_it_gives_is_no_whole_run(real_data: Path) -> None:
    text = next((real_data / "arxiv-atom").glob("q_testing_s0_m10_*.xml")).read_text()
    for body, said in (
        (text, r"finds 214,881 papers, and gives 10,000: narrow it"),
        (re.sub("<opensearch:totalResults>.*?<", "<opensearch:x><", text), "is not XML"),
        (text.replace("totalResults", "allResults"), "has no totalResults"),
    ):
        with (
            serving(partial(_body, body.encode(), 200)) as server,
            pytest.raises(CommandError, match=said),
        ):
            fetch_papers("arxiv-api", server.url, part="all:testing")
    assert {run.status for run in SourceRun.objects.all()} == {SourceRun.Status.FAILED}


def test_overlapping_pages_of_a_search(real_data: Path) -> None:
    """Pages of fifteen and of ten from different starts bring each paper once."""
    files = sorted((real_data / "arxiv-atom").glob("q_testing_*.xml"))
    ids = set()
    for path in files:
        text = path.read_text().replace(">214881<", ">1<")
        entries = ElementTree.fromstring(text).iter(f"{ATOM}entry")
        ids |= {
            entry.findtext(f"{ATOM}id", "").rpartition("/")[2].partition("v")[0]
            for entry in entries
        }
        with serving(partial(_body, text.encode(), 200)) as server:
            fetch_papers("arxiv-api", server.url, part="all:testing")
    assert Paper.objects.count() == len(ids)


def _body(body: bytes, status: int, path: str, query: Query) -> Answer:
    return Answer(body, status)


def test_what_else_arxivs_search_answers(real_data: Path) -> None:
    kept = json.loads((real_data / "arxiv-atom" / "INDEX.json").read_text())
    answers = {row["file"]: row for row in kept if row["file"].startswith("id_")}
    assert len(answers) == 9
    for name, row in answers.items():
        body = (real_data / "arxiv-atom" / name).read_bytes()
        with serving(partial(_body, body, row["status"])) as server:
            if row["status"] == 400:
                with pytest.raises(CommandError, match="incorrect id format for abc"):
                    fetch_papers("arxiv-api", server.url, part="x")
            else:
                found = fetch_papers("arxiv-api", server.url, part="x")
                assert sum(found.values()) == row["entries"], name


@pytest.mark.parametrize("form", ["arxiv-oai", "arxiv-feed", "arxiv-api"])
def test_the_command_says_what_is_missing(form: str) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"since": dt.date(2025, 10, 10), "until": dt.date(2025, 10, 9)}, "is after --until"),
        ({"until": dt.date(2025, 10, 14)}, "is still to come"),
    ]
    for options, said in cases:
        with pytest.raises(CommandError, match=said):
            fetch_papers(form, "http://localhost:1/", **options)
    if form != "arxiv-oai":
        with pytest.raises(CommandError, match=r"needs .* as its part"):
            fetch_papers(form, "http://localhost:1/")
    assert not Paper.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--source=nowhere"],
        ["--source=arxiv-oai", "--since=06.10.2025"],
        ["--source=arxiv-oai", "--base-url=ftp://example.org"],
    ],
)
def test_arguments_that_are_wrong(arguments: list[str]) -> None:
    usual = (
        []
        if any("--source" in one for one in arguments) or not arguments
        else ["--source=arxiv-oai"]
    )
    with pytest.raises(CommandError):
        call_command("fetch_papers", *usual, *arguments)
