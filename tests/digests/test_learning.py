"""What readers say of papers changes the next digest, for the interest that brought them."""

import datetime as dt

import pytest

from subscriptions.digests import interests, scored, shelf
from subscriptions.digests.select import Chosen, Request, select
from subscriptions.matching import MUCH
from subscriptions.models import Feedback, Interest, Paper, Subscriber
from tests.digests.week import WEEK, Make, items_of

BEFORE = dt.date(2025, 9, 20)
SAID = dt.datetime(2025, 9, 21, tzinfo=dt.UTC)
Verdict = Feedback.Verdict


def paper_about(make_paper: Make, kind: str, number: int, **fields: object) -> Paper:
    abstract = {
        "grasp": "A gripper with soft fingers grasps wet cups by touch.",
        "walk": "Four legs walk over rubble and climb stairs outdoors.",
    }[kind]
    # Each is a paper of its own.
    abstract += " ".join(f"Trial{number}{kind} of material{number}{kind}{n}." for n in range(12))
    paper: Paper = make_paper(f"Robots that {kind}, part {number}", abstract=abstract, **fields)
    return paper


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    reader: Subscriber = make_reader(phrases=("robots",))
    return reader


@pytest.fixture
def week(make_paper: Make) -> list[Paper]:
    """Five papers of each kind by turns, and many about something else."""
    for n in range(30):
        make_paper(f"Rivers in spring {n}", abstract=f"Silt and flow at gauge {n}.")
    return [paper_about(make_paper, kind, n) for n in range(5) for kind in ("grasp", "walk")]


def say(reader: Subscriber, paper: Paper, verdict: Verdict) -> None:
    interest = reader.interests.get()
    Feedback.objects.create(
        subscriber=reader, paper=paper, interest=interest, verdict=verdict, given_at=SAID
    )


def matches(reader: Subscriber) -> list[str]:
    found = (item["paper"] for item in items_of(reader) if item["section"] == "matches")
    return [Paper.objects.get(pk=pk).title.split(",")[0] for pk in found]


@pytest.mark.parametrize("verdict", [Verdict.MORE, Verdict.SAVE])
@pytest.mark.parametrize("kind", ["grasp", "walk"])
def test_a_liked_paper_brings_its_like_first(
    reader: Subscriber, week: list[Paper], make_paper: Make, verdict: Verdict, kind: str
) -> None:
    say(reader, paper_about(make_paper, kind, 90, day=BEFORE), verdict)
    assert matches(reader)[:3] == [f"Robots that {kind}"] * 3


@pytest.mark.parametrize("kind", ["grasp", "walk"])
def test_a_disliked_paper_brings_its_like_last(
    reader: Subscriber, week: list[Paper], make_paper: Make, kind: str
) -> None:
    other = "walk" if kind == "grasp" else "grasp"
    say(reader, paper_about(make_paper, other, 90, day=BEFORE), Verdict.MORE)
    say(reader, paper_about(make_paper, kind, 91, day=BEFORE), Verdict.LESS)
    assert matches(reader)[:3] == [f"Robots that {other}"] * 3


@pytest.mark.parametrize("kind", ["grasp", "walk"])
def test_a_dislike_alone_puts_its_like_last(
    reader: Subscriber, week: list[Paper], make_paper: Make, kind: str
) -> None:
    say(reader, paper_about(make_paper, kind, 91, day=BEFORE), Verdict.LESS)
    found, other = matches(reader), "walk" if kind == "grasp" else "grasp"
    assert found[:5] == [f"Robots that {other}"] * 5
    assert len(found) > 5, "it is the reader's own phrase"


def test_who_saved_a_paper_and_wants_less_like_it_is_taken_at_their_word(
    reader: Subscriber, week: list[Paper], make_paper: Make
) -> None:
    paper = paper_about(make_paper, "walk", 90, day=BEFORE)
    say(reader, paper_about(make_paper, "grasp", 91, day=BEFORE), Verdict.MORE)
    say(reader, paper, Verdict.SAVE)
    say(reader, paper, Verdict.LESS)
    assert matches(reader)[:3] == ["Robots that grasp"] * 3


def test_an_author_stays_the_only_one_whatever_is_liked(
    make_reader: Make, week: list[Paper], make_paper: Make
) -> None:
    reader = make_reader(phrases=("unheard of",))
    reader.interests.all().delete()
    Interest.objects.create(subscriber=reader, kind="author", value="Ada Rook")
    say(reader, paper_about(make_paper, "grasp", 90, day=BEFORE), Verdict.MORE)
    mine = make_paper("Tides", authors=["Ada Rook"])
    assert [i["paper"] for i in items_of(reader) if i["section"] == "matches"] == [mine.pk]


def test_it_teaches_nobody_else(
    reader: Subscriber, week: list[Paper], make_reader: Make, make_paper: Make
) -> None:
    other = make_reader("bo@example.org", phrases=("robots",))
    before = matches(other)
    say(reader, paper_about(make_paper, "walk", 90, day=BEFORE), Verdict.MORE)
    assert matches(other) == before


def test_in_how_many_turns_readers_are_scored_changes_nothing(
    reader: Subscriber, week: list[Paper], make_reader: Make, make_paper: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    readers = [reader, make_reader("bo@example.org", phrases=("robots",))]
    for n, each in enumerate(readers):
        for verdict, kind in ((Verdict.MORE, "grasp"), (Verdict.LESS, "walk")):
            say(each, paper_about(make_paper, kind, 90 + n, day=BEFORE), verdict)

    def found() -> dict[int, Chosen]:
        return select([Request(each, WEEK) for each in readers])

    together = found()
    assert all(chosen.items for chosen in together.values())
    monkeypatch.setattr(scored, "SPOKEN_OF", 1)
    monkeypatch.setattr(shelf, "MUCH", MUCH._replace(papers=1))
    assert found() == together


def test_what_was_said_last_counts(
    reader: Subscriber, week: list[Paper], make_paper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interests, "NEWEST", 1)
    say(reader, paper_about(make_paper, "grasp", 90, day=BEFORE), Verdict.MORE)
    say(reader, paper_about(make_paper, "walk", 91, day=BEFORE), Verdict.MORE)
    assert matches(reader)[:3] == ["Robots that walk"] * 3
