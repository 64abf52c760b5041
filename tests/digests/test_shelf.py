"""What many selections share, and that sharing it changes nothing."""

import datetime as dt
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.digests import select as selection
from subscriptions.digests import shelf as shelf_of
from subscriptions.digests.select import Chosen, Request, select
from subscriptions.matching import MUCH
from subscriptions.models import Pick, Subscriber, Topic
from tests.digests.week import FRIDAY, WEEK, Make, titles

TICK = dt.datetime(2025, 10, 13, tzinfo=dt.UTC)


def test_the_number_of_queries_does_not_grow(
    make_reader: Make, make_paper: Make, topics: dict[str, Topic]
) -> None:
    def queries(count: int) -> int:
        readers = [
            make_reader(
                f"r{count}-{n}@example.org", topics=(topics["robotics"].pk,), muted=("ads",)
            )
            for n in range(count)
        ]
        with CaptureQueriesContext(connection) as captured:
            select([Request(reader, WEEK) for reader in readers])
        return len(captured)

    Pick.objects.create(paper=make_paper("Robot arms", votes=3), day=FRIDAY)
    few = queries(2)
    for n in range(40):
        paper = make_paper(f"Robot manipulation {n}", votes=n)
        if n < 5:
            Pick.objects.create(paper=paper, day=FRIDAY).topics.add(topics["robotics"])
    assert queries(30) == few <= 10


def test_chunks_of_one_tick_share_what_they_choose_from(
    make_reader: Make, make_paper: Make
) -> None:
    make_paper("Robot arms")
    readers = [
        make_reader(f"r{n}@example.org", phrases=(phrase,))
        for n, phrase in enumerate(["robot arms", "rivers"])
    ]

    def chosen(reader: Subscriber, as_of: dt.datetime) -> list[str]:
        return titles(select([Request(reader, WEEK)], as_of=as_of)[reader.pk].items, "matches")

    assert chosen(readers[0], TICK) == ["Robot arms"]
    make_paper("Of rivers")
    with CaptureQueriesContext(connection) as queries:
        assert chosen(readers[1], TICK) == [], "as it was when the tick began"
    assert len(queries) <= 5
    assert chosen(readers[1], TICK + dt.timedelta(minutes=1)) == ["Of rivers"]


def test_daily_and_weekly_readers_share_them(make_reader: Make, make_paper: Make) -> None:
    make_paper("Robot arms")
    weekly, daily = (make_reader(f"{name}@example.org", phrases=("arms",)) for name in "wd")
    select([Request(weekly, WEEK)], as_of=TICK)
    with CaptureQueriesContext(connection) as queries:
        select([Request(daily, WEEK[-1:])], as_of=TICK)
    assert not [query for query in queries if 'FROM "subscriptions_listing"' in query["sql"]]


@pytest.fixture
def readers(make_reader: Make, make_paper: Make, topics: dict[str, Topic]) -> list[Subscriber]:
    """Readers of much alike, each with phrases of their own."""
    words = ["robot", "arms", "grasp", "cups", "learn", "touch"]
    for n, pair in enumerate(permutations(words, 2)):
        make_paper(f"Of {pair[0]} and {pair[1]}", abstract=f"{' '.join(words[n % 5 :])}.", votes=n)
    return [
        make_reader(
            f"r{n}@example.org",
            topics=(topics["robotics"].pk,),
            phrases=(words[n], f"{words[n]} and {words[n - 1]}"),
            muted=(f"{words[n - 2]} and {words[n - 3]}",),
        )
        for n in range(len(words))
    ]


def one_by_one(readers: list[Subscriber], as_of: dt.datetime | None) -> dict[int, Chosen]:
    return {
        pk: chosen
        for reader in readers
        for pk, chosen in select([Request(reader, WEEK)], as_of=as_of).items()
    }


def test_who_else_is_chosen_for_changes_nothing(readers: list[Subscriber]) -> None:
    together = select([Request(reader, WEEK) for reader in readers])
    assert all(len(chosen.items) >= 5 for chosen in together.values())
    assert one_by_one(readers, None) == together
    assert one_by_one(readers[::-1], TICK) == together


@pytest.mark.parametrize(
    ("bound", "most"),
    [("queries", 2), ("matches", 30), ("reasons", 7), ("phrases", 3), ("texts", 3)],
)
def test_what_is_kept_is_bounded_and_made_anew(
    readers: list[Subscriber], monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    before = one_by_one(readers, None)
    monkeypatch.setattr(shelf_of, "MUCH", MUCH._replace(**{bound: most}))
    for reader in readers * 2:
        assert select([Request(reader, WEEK)], as_of=TICK) == {reader.pk: before[reader.pk]}
        assert selection._kept is not None
        shelf = selection._kept[1]
        kept = shelf.scored
        sizes = {
            "queries": len(kept._shared) + len(kept._muted) - 4,
            "matches": kept._matches - 4 * len(shelf.papers),
            "reasons": len(kept._reasons) - 1,
            "phrases": len(kept._pool._phrases._places),
            "texts": len(kept._pool._asked._known),
        }
        assert sizes[bound] <= most, "beyond what one reader adds"
