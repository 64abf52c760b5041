"""The whole account of one paper for one reader, by the command."""

import datetime as dt
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from subscriptions.models import Delivery, Feedback, Paper, Pick, Subscriber
from tests.digests.week import Make

NOW = "2025-10-12T12:00:00Z"
THEN = dt.datetime(2025, 10, 1, tzinfo=dt.UTC)
SUNDAY = dt.date(2025, 10, 12)


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robot arms",), muted=("ads",))
    return found


@pytest.fixture
def arms(make_paper: Make) -> Paper:
    for n in range(40):
        make_paper(f"Rivers in spring {n}", abstract=f"Silt and flow at gauge {n}.")
    found: Paper = make_paper("Robot arms that fold towels", abstract="Two arms, one towel.")
    return found


def why(paper: Paper | str, email: str = "Ada@Example.org") -> str:
    out = StringIO()
    number = paper if isinstance(paper, str) else str(paper.arxiv_id)
    call_command("why", email, number, f"--now={NOW}", stdout=out)
    return out.getvalue()


def test_the_parts_of_a_grade_make_the_grade(reader: Subscriber, arms: Paper) -> None:
    said = why(arms)
    assert said.startswith(
        "Robot arms that fold towels\nFor the digest of 2025-10-06 to 2025-10-12"
    )
    assert "robot arms (weight 2): grade" in said
    assert "a match: Your phrase “robot arms”" in said
    assert "It will be in it: number 1, under “For you”, because: Your phrase" in said
    grade = float(re.findall(r"grade (-?[\d.]+)", said)[0])
    parts = [float(high) for high in re.findall(r"^    [a-z ]+?(-?[\d.]+)$", said, re.MULTILINE)]
    assert grade == pytest.approx(sum(parts) / len(parts), abs=0.1)


def test_what_was_liked_is_part_of_it(reader: Subscriber, arms: Paper, make_paper: Make) -> None:
    assert "liked papers" not in why(arms)
    Feedback.objects.create(
        subscriber=reader, paper=make_paper("Arms and towels", day=dt.date(2025, 9, 1)),
        verdict="more", interest=reader.interests.get(weight=2), given_at=THEN,
    )  # fmt: skip
    assert "words of liked papers" in why(arms)


def test_what_is_against_a_paper_is_said(reader: Subscriber, arms: Paper, make_paper: Make) -> None:
    sent = make_paper("Robot arms again")
    Delivery.objects.create(
        subscriber=reader, first_day=SUNDAY, newest_day=SUNDAY, status="sent",
        items=[{"paper": sent.pk, "section": "matches", "reason": ""}],
        created_at=THEN, sent_at=THEN,
    )  # fmt: skip
    for paper, reason in (
        (make_paper("Robot arms in ads"), "the muted phrase “ads” stands in it"),
        (
            make_paper("Robot arms of old", day=dt.date(2025, 9, 1)),
            "listed on 2025-09-01, on none",
        ),
        (make_paper("Robot arms unseen", hidden=Paper.Hidden.DUPLICATE), "it is hidden: duplicate"),
        (sent, "it was in the digest up to 2025-10-12"),
    ):
        said = why(paper)
        assert reason in said
        assert said.endswith("It will not be in it.\n")


def test_what_matches_nothing_and_what_others_outdo(
    reader: Subscriber, arms: Paper, make_paper: Make
) -> None:
    river = Paper.objects.get(title="Rivers in spring 7")
    assert "robot arms (weight 2): grade" in why(river)
    assert "no match" in why(river)
    papers = [make_paper(f"Robot arms {n}", votes=9) for n in range(12)]
    assert "others stand higher" in why(papers[-1])


def test_a_picked_paper_that_no_source_listed(reader: Subscriber, make_paper: Make) -> None:
    paper = make_paper("Tides", day=dt.date(2025, 9, 1))
    Pick.objects.create(paper=paper, day=dt.date(2025, 10, 8))
    said = why(paper)
    assert "it is listed" not in said
    assert "number 1, under “Editors’ picks”" in said


def test_a_daily_readers_account_is_by_the_papers_that_theirs_are_chosen_from(
    make_reader: Make, arms: Paper, make_paper: Make
) -> None:
    """The past begins a week before their digest's last day, whatever it covers."""
    daily = make_reader("bo@example.org", phrases=("robot arms",))
    weekly = make_reader("cy@example.org", phrases=("robot arms",))
    Subscriber.objects.filter(pk=daily.pk).update(covered_until=dt.date(2025, 10, 9))
    for n in range(250):
        make_paper(f"Robot arms of old {n}", day=dt.date(2025, 10, 8))
    grades = [re.findall(r"grade (-?[\d.]+)", why(arms, r.email)) for r in (daily, weekly)]
    assert grades[0] == grades[1]


def test_the_id_may_be_an_address_with_a_version(reader: Subscriber, arms: Paper) -> None:
    assert why(f"https://arxiv.org/abs/{arms.arxiv_id}v2") == why(arms)


@pytest.mark.parametrize(
    ("email", "paper", "message"),
    [
        ("bo@example.org", "2510.00001", "nobody has signed up with this address"),
        ("ada@example.org", "2501.99999", "there is no paper 2501.99999"),
        ("ada@example.org", "robots", "'robots' is no arXiv id; one is like 2310.01234"),
    ],
)
def test_who_or_what_is_not_known(
    reader: Subscriber, arms: Paper, email: str, paper: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        why(paper, email)


def test_a_paper_that_is_nearly_the_same_as_another(
    reader: Subscriber, arms: Paper, make_paper: Make
) -> None:
    twin = make_paper("Robot arms which fold the towels", abstract="Two arms, one towel.")
    told = why(arms) + why(twin)
    assert told.count("It will be in it") == 1
    assert told.count("too much beside “Robot arms") == 1
