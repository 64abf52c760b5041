"""Papers that readers name and that are not here: asked for at arXiv, then linked."""

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from subscriptions.flows import wanted as flow
from subscriptions.models import (
    Edition,
    Interest,
    Listing,
    Paper,
    Pick,
    SourceRun,
    Submission,
    Subscriber,
    WantedPaper,
)
from subscriptions.tasks import tick
from tests.conftest import MONDAY
from tests.replay import Answer, Query, serving

MINUTE = dt.timedelta(minutes=1)
Make = Callable[..., Any]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


@pytest.fixture(autouse=True)
def frozen(settings: Any) -> Iterator[Any]:
    settings.SOURCES = ["arxiv-oai:cs"]
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    return found


def feed(entries: str, total: int) -> bytes:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:o="http://a9.com/-/spec/opensearch/1.1/">'
        f"<o:totalResults>{total}</o:totalResults>{entries}</feed>"
    ).encode()


def entry(arxiv_id: str) -> str:
    return (
        f"<entry><id>http://arxiv.org/abs/{arxiv_id}v2</id><title>About {arxiv_id}</title>"
        "<published>2017-06-12T10:00:00Z</published><updated>2017-06-13T10:00:00Z</updated>"
        "<summary>Of cups.</summary><author><name>Eve Example</name></author>"
        '<category term="cs.CL"/></entry>'
    )


def having(*there: str) -> Callable[[str, Query], bytes]:
    """An arXiv that has these papers."""

    def answer(path: str, query: Query) -> bytes:
        found = [arxiv_id for arxiv_id in query["id_list"].split(",") if arxiv_id in there]
        return feed("".join(map(entry, found)), len(found))

    return answer


def refusing(*bad: str) -> Callable[[str, Query], Answer | bytes]:
    """An arXiv that answers nothing as long as one of these is asked for, and has all else."""

    def answer(path: str, query: Query) -> Answer | bytes:
        asked = query["id_list"].split(",")
        named = next((one for one in asked if one in bad), None)
        if named is None:
            return having(*asked)(path, query)
        wrong = (
            f"<entry><id>https://arxiv.org/api/errors#incorrect_id_format_for_{named}</id>"
            f"<summary>incorrect id format for {named}</summary></entry>"
        )
        return Answer(feed(wrong, 1), 400)

    return answer


def put_forward(reader: Subscriber, *arxiv_ids: str) -> None:
    for arxiv_id in arxiv_ids:
        Submission.objects.create(subscriber=reader, arxiv_id=arxiv_id, submitted_at=MONDAY)
    flow.want(arxiv_ids, MONDAY)


def example(reader: Subscriber, arxiv_id: str) -> Interest:
    return Interest.objects.create(
        subscriber=reader, kind=Interest.Kind.PAPER, value=arxiv_id, weight=Interest.Weight.MORE
    )


def states() -> dict[str, str]:
    return dict(WantedPaper.objects.values_list("arxiv_id", "status"))


def test_one_request_brings_them_without_a_listing(reader: Subscriber) -> None:
    put_forward(reader, "1706.03762", "math/0601001", "1706.09999")
    interest = example(reader, "1706.03762")
    flow.want_examples(reader, MONDAY)
    with serving(having("1706.03762", "math/0601001")) as server:
        flow.fetch_wanted(MONDAY, server.url)
    ((_, query),) = server.asked
    assert sorted(query["id_list"].split(",")) == ["1706.03762", "1706.09999", "math/0601001"]
    assert query["max_results"] == "100"
    assert states() == {"1706.03762": "found", "math/0601001": "found", "1706.09999": "missing"}
    assert not Listing.objects.exists()
    paper = Paper.objects.get(arxiv_id="1706.03762")
    assert (paper.title, paper.version, paper.trend) == ("About 1706.03762", 2, 0.0)
    interest.refresh_from_db()
    assert (interest.paper, interest.value, interest.weight) == (paper, "", 4)
    linked = dict(Submission.objects.values_list("arxiv_id", "paper__arxiv_id"))
    assert linked == {
        "1706.03762": "1706.03762", "math/0601001": "math/0601001", "1706.09999": None,
    }  # fmt: skip
    (run,) = SourceRun.objects.all()
    assert (run.status, run.new, run.newest_day) == ("ok", 2, None)
    assert not flow.due(MONDAY + 10 * MINUTE)


def test_it_asks_at_most_every_five_minutes(reader: Subscriber) -> None:
    with serving(having()) as server:
        for minute in range(12):
            now = MONDAY + minute * MINUTE
            put_forward(reader, f"1706.000{minute:02}")
            if flow.due(now):
                flow.fetch_wanted(now, server.url)
    assert [query["id_list"].count(",") + 1 for _, query in server.asked] == [1, 5, 5]


def test_at_most_a_hundred_at_once(reader: Subscriber) -> None:
    put_forward(reader, *(f"1706.{n:05}" for n in range(130)))
    with serving(having()) as server:
        flow.fetch_wanted(MONDAY, server.url)
        flow.fetch_wanted(MONDAY + 5 * MINUTE, server.url)
    assert [query["id_list"].count(",") + 1 for _, query in server.asked] == [100, 30]
    assert set(states().values()) == {"missing"}


def test_nobody_is_asked_for_what_nobody_wants_any_more(reader: Subscriber) -> None:
    put_forward(reader, "1706.00001", "1706.00002")
    Submission.objects.filter(arxiv_id="1706.00001").delete()
    with serving(having()) as server:
        flow.fetch_wanted(MONDAY, server.url)
        Submission.objects.all().delete()
        flow.fetch_wanted(MONDAY + 5 * MINUTE, server.url)
    assert [query["id_list"] for _, query in server.asked] == ["1706.00002"]


@pytest.mark.parametrize(
    "problem",
    [
        Answer(b"down", 503, {"Retry-After": "3600"}),
        Answer(b"no", 404),
        Answer(b"<html>Sorry</html>"),
        Answer(feed(entry("1706.00001"), 2)),
        Answer(feed("", 1)),
    ],
)
def test_where_arxiv_does_not_answer_well_they_wait(
    reader: Subscriber, problem: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    put_forward(reader, "1706.00001", "1706.00002")
    with serving(lambda path, query: problem) as server:
        flow.fetch_wanted(MONDAY, server.url)
    assert states()["1706.00002"] == "waiting"
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "subscriptions.flows.wanted"
    ]
    assert not flow.due(MONDAY + 5 * MINUTE)
    with serving(having("1706.00001", "1706.00002")) as server:
        flow.fetch_wanted(MONDAY + 2 * dt.timedelta(hours=1), server.url)
    assert set(states().values()) == {"found"}


def test_an_id_that_arxiv_does_not_understand_is_no_hindrance(reader: Subscriber) -> None:
    put_forward(reader, "cups/0601001", "1706.0000", "1706.00001")
    with serving(refusing("cups/0601001", "1706.0000")) as server:
        flow.fetch_wanted(MONDAY, server.url)
    assert len(server.asked) == 3
    assert states() == {"cups/0601001": "missing", "1706.0000": "missing", "1706.00001": "found"}


def test_it_is_not_asked_for_ever(reader: Subscriber) -> None:
    """The ids it refuses are found one by one, six at a time."""
    bad = [f"cups/060100{n}" for n in range(8)]
    put_forward(reader, *bad, "1706.00001")
    with serving(refusing(*bad)) as server:
        flow.fetch_wanted(MONDAY, server.url)
        assert len(server.asked) == 6
        assert not flow.due(MONDAY + 5 * MINUTE), "it failed, and rests"
        flow.fetch_wanted(MONDAY + 31 * MINUTE, server.url)
    assert len(server.asked) == 9
    assert states() == dict.fromkeys(bad, "missing") | {"1706.00001": "found"}


def test_without_sources_they_wait_silently(
    reader: Subscriber, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SOURCES = ["none"]
    put_forward(reader, "1706.00001")
    assert not flow.due(MONDAY)
    with serving(having("1706.00001")) as server:
        flow.fetch_wanted(MONDAY, server.url)
    assert not server.asked and states() == {"1706.00001": "waiting"}
    assert not caplog.records and not SourceRun.objects.exists()


@pytest.mark.parametrize("state", ["waiting", "missing"])
def test_what_comes_another_way_is_linked_by_the_tick(
    reader: Subscriber, tmp_path: Any, settings: Any, state: str
) -> None:
    settings.SOURCES = ["none"]
    put_forward(reader, "1706.00001")
    interest = example(reader, "1706.00001")
    WantedPaper.objects.update(status=state)
    file = tmp_path / "more.jsonl"
    file.write_text('{"arxiv_id": "1706.00001", "title": "Cups"}\n')
    call_command("import_papers", "--format=jsonl", str(file), verbosity=0)
    tick.delay()
    paper = Paper.objects.get()
    interest.refresh_from_db()
    assert interest.paper == paper == Submission.objects.get().paper
    assert states() == {"1706.00001": "found"}


def test_an_example_that_a_reader_has_twice_becomes_one(
    reader: Subscriber, make_reader: Make, make_paper: Make
) -> None:
    paper = make_paper("Cups", arxiv_id="1706.00001")
    kept = Interest.objects.create(subscriber=reader, kind="paper", paper=paper)
    example(reader, "1706.00001")
    other = example(make_reader("eve@example.org", phrases=("x",)), "1706.00001")
    WantedPaper.objects.create(arxiv_id="1706.00001", asked_at=MONDAY)
    flow.fetch_wanted(MONDAY)
    assert list(reader.interests.filter(kind="paper")) == [kept]
    other.refresh_from_db()
    assert other.paper == paper


def test_what_is_missing_is_asked_for_again_after_a_week(reader: Subscriber) -> None:
    put_forward(reader, "1706.00001")
    with serving(having()) as server:
        flow.fetch_wanted(MONDAY, server.url)
    flow.want(["1706.00001"], MONDAY + dt.timedelta(days=6))
    assert states() == {"1706.00001": "missing"}
    flow.want(["1706.00001"], MONDAY + dt.timedelta(days=7))
    assert states() == {"1706.00001": "waiting"}
    WantedPaper.objects.update(status="found")
    flow.want(["1706.00001"], MONDAY)
    assert states() == {"1706.00001": "waiting"}, "somebody saw that it is not here"


def test_while_arxiv_is_being_fetched_they_wait(reader: Subscriber) -> None:
    put_forward(reader, "1706.00001")
    SourceRun.objects.create(
        source="arxiv", feed="arxiv-oai", origin="x", started_at=MONDAY,
        expires_at=MONDAY + 15 * MINUTE,
    )  # fmt: skip
    with serving(having("1706.00001")) as server:
        flow.fetch_wanted(MONDAY, server.url)
        assert not server.asked and states() == {"1706.00001": "waiting"}
        SourceRun.objects.update(status="ok", finished_at=MONDAY, expires_at=None)
        flow.fetch_wanted(MONDAY + MINUTE, server.url)
    assert states() == {"1706.00001": "found"}


def test_a_pick_waits_for_its_paper_and_goes_out_with_the_next_day_that_can() -> None:
    Edition.objects.roll(MONDAY)
    today, day = MONDAY.date(), dt.timedelta(days=1)
    for arxiv_id, pick_day in (
        ("1706.00001", today + 2 * day),
        ("1706.00002", today - day),
        ("1706.00003", today - 30 * day),
        ("1706.00004", today),
    ):
        flow.want_pick(arxiv_id, pick_day, MONDAY)
    assert flow.due(MONDAY)
    with serving(having("1706.00001", "1706.00002", "1706.00003")) as server:
        flow.fetch_wanted(MONDAY, server.url)
    picks = Pick.objects.order_by("paper__arxiv_id").values_list("paper__arxiv_id", "day")
    assert dict(picks) == {
        "1706.00001": today + 2 * day, "1706.00002": today, "1706.00003": today,
    }, "a day that is released, or over for long, has none any more"  # fmt: skip
    assert states()["1706.00004"] == "missing"
    assert [one.arxiv_id for one in WantedPaper.objects.exclude(pick_day=None)] == ["1706.00004"]
    flow.want_pick("1706.00004", today, MONDAY + 5 * MINUTE)
    assert states()["1706.00004"] == "waiting", "an editor may ask again at once"
    assert flow.forget_pick("1706.00004") and not flow.due(MONDAY + 10 * MINUTE)


def test_a_hidden_paper_is_picked_when_an_editor_shows_it(make_paper: Make) -> None:
    Edition.objects.roll(MONDAY)
    paper = make_paper("Cups", arxiv_id="1706.00001", hidden="withdrawn")
    flow.want_pick("1706.00001", MONDAY.date(), MONDAY)
    flow.fetch_wanted(MONDAY)
    assert states() == {"1706.00001": "found"} and not flow.due(MONDAY)
    Paper.objects.update(hidden="")
    assert flow.due(MONDAY)
    flow.fetch_wanted(MONDAY)
    assert (Pick.objects.get().paper, flow.due(MONDAY)) == (paper, False)
