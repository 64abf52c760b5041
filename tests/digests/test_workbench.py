"""What an edited topic brings of thirty days, and the papers that are kept for asking."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection

from subscriptions.digests import workbench
from subscriptions.digests.workbench import Bench, Found, Precision, Trial
from subscriptions.models import Listing, Paper, Topic
from tests.conftest import MONDAY
from tests.digests.week import Make

TODAY = MONDAY.date()
DAY = dt.timedelta(days=1)


@pytest.fixture
def papers(make_paper: Make) -> dict[str, Paper]:
    """By a word of each; today is not over, and nothing is released."""
    made = {
        "rain": make_paper("Radar sees rain", day=TODAY, categories=["physics.ao-ph"]),
        "snow": make_paper("Snow on radar", day=TODAY - 3 * DAY),
        "kites": make_paper("Kites that steer themselves", day=TODAY - 29 * DAY),
        "old": make_paper("Radar of old", day=TODAY - 30 * DAY),
        "gone": make_paper("Radar withdrawn", day=TODAY, hidden="withdrawn"),
    }
    for n in range(30):
        make_paper(f"On subject {n}", day=TODAY - n * DAY, abstract="Nothing of the kind.")
    return made


def topic(*phrases: str, description: str = "", categories: tuple[str, ...] = ()) -> Topic:
    return Topic(name="T", phrases=list(phrases), description=description, categories=categories)


def ask(look: bool = False) -> Bench:
    found = workbench.bench(look)
    assert found
    return found


def titles(found: list[Found]) -> set[str]:
    return set(
        Paper.objects.filter(pk__in=[f.paper for f in found]).values_list("title", flat=True)
    )


def test_what_came_left_and_stayed(papers: dict[str, Paper]) -> None:
    trial = ask().try_out(topic("rain", "kites"), topic("radar", "rain"))
    assert titles(trial.came) == {"Kites that steer themselves"}
    assert titles(trial.left) == {"Snow on radar"}
    assert titles(trial.stayed) == {"Radar sees rain"}
    (came,), (left,), (stayed,) = trial.came, trial.left, trial.stayed
    assert came.score > came.before and left.score < left.before
    assert (came.day, stayed.day) == (TODAY - 29 * DAY, TODAY)
    assert set(trial.edited.papers) == {papers["rain"].pk, papers["kites"].pk}
    assert trial.stored and set(trial.stored.papers) == {papers["rain"].pk, papers["snow"].pk}


def test_a_new_topic_and_one_that_says_nothing(papers: dict[str, Paper]) -> None:
    trial = ask().try_out(topic("radar"))
    assert titles(trial.came) == {"Radar sees rain", "Snow on radar"} and trial.stored is None
    assert ask().try_out(topic()).edited.papers == []
    assert len(ask().try_out(topic(categories=("physics.ao-ph",))).edited.papers) == 1


def test_it_is_told_which_words_brought_a_paper(papers: dict[str, Paper]) -> None:
    trial = ask().try_out(topic("rain", "radar"))
    told = ask().told(trial.edited.topic, trial.edited.papers)
    assert told == {papers["rain"].pk: "“rain”, “radar”", papers["snow"].pk: "“radar”"}


def test_an_edit_asks_nothing_of_the_database(
    papers: dict[str, Paper], django_assert_num_queries: Any
) -> None:
    bench = ask()
    with django_assert_num_queries(0):
        trial = bench.try_out(topic("rain", description="Weather."), topic("radar"))
        bench.told(trial.edited.topic, trial.edited.papers)


def test_precision_is_over_what_is_marked_among_what_a_version_brings(
    papers: dict[str, Paper],
) -> None:
    marks = {papers[word].pk: verdict for word, verdict in
             [("rain", "right"), ("snow", "wrong"), ("old", "wrong")]}  # fmt: skip
    trial: Trial = ask().try_out(topic("rain", "kites"), topic("radar"))
    assert trial.stored
    assert trial.edited.precision(marks) == Precision(right=1, marked=1)
    assert trial.stored.precision(marks) == Precision(right=1, marked=2)
    first = workbench.Side(trial.edited.topic, [*range(1, 13)])
    assert first.precision_of_first({10: "right", 11: "wrong"}) == Precision(right=1, marked=1)


def test_a_draft_says_what_examples_share(make_paper: Make) -> None:
    examples = [
        make_paper(f"Flash floods {n}", abstract=f"River {word} in weather radar.", day=TODAY,
                   categories=["physics.ao-ph", "cs.LG"][: 1 + n % 2])
        for n, word in enumerate(("tides", "kites", "reeds"))
    ]  # fmt: skip
    for n in range(60):
        make_paper(f"Of things {n}", abstract="We show results in all.", day=TODAY)
    drafted = ask().draft(examples)
    assert drafted.phrases[:2] == ["Flash floods", "weather radar"]
    assert drafted.categories == ["physics.ao-ph"] and drafted.pk is None


def test_the_papers_are_read_anew_only_where_some_came_and_not_while_one_edits(
    papers: dict[str, Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    before = ask(look=True)
    make_paper("Radar of tomorrow", day=TODAY + DAY)
    with django_assert_num_queries(0):
        assert ask(look=True) is before, "somebody has looked in the last ten minutes"
    monkeypatch.setattr(workbench, "LOOK_EVERY", 0)
    assert ask() is before
    after = ask(look=True)
    assert after is not before and after.last == TODAY + DAY
    assert titles(after.try_out(topic("radar")).came) == {
        "Radar sees rain", "Snow on radar", "Radar of tomorrow",
    }  # fmt: skip
    with django_assert_num_queries(2):
        assert ask(look=True) is after


def test_a_site_without_papers_brings_nothing(db: None) -> None:
    bench = ask()
    assert bench.size == 0 and bench.try_out(topic("radar"), topic("rain")).edited.papers == []
    assert not Listing.objects.exists()


def test_a_bench_that_nobody_uses_is_let_go(
    papers: dict[str, Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[float] = []
    monkeypatch.setattr(workbench, "_let_go_later", later.append)
    before = ask()
    workbench.let_go()
    assert workbench.ready() is before and len(later) == 2
    monkeypatch.setattr(workbench, "IDLE", 0)
    workbench.let_go()
    assert workbench.ready() is None


@pytest.mark.django_db(transaction=True)
def test_of_threads_that_ask_at_once_one_builds(
    papers: dict[str, Paper], monkeypatch: pytest.MonkeyPatch
) -> None:
    building, go_on, found = threading.Event(), threading.Event(), []

    def slow(first: dt.date, last: dt.date) -> Bench:
        building.set()
        go_on.wait(60)
        return Bench(first, last)

    monkeypatch.setattr(workbench, "Bench", slow)

    def build() -> None:
        found.append(workbench.bench())
        connection.close()

    thread = threading.Thread(target=build)
    thread.start()
    try:
        assert building.wait(60)
        assert workbench.bench() is None and workbench.bench(look=True) is None
    finally:
        go_on.set()
        thread.join()
    assert found[0] is not None and workbench.bench() is found[0]
