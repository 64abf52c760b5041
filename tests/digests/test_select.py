import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.digests.select import Request, select
from subscriptions.models import (
    Delivery,
    Interest,
    Item,
    Listing,
    Paper,
    Pick,
    Source,
    Subscriber,
    Topic,
)

WEEK = tuple(dt.date(2025, 10, 6) + dt.timedelta(days=n) for n in range(7))
FRIDAY = WEEK[4]

Make = Callable[..., Any]


def items_of(reader: Subscriber, days: tuple[dt.date, ...] = WEEK) -> list[Item]:
    return select([Request(reader, days)])[reader.pk]


def titles(items: list[Item], section: str | None = None) -> list[str]:
    names = dict(Paper.objects.values_list("pk", "title"))
    return [names[item["paper"]] for item in items if section in (None, item["section"])]


@pytest.fixture
def robots(make_paper: Make) -> list[Paper]:
    """Six papers a robotics reader wants, and six nobody asked for."""
    wanted = [
        make_paper(
            f"Robot manipulation with vision-language-action policies, part {n}",
            abstract="We train sim-to-real dexterous manipulation on teleoperation data.",
        )
        for n in range(6)
    ]
    for n in range(6):
        make_paper(f"On the zeros of L-functions, part {n}", abstract="We bound their height.")
    return wanted


def test_matches_carry_a_reason_in_the_readers_words(
    make_reader: Make, robots: list[Paper], topics: dict[str, Topic]
) -> None:
    reader = make_reader(topics=(topics["robotics"].pk,), phrases=("teleoperation",))
    items = items_of(reader)
    assert {item["paper"] for item in items} == {paper.pk for paper in robots}
    reasons = {item["reason"] for item in items}
    assert any(reason.startswith("You follow Robotics: “") for reason in reasons)
    assert "Your phrase “teleoperation”" in reasons
    interests = set(reader.interests.values_list("pk", flat=True))
    assert {item["interest"] for item in items} == interests


def test_every_kind_of_interest_brings_papers(make_reader: Make, make_paper: Make) -> None:
    by_author = make_paper("Tides", authors=["Aïda Núñez-Rey", "Bo Chen"])
    by_category = make_paper("Knots", categories=["math.GT"])
    example = make_paper(
        "Spiking networks on neuromorphic chips", day=dt.date(2025, 9, 1),
        abstract="Event cameras and spiking networks save energy.",
    )  # fmt: skip
    like = make_paper("Energy of spiking networks", abstract="Neuromorphic chips save energy.")
    reader = make_reader(phrases=("unheard of",))
    for fields in (
        {"kind": "author", "value": "A. Nunez-Rey"},
        {"kind": "category", "value": "math.GT"},
        {"kind": "paper", "paper": example},
    ):
        Interest.objects.create(subscriber=reader, **fields)
    reasons = {item["paper"]: item["reason"] for item in items_of(reader)}
    assert reasons[by_author.pk] == "By A. Nunez-Rey, whom you follow"
    assert reasons[by_category.pk] == "New in math.GT, which you follow"
    assert reasons[like.pk].startswith("Like “Spiking networks on neuromorphic chips”: “")


def test_muted_phrases_keep_papers_away_from_every_section(
    make_reader: Make, make_paper: Make
) -> None:
    make_paper("Click-through rates at scale", votes=90)
    picked = make_paper("Rate of click-throughs in ads")
    Pick.objects.create(paper=picked, day=FRIDAY)
    make_paper("A click through the rates of a river", votes=80)
    reader = make_reader(phrases=("rates",), muted=("click-through rate",))
    assert titles(items_of(reader)) == [picked.title, "A click through the rates of a river"]


def test_picks_are_for_everyone_or_for_the_followers_of_their_topics(
    make_reader: Make, make_paper: Make, topics: dict[str, Topic]
) -> None:
    for_all, for_some, later = make_paper("For all"), make_paper("For some"), make_paper("Later")
    Pick.objects.create(paper=for_all, day=FRIDAY, position=1)
    Pick.objects.create(paper=for_some, day=FRIDAY).topics.add(topics["robotics"])
    Pick.objects.create(paper=later, day=FRIDAY + dt.timedelta(days=7))
    follower = make_reader("f@example.org", topics=(topics["robotics"].pk,))
    other = make_reader("o@example.org", topics=(topics["cosmology"].pk,))
    assert titles(items_of(follower), "picks") == ["For some", "For all"]
    assert titles(items_of(other), "picks") == ["For all"]


def test_of_many_picks_the_newest_go_out(make_reader: Make, make_paper: Make) -> None:
    for n in range(6):
        Pick.objects.create(paper=make_paper(f"Pick {n}"), day=WEEK[n])
    picked = titles(items_of(make_reader(phrases=("x",))), "picks")
    assert picked == [f"Pick {n}" for n in range(1, 6)]


def test_a_poor_week_brings_picks_and_trending_and_no_empty_mail(
    make_reader: Make, make_paper: Make
) -> None:
    for votes in (3, 30, 0):
        make_paper(f"Paper with {votes} votes", votes=votes)
    reader = make_reader(phrases=("nothing like it",))
    items = items_of(reader)
    assert titles(items) == ["Paper with 30 votes", "Paper with 3 votes"]
    assert [item["reason"] for item in items] == ["30 upvotes so far", "3 upvotes so far"]


def test_without_votes_the_newest_papers_come_rather_than_nothing(
    make_reader: Make, make_paper: Make
) -> None:
    make_paper("Old", day=WEEK[0])
    make_paper("New", day=FRIDAY)
    reader = make_reader(phrases=("nothing like it",))
    assert titles(items_of(reader), "trending") == ["New", "Old"]


def test_no_papers_at_all_is_an_empty_selection(make_reader: Make) -> None:
    assert items_of(make_reader(phrases=("x",))) == []


def test_only_papers_of_the_covered_days(make_reader: Make, make_paper: Make) -> None:
    make_paper("Robot arms before", day=WEEK[0])
    make_paper("Robot arms now", day=FRIDAY)
    make_paper("Robot arms hidden", day=FRIDAY, hidden=Paper.Hidden.WITHDRAWN)
    daily = make_reader("d@example.org", phrases=("robot arms",))
    weekly = make_reader("w@example.org", phrases=("robot arms",))
    found = select([Request(daily, (FRIDAY,)), Request(weekly, WEEK)])
    assert titles(found[daily.pk]) == ["Robot arms now"]
    assert sorted(titles(found[weekly.pk])) == ["Robot arms before", "Robot arms now"]


def test_nothing_is_sent_twice_even_if_listed_anew_after_long(
    make_reader: Make, make_paper: Make
) -> None:
    reader = make_reader(phrases=("robot arms",))
    old = make_paper("Robot arms", day=dt.date(2025, 3, 3))
    sent = {"first_day": dt.date(2025, 3, 3), "newest_day": dt.date(2025, 3, 3)}
    delivery = Delivery.objects.create(
        subscriber=reader, items=[{"paper": old.pk, "section": "matches", "reason": ""}],
        created_at=dt.datetime(2025, 3, 4, tzinfo=dt.UTC), **sent,
    )  # fmt: skip
    Listing.objects.create(paper=old, source=Source.ARXIV, announced=FRIDAY, day=FRIDAY)
    Pick.objects.create(paper=old, day=FRIDAY)
    assert items_of(reader) == []
    # What was queued but never sent does not count as had.
    Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.SKIPPED)
    assert titles(items_of(reader)) == ["Robot arms"]


def test_a_full_week_is_ten_papers_shared_between_interests(
    make_reader: Make, make_paper: Make, topics: dict[str, Topic]
) -> None:
    for n in range(30):
        make_paper(f"Text-to-video diffusion for video generation {n}", votes=n)
    for n in range(3):
        make_paper(f"Cosmic microwave background and dark energy {n}")
    reader = make_reader(topics=(topics["video-generation"].pk, topics["cosmology"].pk))
    items = items_of(reader)
    assert len(items) == reader.max_papers
    assert len(titles(items, "trending")) == 2
    assert sum("Cosmic" in title for title in titles(items, "matches")) == 3
    assert items == items_of(reader)


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
    assert queries(30) == few <= 9


def listed_again(paper: Paper, day: dt.date) -> None:
    Listing.objects.create(paper=paper, source=Source.ARXIV, announced=day, day=day)


def sent(reader: Subscriber, papers: list[Paper], day: dt.date, status: str = "sent") -> Delivery:
    at = dt.datetime.combine(day, dt.time(), dt.UTC)
    items = [{"paper": paper.pk, "section": "matches", "reason": "x"} for paper in papers]
    return Delivery.objects.create(
        subscriber=reader, first_day=day, newest_day=day, items=items, status=status,
        created_at=at, sent_at=at if status == "sent" else None,
    )  # fmt: skip


LONG_AGO = WEEK[0] - dt.timedelta(days=60)


def test_a_paper_listed_anew_after_long_is_not_sent_twice(
    make_reader: Make, make_paper: Make
) -> None:
    old = [make_paper(f"Robot arms, part {n}", day=LONG_AGO) for n in range(9)]
    for paper in old:
        listed_again(paper, FRIDAY)
    fresh = [make_paper(f"Robot arms anew, part {n}") for n in range(4)]
    had_seven, had_none, skipped = (
        make_reader(f"{name}@example.org", phrases=("robot arms",)) for name in "abc"
    )
    sent(had_seven, old[:3], LONG_AGO)
    sent(had_seven, old[3:7], LONG_AGO + dt.timedelta(days=7))
    sent(skipped, old, LONG_AGO, status="skipped")
    with CaptureQueriesContext(connection) as queries:
        found = select([Request(reader, WEEK) for reader in (had_seven, had_none, skipped)])
    pks = {reader: {item["paper"] for item in items} for reader, items in found.items()}
    assert pks[had_seven.pk] == {paper.pk for paper in [*old[7:], *fresh]}
    assert len(pks[had_none.pk]) == len(pks[skipped.pk]) == 10
    exact = [q for q in queries if '"newest_day" <' in q["sql"]]
    assert len(exact) == 1, "one look-up for all readers together"


def test_what_was_had_lately_is_known_without_the_exact_look_up(
    make_reader: Make, make_paper: Make
) -> None:
    papers = [make_paper(f"Robot arms, part {n}", day=WEEK[0]) for n in range(3)]
    reader = make_reader(phrases=("robot arms",))
    sent(reader, papers[:1], WEEK[0])
    with CaptureQueriesContext(connection) as queries:
        assert titles(items_of(reader)) == ["Robot arms, part 1", "Robot arms, part 2"]
    deliveries = [q for q in queries if 'FROM "subscriptions_delivery"' in q["sql"]]
    assert len(deliveries) == 1


@pytest.mark.parametrize(("size", "picks", "trending"), [(5, 2, 1), (10, 5, 2), (30, 15, 6)])
def test_a_digest_has_as_many_papers_as_its_reader_wants(
    make_reader: Make, make_paper: Make, size: int, picks: int, trending: int
) -> None:
    for n in range(20):
        Pick.objects.create(paper=make_paper(f"Picked {n}"), day=FRIDAY, position=n)
    for n in range(40):
        make_paper(f"Robot arms, part {n}", votes=n)
    reader = make_reader(phrases=("robot arms",))
    reader.max_papers = size
    items = items_of(reader)
    assert len(items) == size
    assert [len(titles(items, section)) for section in ("picks", "trending")] == [picks, trending]


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        (["picks"], {"matches": 8, "trending": 2}),
        (["matches"], {"picks": 3, "trending": 7}),
        (["trending"], {"picks": 3, "matches": 7}),
        (["picks", "trending"], {"matches": 10}),
        (["picks", "matches"], {"trending": 10}),
        (["picks", "matches", "trending"], {}),
    ],
)
def test_a_section_that_is_off_leaves_its_room_to_the_others(
    make_reader: Make, make_paper: Make, off: list[str], expected: dict[str, int]
) -> None:
    for n in range(3):
        Pick.objects.create(paper=make_paper(f"Picked {n}"), day=FRIDAY, position=n)
    for n in range(20):
        make_paper(f"Robot arms, part {n}", votes=1 + n)
    reader = make_reader(phrases=("robot arms",))
    reader.sections_off = off
    assert Counter(item["section"] for item in items_of(reader)) == expected


def test_chunks_of_one_tick_share_what_they_choose_from(
    make_reader: Make, make_paper: Make
) -> None:
    make_paper("Robot arms")
    readers = [
        make_reader(f"r{n}@example.org", phrases=(phrase,))
        for n, phrase in enumerate(["robot arms", "rivers"])
    ]
    tick = dt.datetime(2025, 10, 13, tzinfo=dt.UTC)

    def chosen(reader: Subscriber, as_of: dt.datetime) -> list[str]:
        return titles(select([Request(reader, WEEK)], as_of=as_of)[reader.pk], "matches")

    assert chosen(readers[0], tick) == ["Robot arms"]
    make_paper("Of rivers")
    with CaptureQueriesContext(connection) as queries:
        assert chosen(readers[1], tick) == [], "as it was when the tick began"
    assert len(queries) <= 4
    assert chosen(readers[1], tick + dt.timedelta(minutes=1)) == ["Of rivers"]
