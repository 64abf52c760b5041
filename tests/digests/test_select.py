"""What a digest has in it, and why."""

import datetime as dt
from collections import Counter
from itertools import permutations

import pytest

from subscriptions.digests.interests import interests_of
from subscriptions.digests.select import Request, select, shelf_for
from subscriptions.models import Interest, Paper, Pick, Topic
from tests.digests.week import FRIDAY, WEEK, Make, items_of, titles


@pytest.fixture
def robots(make_paper: Make) -> list[Paper]:
    """Six papers a robotics reader wants, and six nobody asked for."""
    wanted = [
        make_paper(
            f"Robot manipulation with vision-language-action policies, part {n}",
            abstract="We train sim-to-real dexterous manipulation on teleoperation data"
            f" of tasks{n} from homes{n}, shops{n}, farms{n}, mines{n}, yards{n} and ports{n}.",
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


def test_an_author_whose_name_others_have_is_told_by_category(
    make_reader: Make, make_paper: Make
) -> None:
    reader = make_reader(phrases=("unheard of",))
    Interest.objects.create(subscriber=reader, kind="author", value="Wei Zhang (cs.CV, eess.IV)")
    mine = make_paper("Tides on video", authors=["W. Zhang"], categories=["cs.AI", "cs.CV"])
    make_paper("Tides at sea", authors=["Wei Zhang"], categories=["physics.ao-ph"])
    (item,) = [i for i in items_of(reader) if i["section"] == "matches"]
    assert item["paper"] == mine.pk
    assert item["reason"] == "By Wei Zhang (cs.CV, eess.IV), whom you follow"


def test_a_reason_names_the_interest_without_which_the_score_falls_most(
    make_reader: Make, make_paper: Make
) -> None:
    for n in range(30):
        make_paper(f"Rivers in spring {n}", abstract=f"Silt and flow at gauge {n}.")
    words = ["robot arms", "soft grippers", "wet cups", "touch sensing"]
    for n, (one, two) in enumerate(permutations(words, 2)):
        own = " ".join(f"Trial{n}x{k}" for k in range(9))
        make_paper(f"On {one}", abstract=f"{own} has {two}, and {two} again.")
    reader = make_reader(phrases=words)
    found = [item for item in items_of(reader) if item["section"] == "matches"]
    assert len(found) == 10

    def scores(but: int | None) -> dict[int, float]:
        """Of each paper, what the interests but one make of it together."""
        interests = [i for i in interests_of([reader.pk])[reader.pk] if i.pk != but]
        shelf = shelf_for([Request(reader, WEEK)])
        shelf.scored.score(interests)
        return {
            pk: sum(shelf.scored.ranked(interest).score(place) for interest in interests)
            for pk, place in shelf.places.items()
        }

    without = {pk: scores(pk) for pk in reader.interests.values_list("pk", flat=True)}
    for item in found:
        left = {pk: of[item["paper"]] for pk, of in without.items()}
        assert left[item["interest"]] == min(left.values()) < scores(None)[item["paper"]]
        assert reader.interests.get(pk=item["interest"]).value in item["reason"]


def test_muted_phrases_keep_papers_away_from_every_section(
    make_reader: Make, make_paper: Make
) -> None:
    make_paper("Click-through rates at scale", votes=90)
    picked = make_paper("Rate of click-throughs in ads")
    Pick.objects.create(paper=picked, day=FRIDAY)
    make_paper("A click through the rates of a river", votes=80)
    reader = make_reader(phrases=("rates",), muted=("click-through rate",))
    assert titles(items_of(reader)) == [picked.title, "A click through the rates of a river"]


def test_how_many_papers_a_muted_phrase_kept_away(make_reader: Make, make_paper: Make) -> None:
    make_paper("Robot arms in ads")
    make_paper("Robot arms for adverts in ads")
    make_paper("Ads about cars")
    make_paper("Robot arms of steel")
    make_paper("Robot arms in ads of old", day=WEEK[0] - dt.timedelta(days=1))
    reader = make_reader(phrases=("robot arms",), muted=("ads", "advert", "unheard of"))
    found = select([Request(reader, WEEK)])[reader.pk]
    assert titles(found.items, "matches") == ["Robot arms of steel"]
    assert found.kept_away == {"ads": 2, "advert": 1}


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
    assert [item["reason"] for item in items] == ["30 votes so far", "3 votes so far"]


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
    assert titles(found[daily.pk].items) == ["Robot arms now"]
    assert sorted(titles(found[weekly.pk].items)) == ["Robot arms before", "Robot arms now"]


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


@pytest.mark.parametrize("section", ["picks", "matches", "trending"])
def test_nobody_gets_one_paper_under_two_ids(
    make_reader: Make, make_paper: Make, section: str
) -> None:
    text = "Silt and flow at gauges of forty rivers in spring are measured by hand and by radar."
    twins = [
        make_paper("Rivers in spring", abstract=text, votes=9),
        make_paper("On rivers in the spring", abstract=text, votes=5),
    ]
    if section == "picks":
        Pick.objects.create(paper=twins[1], day=FRIDAY)
    reader = make_reader(phrases=("rivers" if section == "matches" else "unheard of",))
    assert [item["section"] for item in items_of(reader)] == [section]


def test_a_followed_author_in_a_category_may_have_many_papers(
    make_reader: Make, make_paper: Make
) -> None:
    for n in range(4):
        make_paper(f"Paper number{n}", authors=["Wei Zhang", "Bo Li"], categories=["cs.CV"])
    reader = make_reader(phrases=("unheard of",))
    Interest.objects.create(subscriber=reader, kind="author", value="Wei Zhang (cs.cv)")
    assert len(titles(items_of(reader), "matches")) == 4
