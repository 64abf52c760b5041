"""Runs of a feed: where each begins, where it goes on, and that there is only one."""

import datetime as dt
from collections.abc import Iterator

import pytest

from subscriptions.flows.fetch import BeingFetched, fetch
from subscriptions.flows.intake import TakenForDead, open_run, take_in
from subscriptions.models import LEASE, Listing, Paper, Source, SourceRun
from subscriptions.sources import (
    Checkpoint,
    Feed,
    Found,
    PaperRecord,
    SourceFormatError,
    Window,
    feeds,
)
from subscriptions.sources.http import ComeAgainLater, FetchError, Http
from tests.conftest import MONDAY
from tests.oai import Pages, error, record, response, token
from tests.replay import Answer, Server, serving

DAY = dt.timedelta(days=1)
TODAY = MONDAY.date()
HOUR = dt.timedelta(hours=1)
OAI = feeds()["arxiv-oai"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


def asked(server: Server) -> list[str]:
    """What the requests began with, a date or a token."""
    return [query.get("from") or query["resumptionToken"] for _, query in server.asked]


def stored() -> list[tuple[str | None, str]]:
    rows = Listing.objects.order_by("paper__arxiv_id").values_list("paper__arxiv_id", "announced")
    return [(arxiv_id, str(day)) for arxiv_id, day in rows]


def run_of(server: Server, now: dt.datetime = MONDAY, **changes: object) -> SourceRun:
    return fetch(OAI, now, base_url=server.url, **changes)  # type: ignore[arg-type]


def test_a_whole_run() -> None:
    with serving(Pages(3)) as server:
        run = run_of(server, part="cs")
    assert server.asked[0][1] == {
        "verb": "ListRecords", "metadataPrefix": "arXiv", "from": "2025-10-06", "set": "cs",
    }  # fmt: skip
    assert server.asked[2][1] == {"verb": "ListRecords", "resumptionToken": "page 2"}
    run.refresh_from_db()
    assert (run.new, run.requests, run.status, run.cursor) == (9, 3, "ok", "")
    assert run.octets == sum(len(body) for body in Pages(3).bodies.values())
    assert (run.since, run.until) == (TODAY - 7 * DAY, TODAY)
    assert (run.source, run.feed, run.part, run.origin) == ("arxiv", "arxiv-oai", "cs", server.url)
    assert run.listed == {"2025-10-06": 9}
    assert run.finished_at
    assert run.expires_at is None


def test_the_next_run_asks_for_what_came_since_and_the_day_before() -> None:
    with serving(Pages(1, day="2025-10-13")) as server:
        for day in (0, 1, 5):
            run_of(server, MONDAY + day * DAY)
    assert asked(server) == ["2025-10-06", "2025-10-12", "2025-10-12"]


def test_history_is_fetched_by_the_way() -> None:
    with serving(Pages(1, day="2025-10-13")) as server:
        run_of(server)
        run_of(server, MONDAY + DAY, since=dt.date(2024, 1, 1), until=dt.date(2024, 2, 1))
        run_of(server, MONDAY + DAY, since=TODAY + DAY)  # leaves a gap
        run_of(server, MONDAY + 2 * DAY)
    assert asked(server) == ["2025-10-06", "2024-01-01", "2025-10-14", "2025-10-12"]
    assert [query.get("until") for _, query in server.asked] == [None, "2024-02-01", None, None]


def test_another_part_or_mirror_has_a_past_of_its_own() -> None:
    with serving(Pages(1)) as server, serving(Pages(1)) as mirror:
        run_of(server)
        run_of(server, MONDAY + DAY, part="math")
        run_of(mirror, MONDAY + DAY)
    assert asked(server) == ["2025-10-06", "2025-10-07"]
    assert asked(mirror) == ["2025-10-07"]


@pytest.mark.parametrize("broken", range(4))
def test_a_run_that_breaks_off_goes_on_where_it_stopped(broken: int) -> None:
    with serving(pages := Pages(4)) as server:
        whole = run_of(server, part="whole")
        expected = stored()
        Paper.objects.all().delete()
        server.asked.clear()
        pages.odd = {broken: Answer(b"<html>Sorry</html>")}
        with pytest.raises(SourceFormatError):
            run_of(server)
        pages.odd = {}
        run = run_of(server, MONDAY + HOUR)
    begun = ["2025-10-06", "page 1", "page 2", "page 3"]
    assert asked(server) == [*begun[: broken + 1], *begun[broken:]]
    assert run.new == whole.new - 3 * broken
    assert (run.updated, run.unchanged) == (0, 0)
    assert stored() == expected
    first = SourceRun.objects.get(status=SourceRun.Status.FAILED)
    assert first.error == "SourceFormatError: is not an OAI-PMH response but html"
    assert first.cursor == (f"page {broken}" if broken else "")


def test_a_cursor_that_the_server_forgot_starts_the_window_anew() -> None:
    with serving(pages := Pages(3)) as server:
        pages.odd = {2: Answer(b"", 500)}
        with pytest.raises(FetchError):
            run_of(server)
        server.asked.clear()
        pages.odd = {2: Answer(error("badResumptionToken").encode())}
        with pytest.raises(SourceFormatError, match="badResumptionToken"):
            run_of(server, MONDAY + HOUR)
        assert asked(server) == ["page 2", "2025-10-06", "page 1", "page 2"]
        pages.odd = {}
        run = run_of(server, MONDAY + 2 * HOUR)
    assert asked(server)[4:] == ["page 2"]
    assert (run.new, Paper.objects.count()) == (3, 9)


def test_an_old_cursor_is_forgotten() -> None:
    with serving(pages := Pages(2)) as server:
        pages.odd = {1: Answer(b"", 500)}
        with pytest.raises(FetchError):
            run_of(server)
        pages.odd = {}
        server.asked.clear()
        run_of(server, MONDAY + 3 * DAY)
    assert asked(server) == ["2025-10-09", "page 1"]


def test_a_page_that_stays_broken_does_not_hold_back_the_days_after_it() -> None:
    with serving(pages := Pages(2)) as server:
        pages.odd = {1: Answer(b"", 404)}
        for day in range(6):
            with pytest.raises(FetchError):
                run_of(server, MONDAY + day * DAY)
    assert [query["from"] for _, query in server.asked if "from" in query] == [
        "2025-10-06", "2025-10-08", "2025-10-10",
    ]  # fmt: skip


def test_history_that_broke_off_is_not_gone_on_with_by_the_clock() -> None:
    with serving(pages := Pages(2)) as server:
        pages.odd = {1: Answer(b"", 404)}
        with pytest.raises(FetchError):
            run_of(server, since=dt.date(2010, 1, 1), until=dt.date(2010, 2, 1))
        pages.odd = {}
        run = run_of(server, MONDAY + HOUR)
        assert (run.since, run.until) == (TODAY - 7 * DAY, TODAY)
    assert asked(server) == ["2010-01-01", "page 1", "2025-10-06", "page 1"]


def test_records_that_can_all_not_be_taken_are_another_format() -> None:
    pages = Pages(1, size=5)
    pages.bodies[0] = pages.bodies[0].replace("<title>", "<name>").replace("</title>", "</name>")
    with serving(pages) as server, pytest.raises(SourceFormatError, match="title is missing"):
        run_of(server)
    assert SourceRun.objects.get().rejected == 5


def test_what_a_source_shows_late_is_found() -> None:
    """Its answers were empty for days, and then have the days in between."""
    pages = Pages(1)
    with serving(pages) as server:
        run_of(server)
        full, pages.bodies[0] = pages.bodies[0], error("noRecordsMatch")
        for day in (1, 2, 3):
            run_of(server, MONDAY + day * DAY)
        pages.bodies[0] = full
        run_of(server, MONDAY + 4 * DAY)
    assert asked(server)[-1] == "2025-10-05"


def test_days_that_a_failed_run_asked_for_are_asked_for_again() -> None:
    with serving(pages := Pages(1, day="2025-10-13")) as server:
        run_of(server)
        pages.odd = {0: Answer(b"", 404)}
        for day in (1, 2, 3):
            with pytest.raises(FetchError):
                run_of(server, MONDAY + day * DAY)
        pages.odd = {}
        run_of(server, MONDAY + 4 * DAY)
    assert asked(server)[-1] == "2025-10-12"


def test_a_run_that_has_used_up_its_time_goes_on_next_time() -> None:
    with serving(Pages(3, day="2025-10-13")) as server:
        run = run_of(server, budget=dt.timedelta(0))
        assert (run.status, run.cursor, run.new) == ("ok", "page 1", 3)
        run_of(server, MONDAY + HOUR, budget=dt.timedelta(0))
        run = run_of(server, MONDAY + 2 * HOUR)
        assert (run.status, run.cursor, run.new) == ("ok", "", 3)
        server.asked.clear()
        run_of(server, MONDAY + DAY)
    assert asked(server)[0] == "2025-10-12"


@pytest.mark.parametrize(
    "bodies",
    [
        [response(record(), token("page 0"))],
        [response(record(), token("page 1")), response(record(2), token("page 0"))],
        [response(token("page 1")), response(token("page 1"))],
    ],
)
def test_tokens_without_an_end_are_an_error(bodies: list[str]) -> None:
    pages = Pages(0)
    pages.bodies = dict(enumerate(bodies))
    with serving(pages) as server, pytest.raises(SourceFormatError, match="does not end"):
        run_of(server)
    assert len(server.asked) <= 3


def test_two_runs_of_one_source_at_once_are_impossible() -> None:
    nested: list[BaseException] = []

    def busy(http: Http, window: Window) -> Iterator[Found | Checkpoint]:
        with http.get({}) as file:
            file.read()
        for feed in (OAI, feeds()["arxiv-feed"]):
            with pytest.raises(BeingFetched) as error:
                fetch(feed, MONDAY, part="cs.CL", base_url=server.url)
            nested.append(error.value)
        yield Checkpoint("there")

    slow = Feed("slow", Source.ARXIV, "arXiv", "", busy, HOUR)
    with serving(Pages(1)) as server:
        fetch(slow, MONDAY, base_url=server.url)
    assert [str(error) for error in nested] == ["arXiv is being fetched by another run"] * 2
    assert SourceRun.objects.get().status == SourceRun.Status.OK


def test_a_run_that_died_is_seen_and_gone_on_with() -> None:
    dead = open_run(
        Source.ARXIV, "x", MONDAY, feed="arxiv-oai", since=TODAY - 3 * DAY, until=TODAY,
        cursor="page 1",
    )  # fmt: skip
    with serving(Pages(2)) as server:
        SourceRun.objects.filter(pk=dead.pk).update(origin=server.url)
        with pytest.raises(BeingFetched):
            run_of(server, MONDAY + LEASE - dt.timedelta(seconds=1))
        run = run_of(server, MONDAY + LEASE)
    dead.refresh_from_db()
    assert (dead.status, dead.finished_at) == ("failed", MONDAY + LEASE)
    assert dead.error.startswith("It broke off without a word")
    assert (run.since, asked(server)) == (TODAY - 3 * DAY, ["page 1"])


def test_a_run_that_was_taken_for_dead_stops() -> None:
    def stalled(http: Http, window: Window) -> Iterator[Found | Checkpoint]:
        SourceRun.objects.bury(MONDAY + DAY)
        http.get({})
        yield Checkpoint("never")

    feed = Feed("slow", Source.ARXIV, "arXiv", "http://localhost:1/", stalled, HOUR)
    with pytest.raises(TakenForDead):
        fetch(feed, MONDAY)
    run = SourceRun.objects.get()
    assert (run.status, run.finished_at) == ("failed", MONDAY + DAY)


def test_a_pause_that_the_source_asks_for_is_noted() -> None:
    with serving(pages := Pages(1)) as server:
        pages.odd = {0: Answer(b"", 503, {"Retry-After": "7200"})}
        with pytest.raises(ComeAgainLater):
            run_of(server)
    assert SourceRun.objects.get().retry_at == MONDAY + 2 * HOUR


def test_a_withdrawn_paper_reaches_nobody() -> None:
    pages = Pages(1)
    with serving(pages) as server:
        run_of(server)
        pages.bodies[0] = response(
            record(0, comments="This paper has been withdrawn by its authors"),
            '<record><header status="deleted"><identifier>oai:arXiv.org:2510.00001</identifier>'
            "<datestamp>2025-10-13</datestamp></header></record>",
            '<record><header status="deleted"><identifier>oai:arXiv.org:2510.77777</identifier>'
            "<datestamp>2025-10-13</datestamp></header></record>",
        )
        run = run_of(server, MONDAY + DAY)
        assert (run.new, run.updated, run.unchanged) == (0, 2, 1)
        assert run_of(server, MONDAY + 2 * DAY).unchanged == 3
    hidden = Paper.objects.order_by("arxiv_id").values_list("hidden", flat=True)
    assert list(hidden) == ["withdrawn", "withdrawn", ""]


def test_what_an_editor_shows_again_stays_visible() -> None:
    pages = Pages(1, size=1)
    pages.bodies[0] = response(record(0, comments="Withdrawn"))
    with serving(pages) as server:
        run_of(server)
        assert Paper.objects.get().hidden == "withdrawn"
        Paper.objects.update(hidden="")
        assert run_of(server, MONDAY + DAY).unchanged == 1
    assert Paper.objects.get().hidden == ""


def test_versions_by_number_and_by_date() -> None:
    """The first version, read again, does not come back over the second."""
    first = PaperRecord("Cups, as they were at first", TODAY, arxiv_id="2510.00001", version=1)
    second = PaperRecord(
        "Mugs", None, arxiv_id="2510.00001", submitted=TODAY - 3 * DAY, updated=TODAY
    )
    third = PaperRecord("Pots", None, arxiv_id="2510.00001", version=3)
    titles = []
    for one in (first, second, first, second, third, second, first, third):
        take_in([one], open_run(Source.ARXIV, "x", MONDAY), rejected=lambda _: None)
        titles.append(Paper.objects.get().title)
    assert titles[1:4] == ["Mugs"] * 3
    assert titles[-2:] == [titles[4]] * 2


def test_a_changed_paper_is_announced_once() -> None:
    pages = Pages(1, size=1)
    with serving(pages) as server:
        run_of(server)
        pages.bodies[0] = response(
            record(0, changed="2025-10-13", title="Mugs", updated="2025-10-12")
        )
        run = run_of(server, MONDAY + DAY)
        assert (run.new, run.updated) == (0, 1)
        assert stored() == [("2510.00000", "2025-10-06")]
        pages.bodies[0] = response(record(0, changed="2025-10-13", title="Cups, as at first"))
        assert run_of(server, MONDAY + 2 * DAY).unchanged == 1
        pages.bodies[0] = response(record(0, created="2025-10-13", title="Cup"))
        for day in (3, 4):  # nobody says that it is newer, though it is of a later day
            run_of(server, MONDAY + day * DAY)
    paper = Paper.objects.get()
    assert (paper.title, str(paper.updated)) == ("Mugs", "2025-10-12")
