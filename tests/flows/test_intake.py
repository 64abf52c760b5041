"""What is stored of what a source announces, through the command that brings it."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.flows import intake, merging, upsert
from subscriptions.flows.intake import open_run, take_in
from subscriptions.matching import trend
from subscriptions.models import (
    DoubtfulPair,
    Edition,
    Listing,
    ListingVotes,
    Paper,
    Source,
    SourceRun,
)
from subscriptions.sources import PaperRecord, Rejection
from tests.conftest import MONDAY

DAY = dt.timedelta(days=1)
FRIDAY = dt.date(2025, 10, 10)
Bring = Callable[..., SourceRun]
pytestmark = pytest.mark.django_db


@pytest.fixture
def bring(tmp_path: Path) -> Bring:
    """Import papers, of Friday and called Paper unless told otherwise; the run."""

    def bring(*entries: dict[str, object], now: dt.datetime = MONDAY) -> SourceRun:
        path = tmp_path / "papers.jsonl"
        usual = {"title": "Paper", "listed": str(FRIDAY)}
        path.write_text("".join(f"{json.dumps(usual | entry)}\n" for entry in entries))
        call_command("import_papers", str(path), form="jsonl", now=now, stdout=StringIO())
        return SourceRun.objects.latest("pk")

    return bring


def figures(run: SourceRun) -> tuple[int, int, int, int]:
    return run.new, run.updated, run.unchanged, run.rejected


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        ({"id": "2310.01234v1"}, {"id": "2310.01234v2", "title": "New"}, "New"),
        ({"id": "2310.01234v2"}, {"id": "2310.01234v1", "title": "Old but longer"}, "Paper"),
        ({"id": "2310.01234v1"}, {"id": "2310.01234v1", "title": "Paper, in full"},
         "Paper, in full"),
        ({"id": "2310.01234"}, {"id": "2310.01234v3", "title": "Pap"}, "Paper"),
        ({"id": "2310.01234"}, {"id": "2310.01234", "title": "PAPER"}, "Paper"),
        ({"id": "2310.01234", "title": "PAPER"}, {"id": "2310.01234"}, "Paper"),
    ],
)  # fmt: skip
def test_the_newer_or_else_the_longer_text_wins(
    bring: Bring, first: dict[str, object], second: dict[str, object], title: str
) -> None:
    bring(first)
    bring(second)
    assert Paper.objects.get().title == title
    assert figures(bring(second)) == (0, 0, 1, 0)


def test_a_paper_takes_over_what_is_richer(bring: Bring) -> None:
    bring({"id": "2310.01234v2", "submitted": "2025-10-03", "authors": ["Ada Rook"]})
    richer = {
        "id": "2310.01234v2",
        "doi": "10.1000/a",
        "abstract": "Words.",
        "authors": ["Ada Rook", "Bo Lind"],
        "categories": ["cs.CL"],
        "submitted": "2025-10-01",
        "url": "https://example.org/a",
    }
    assert figures(bring(richer)) == (0, 1, 0, 0)
    assert figures(bring(richer)) == (0, 0, 1, 0)
    poorer = {"id": "2310.01234v1", "submitted": "2025-10-02", "categories": []}
    assert figures(bring(poorer)) == (0, 0, 1, 0)
    paper = Paper.objects.get()
    assert (paper.arxiv_id, paper.version, paper.doi) == ("2310.01234", 2, "10.1000/a")
    assert (paper.abstract, paper.authors) == ("Words.", ["Ada Rook", "Bo Lind"])
    assert (paper.categories, paper.url) == (["cs.CL"], "https://example.org/a")
    assert paper.submitted == dt.date(2025, 10, 1)


def test_a_paper_is_known_by_any_of_its_ids(bring: Bring) -> None:
    bring({"doi": "10.1000/a"}, {"id": "https://doi.org/10.1000/A", "arxiv_id": "2310.01234"})
    bring({"id": "own", "doi": "10.1000/a"}, {"id": "own"}, {"id": "arXiv:2310.01234v2"})
    paper = Paper.objects.get()
    assert (paper.arxiv_id, paper.doi, paper.own_id) == ("2310.01234", "10.1000/a", "file:own")


def test_two_papers_of_arxiv_with_one_doi_stay_two(bring: Bring) -> None:
    """As authors give a proceedings' DOI to each of its papers."""
    entries = [
        {"arxiv_id": "2310.00001", "doi": "10.1000/a", "title": "One"},
        {"arxiv_id": "2310.00002", "doi": "10.1000/a", "title": "Two"},
    ]
    assert figures(bring(*entries)) == (2, 0, 0, 0)
    assert figures(bring(*entries)) == (0, 0, 2, 0)
    titles = Paper.objects.order_by("arxiv_id").values_list("title", "doi")
    assert list(titles) == [("One", "10.1000/a"), ("Two", None)]


def test_a_record_with_the_ids_of_two_papers_joins_none(bring: Bring) -> None:
    bring({"arxiv_id": "2310.01234"}, {"doi": "10.1000/a", "title": "Other"})
    both = {"arxiv_id": "2310.01234", "doi": "10.1000/a"}
    for _ in range(2):
        assert figures(bring(both)) == (0, 0, 1, 0)
    assert Paper.objects.count() == 2
    pair = DoubtfulPair.objects.get()
    assert (pair.paper.arxiv_id, pair.other.doi, pair.status) == ("2310.01234", "10.1000/a", "open")


def test_two_new_papers_that_a_third_record_says_are_one(bring: Bring) -> None:
    bring(
        {"doi": "10.1000/a", "title": "Other"},
        {"arxiv_id": "2310.01234"},
        {"arxiv_id": "2310.01234", "doi": "10.1000/a"},
    )
    assert Paper.objects.count() == 2
    assert DoubtfulPair.objects.count() == 1


def test_votes_rise_and_fall_and_the_trend_with_them(bring: Bring) -> None:
    for votes in (3, 90, 20):
        assert figures(bring({"votes": votes}))[2:] == (0, 0)
        assert figures(bring({"votes": votes})) == (0, 0, 1, 0)
        assert ListingVotes.objects.get().count == votes
        assert Paper.objects.get().trend == pytest.approx(trend(votes, FRIDAY))
    assert figures(bring({})) == (0, 0, 1, 0)
    assert ListingVotes.objects.get().count == 20


def test_the_trend_is_that_of_the_best_listing(bring: Bring) -> None:
    bring({"votes": 1_000}, {"votes": 1, "listed": str(FRIDAY + DAY)})
    assert Paper.objects.get().trend == pytest.approx(trend(1_000, FRIDAY))
    bring({"listed": "2025-10-30"})
    assert Paper.objects.get().trend == pytest.approx(trend(0, dt.date(2025, 10, 30)))


def test_votes_count_by_what_is_usual_at_their_source(bring: Bring) -> None:
    bring(*({"id": f"loud-{n}", "votes": 400 + n} for n in range(30)))
    loud = Paper.objects.order_by("trend").last()
    assert loud is not None
    assert loud.trend == pytest.approx(trend(429, FRIDAY, 414.5))
    bring({"id": "another", "votes": 829})
    best = Paper.objects.order_by("trend").last()
    assert best is not None
    assert best.trend == pytest.approx(trend(829, FRIDAY, 415))
    # A source that was silent for weeks keeps its scale.
    bring({"id": "late", "votes": 829, "listed": "2025-12-01"})
    late = Paper.objects.latest("pk")
    assert late.trend == pytest.approx(trend(829, dt.date(2025, 12, 1), 415.5), rel=1e-6)


def test_recent_papers_are_on_one_scale_whenever_they_came(bring: Bring) -> None:
    bring(*({"id": f"early-{n}", "votes": 100} for n in range(10)))
    bring(*({"id": f"late-{n}", "votes": 100} for n in range(30)))
    assert set(Paper.objects.values_list("trend", flat=True)) == {trend(100, FRIDAY, 100)}


def test_a_late_listing_goes_to_the_first_open_day_and_stays(bring: Bring) -> None:
    Edition.objects.roll(MONDAY)
    entry = {"id": "2310.01234", "votes": 3}
    bring(entry)
    listing = Listing.objects.get()
    assert (listing.announced, listing.day) == (FRIDAY, MONDAY.date())
    assert Paper.objects.get().trend == pytest.approx(trend(3, MONDAY.date()))
    Edition.objects.roll(MONDAY + DAY)
    assert figures(bring(entry, now=MONDAY + DAY)) == (0, 0, 1, 0)
    assert Listing.objects.get().day == MONDAY.date()


def test_days_before_the_first_edition_and_days_to_come_stay(bring: Bring) -> None:
    Edition.objects.roll(MONDAY)
    first = MONDAY.date() - 7 * DAY
    days = [first - DAY, MONDAY.date(), MONDAY.date() + 3 * DAY]
    bring(*({"id": str(day), "listed": str(day)} for day in days))
    assert list(Listing.objects.order_by("day").values_list("day", flat=True)) == days
    bring({"id": "first", "listed": str(first)})
    assert Listing.objects.get(announced=first).day == MONDAY.date()


def test_one_paper_often_in_one_file(bring: Bring) -> None:
    run = bring({"votes": 1}, {"votes": 1}, {"votes": 4, "abstract": "Words."}, {"votes": 4})
    assert figures(run) == (1, 1, 2, 0)
    assert Paper.objects.get().abstract == "Words."
    assert ListingVotes.objects.get().count == 4


def test_the_queries_of_a_batch_do_not_depend_on_its_size(bring: Bring) -> None:
    def entries(count: int, **changes: object) -> list[dict[str, object]]:
        return [
            {"id": f"{count}-{n}", "title": f"Paper {count} {n}", "votes": n} | changes
            for n in range(count)
        ]

    def queries(count: int, **changes: object) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            run = bring(*entries(count, **changes))
        assert sum(figures(run)) == count
        return len(captured)

    for changes in ({}, {"votes": 500, "abstract": "Words."}, {"listed": "2025-10-09"}):
        few, many = queries(10, **changes), queries(400, **changes)
        # Where what is usual changed, recent papers' trends are counted anew.
        assert many <= few + 8 if connection.vendor == "postgresql" else many < 45
        assert few < 30


def test_another_process_stores_the_same_paper_meanwhile(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between the look and the write: the batch is looked at and written again."""
    bring({"id": "2310.01234"})
    looked: list[int] = []

    class Late(upsert._Index):
        def __init__(self, records: list[merging.Record]) -> None:
            super().__init__(records if looked else [])
            looked.append(len(records))

    monkeypatch.setattr(upsert, "_Index", Late)
    run = bring({"id": "2310.01234", "abstract": "Words."}, {"id": "2310.01235"})
    assert figures(run) == (1, 1, 0, 0)
    assert looked == [2, 2]
    assert Paper.objects.get(arxiv_id="2310.01234").abstract == "Words."


@pytest.mark.postgresql  # SQLite lets in one writer at a time
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_papers_at_once() -> None:
    """In whatever order each has them, neither fails."""
    records = [
        PaperRecord(f"Paper {n}", FRIDAY, arxiv_id=f"2310.{n:05}", votes=n) for n in range(1_500)
    ]
    turned = [record for n in range(0, 1_500, 100) for record in records[n : n + 100][::-1]]
    start = threading.Barrier(2)

    def run(ordered: list[PaperRecord]) -> None:
        try:
            start.wait(timeout=10)
            runs.append(_take_in(ordered))
        finally:
            connection.close()

    runs: list[SourceRun] = []
    threads = [threading.Thread(target=run, args=[o]) for o in (records, turned)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [sum(figures(run)) for run in runs] == [1_500, 1_500]
    assert sum(run.new for run in runs) == Paper.objects.count() == 1_500
    assert Listing.objects.count() == ListingVotes.objects.count() == 1_500


def _take_in(records: object) -> SourceRun:
    return take_in(
        records,  # type: ignore[arg-type]
        open_run(Source.FILE, "here", MONDAY),
        rejected=lambda rejection: None,
    )


@pytest.mark.parametrize("error", [OSError("the \x00line broke\ud800"), KeyboardInterrupt()])
def test_a_run_that_breaks_off_says_so_and_keeps_what_was_stored(error: BaseException) -> None:
    def records() -> Iterator[PaperRecord]:
        for n in range(intake.BATCH + 100):
            yield PaperRecord(f"Paper {n}", FRIDAY, own_id=f"file:{n}")
        raise error

    with pytest.raises(type(error)):
        _take_in(records())
    run = SourceRun.objects.get()
    assert run.status == SourceRun.Status.FAILED
    assert run.finished_at
    assert run.error.startswith(type(error).__name__)
    assert figures(run) == (intake.BATCH, 0, 0, 0)
    assert Paper.objects.count() == intake.BATCH


def test_a_run_keeps_its_first_hundred_rejections() -> None:
    run = _take_in(Rejection(n, f"reason {n}") for n in range(1, intake.BATCH + 101))
    assert run.rejected == intake.BATCH + 100
    assert run.rejections == [[n, f"reason {n}"] for n in range(1, 101)]
    assert run.newest_day is None


def test_hostile_text_is_stored_harmlessly(bring: Bring) -> None:
    run = bring(
        {"id": "a\x00\ud800\u202e", "title": "nul\x00 half\ud800 turned\u202e"},
        {"id": "b", "title": "t" * 900_000},
        {"id": "c", "title": "<script>alert(1)</script>", "abstract": "'; DROP TABLE x; --"},
        {"id": "d", "authors": [{"name": "Ada\x00 Rook\udfff"}], "categories": ["cs.CL\x00"]},
        {"id": "\x00"},
        {"id": "e", "listed": "\x00\ud800"},
    )
    assert figures(run) == (4, 0, 0, 2)
    papers = {paper.own_id: paper for paper in Paper.objects.all()}
    assert papers["file:a"].title == "nul half turned"
    assert papers["file:b"].title == "t" * 499 + "…"
    assert papers["file:c"].title == "<script>alert(1)</script>"
    assert papers["file:d"].authors == ["Ada Rook"]
    assert [number for number, _ in run.rejections] == [5, 6]
