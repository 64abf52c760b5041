"""Why a subscriber got a paper, or did not, from what they follow to what the mail server said."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from lxml import html

from subscriptions.digests.tick import send_due
from subscriptions.models import Delivery, Edition, Interest, Paper, Pick, Subscriber, Topic
from tests.conftest import MONDAY

FRIDAY, NEXT_FRIDAY = dt.date(2025, 10, 10), dt.date(2025, 10, 17)
WEEK = dt.timedelta(days=7)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def arms(make_paper: Make) -> Paper:
    for n in range(20):
        make_paper(f"Rivers in spring {n}", abstract=f"Silt and flow at gauge {n}.")
    found: Paper = make_paper("Robot <arms>", doi="10.1234/arms", abstract="Two robot arms.")
    return found


@pytest.fixture
def reader(make_reader: Make, arms: Paper) -> Subscriber:
    """They have had Monday's digest."""
    found: Subscriber = make_reader("ada@example.org", phrases=("robot",), muted=("ads",))
    send_due(MONDAY, lambda: MONDAY)
    return found


def why(client: Client, reader: Subscriber, paper: Paper | str, **query: str) -> str:
    """The words of the page's answer, and of what is below it."""
    path = reverse("admin:subscriptions_subscriber_why", args=[reader.pk])
    named = paper if isinstance(paper, str) else str(paper.pk)
    answer = client.get(path, {"paper": named, **query})
    assert answer.status_code == 200
    page = html.fromstring(answer.content.decode()).get_element_by_id("content")
    return " ".join(" ".join(page.itertext()).split())


def test_the_chain_of_a_paper_they_got(
    admin_client: Client, reader: Subscriber, arms: Paper
) -> None:
    said = why(admin_client, reader, arms)
    for part in (
        "It was number 1 of their digest of Oct. 6, 2025 to Oct. 10, 2025, under “For you”",
        "because: Your phrase “robot”",
        "asked on Oct. 12, 2025, 9 a.m. UTC (wording 2026-11)",
        "confirmed on Oct. 12, 2025, 9 a.m. UTC. Now: active.",
        "Oct. 10, 2025 (Hugging Face Daily Papers)",
        "What they follow Phrase “robot”, normal",
        "Queued Oct. 13, 2025, 9 a.m. UTC",
        "State Sent , Oct. 13, 2025, 9 a.m. UTC; 1 attempt",
    ):
        assert part in said, part
    row = said[said.index("A match") :]
    assert row.startswith("A match robot Normal ") and row.endswith("Your phrase “robot”")


def test_what_changed_since_is_told(
    admin_client: Client, admin_user: User, reader: Subscriber, arms: Paper, clock: Any
) -> None:
    Interest.objects.all().delete()
    Delivery.objects.update(status="failed", sent_at=None, last_reply="550 no such user")
    Paper.objects.filter(pk=arms.pk).update(hidden="withdrawn")
    clock.move_to(MONDAY + WEEK)
    admin_client.force_login(admin_user)
    said = why(admin_client, reader, arms)
    assert "because: Your phrase “robot”" in said
    assert "an interest that is gone since" in said and "550 no such user" in said


def test_a_paper_is_named_in_many_ways(
    admin_client: Client, reader: Subscriber, arms: Paper
) -> None:
    arxiv = f"https://arxiv.org/pdf/{arms.arxiv_id}v3"
    for typed in (str(arms.arxiv_id), arxiv, "10.1234/ARMS", f"https://x.org/papers/{arms.pk}/"):
        assert "It was number 1" in why(admin_client, reader, typed)
    for typed in ("", "2501.99999", "<b>robots", "9" * 20, "\0"):
        said = why(admin_client, reader, typed)
        assert ("No paper here is known by" in said) == bool(typed.strip("\0"))
        assert "Robot" not in said


def test_why_they_did_not_get_it(
    admin_client: Client, reader: Subscriber, arms: Paper, make_paper: Make
) -> None:
    river = Paper.objects.get(title="Rivers in spring 7")
    Delivery.objects.update(items=[])
    said = why(admin_client, reader, river)
    assert "It was not in their digest of Oct. 6, 2025 to Oct. 10, 2025: nothing they" in said
    assert "others stand higher" in why(admin_client, reader, arms)
    old = make_paper("Robots of old", day=dt.date(2025, 9, 1))
    said = why(admin_client, reader, old)
    assert "It will not be in their coming digest: it is listed on 2025-09-01, on none" in said
    muted = make_paper("Robots in ads")
    assert "the muted phrase “ads” stands in it" in why(admin_client, reader, muted)
    hidden = make_paper("Robots unseen", hidden=Paper.Hidden.DUPLICATE)
    assert "it is hidden: duplicate" in why(admin_client, reader, hidden)


def test_what_their_own_choices_leave_out(
    admin_client: Client, reader: Subscriber, arms: Paper, topics: dict[str, Topic]
) -> None:
    tides = Paper.objects.create(title="Tides", arxiv_id="2510.77777", first_seen=MONDAY)
    pick = Pick.objects.create(paper=tides, day=FRIDAY)
    pick.topics.set([topics["hci"]])
    assert "a pick for followers of other topics only" in why(admin_client, reader, tides)
    Subscriber.objects.update(sections_off=["matches"])
    Delivery.objects.update(items=[])
    assert "they want no “For you”" in why(admin_client, reader, arms)


def test_a_paper_that_came_again(
    admin_client: Client,
    admin_user: User,
    reader: Subscriber,
    arms: Paper,
    make_paper: Make,
    clock: Any,
) -> None:
    """Each digest has its own account; the coming one knows what they had."""
    first = Delivery.objects.get()
    again = make_paper("Robot legs", day=NEXT_FRIDAY)
    clock.move_to(MONDAY + WEEK)
    Edition.objects.roll(MONDAY + WEEK)
    send_due(MONDAY + WEEK, lambda: MONDAY + WEEK)
    admin_client.force_login(admin_user)
    second = Delivery.objects.exclude(pk=first.pk).get()
    assert "number 1 of their digest of Oct. 13, 2025" in why(admin_client, reader, again)
    earlier = why(admin_client, reader, again, delivery=str(first.pk))
    assert "it was in the digest" not in earlier, "what came later decided nothing"
    said = why(admin_client, reader, arms, delivery=str(second.pk))
    assert "It was not in their digest of Oct. 13, 2025 to Oct. 19, 2025" in said
    assert "it was in the digest up to 2025-10-10" in said
    assert "It was in 1 other digest of theirs: Oct. 10, 2025 ." in said
    other = why(admin_client, reader, arms, delivery="0")
    assert "It was number 1 of their digest of Oct. 6, 2025" in other


def test_a_paper_of_the_coming_digest(
    admin_client: Client, admin_user: User, reader: Subscriber, make_paper: Make, clock: Any
) -> None:
    clock.move_to(MONDAY + WEEK - dt.timedelta(days=1))
    admin_client.force_login(admin_user)
    coming = make_paper("Robot hands", day=NEXT_FRIDAY)
    said = why(admin_client, reader, coming)
    assert "It will be number 1 of their coming digest, under “For you”" in said
    assert "mail server" not in said
