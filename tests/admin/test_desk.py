"""The admin's front page: what is coming, how it goes, and what needs a person."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html

from subscriptions.digests.due import first_and_last
from subscriptions.digests.tick import send_due
from subscriptions.models import (
    Delivery,
    DoubtfulPair,
    Edition,
    MailboxState,
    Paper,
    Pick,
    Source,
    Submission,
    WantedPaper,
)

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TODAY = MONDAY.date()
FRIDAY = dt.date(2025, 10, 10)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def look(client: Client) -> tuple[str, list[tuple[str, str]]]:
    """The words of the desk, and its links."""
    answer = client.get(reverse("admin:index"))
    assert answer.status_code == 200
    (desk,) = html.fromstring(answer.content.decode()).xpath("//div[@class='desk']")
    links = [(a.text_content(), a.get("href")) for a in desk.xpath(".//a")]
    return " ".join(" ".join(desk.itertext()).split()), links


def test_a_new_site(admin_client: Client) -> None:
    words, _ = look(admin_client)
    assert "Nothing waits for you." in words
    assert "The first day opens with the first tick of the clock." in words
    assert "Nothing was sent yet." in words and "SOURCES names none" in words


def test_the_days_to_come(
    admin_client: Client, make_paper: Make, make_reader: Make, settings: Any
) -> None:
    settings.EDITIONS_NEED_APPROVAL = True
    Edition.objects.roll(MONDAY)
    papers = [make_paper(f"Robot arms {n}", day=TODAY, votes=n) for n in range(3)]
    make_paper("Hidden", day=TODAY, hidden=Paper.Hidden.OFF_TOPIC)
    make_paper("From a file", day=TODAY, source=Source.FILE)
    Pick.objects.create(paper=papers[0], day=TODAY)
    make_reader("daily@example.org", at=MONDAY, cadence="daily", hour=14)
    make_reader("weekly@example.org", at=MONDAY, weekday=0, hour=9)
    Edition.objects.release(FRIDAY, MONDAY)
    Edition.objects.hold(dt.date(2025, 10, 12), "a <b>bad</b> feed", MONDAY)
    words, links = look(admin_client)
    assert "Mon 13 Oct open 4 papers 1 none Tue 14 Oct, 14:00 Mon 20 Oct, 09:00" in words
    assert "Sun 12 Oct held 0 papers" in words and "Sat 11 Oct closed 0 papers" in words
    assert "Fri 10 Oct" not in words
    held = Edition.objects.get(day="2025-10-12")
    assert (
        "12 October is held: a <b>bad</b> feed",
        reverse("admin:subscriptions_edition_change", args=[held.pk]),
    ) in links
    assert "11 October waits to be released" in words
    assert "Today: 4 from Hugging Face Daily Papers, 1 from File." in words


def test_when_the_first_and_the_last_reader_get_a_day(make_reader: Make) -> None:
    assert first_and_last(TODAY, MONDAY) is None
    make_reader("a@example.org", cadence="daily", hour=23)
    make_reader("b@example.org", weekday=1, hour=0)
    make_reader("c@example.org", weekday=0, hour=23)
    assert first_and_last(TODAY, MONDAY) == (
        dt.datetime(2025, 10, 14, 0, tzinfo=dt.UTC),
        dt.datetime(2025, 10, 20, 23, tzinfo=dt.UTC),
    )
    waiting = make_reader("d@example.org", at=MONDAY - dt.timedelta(days=1), hour=8)
    assert waiting.next_digest_at < MONDAY
    sunday = TODAY - dt.timedelta(days=1)
    assert first_and_last(sunday, MONDAY) == (
        MONDAY,
        dt.datetime(2025, 10, 14, 0, tzinfo=dt.UTC),
    )


def test_what_needs_a_person(
    admin_client: Client, make_paper: Make, make_reader: Make, settings: Any
) -> None:
    Edition.objects.roll(MONDAY)
    reader, pair = make_reader(), [make_paper("Twins"), make_paper("Twins")]
    for n in range(2):
        Submission.objects.create(subscriber=reader, arxiv_id=f"2501.0000{n}", submitted_at=MONDAY)
    DoubtfulPair.objects.create(paper=pair[0], other=pair[1], found_at=MONDAY)
    WantedPaper.objects.create(
        arxiv_id="2501.99999", status="missing", asked_at=MONDAY, pick_day=TODAY
    )
    Delivery.objects.create(
        subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY, status="in_doubt",
        created_at=MONDAY,
    )  # fmt: skip
    _, links = look(admin_client)
    waits = {
        "2 papers that readers put forward": "/submission/?status__exact=waiting",
        "1 pair of papers that may be one": "/doubtfulpair/?status__exact=open",
        "arXiv does not know 1 paper that you want to pick": "/paper/board/",
        "1 delivery in doubt": "/delivery/?status__exact=in_doubt",
    }
    for text, place in waits.items():
        assert [url for said, url in links if said == text and url.endswith(place)], text
    settings.IN_DOUBT_POLICY = "resend"
    assert "in doubt" not in look(admin_client)[0].replace("1 in doubt", "")


def test_a_mailbox_that_cannot_be_read(admin_client: Client, settings: Any) -> None:
    settings.IMAP_URL = "imaps://user:pass@host"
    MailboxState.objects.create(trouble="no such host", trouble_since=MONDAY)
    said = "The mailbox cannot be read since 13 October, 09:00 UTC: no such host"
    assert said in [text for text, _ in look(admin_client)[1]]


def test_how_the_last_days_went(admin_client: Client, make_paper: Make, make_reader: Make) -> None:
    make_paper("Robot arms", day=FRIDAY, votes=3)
    Edition.objects.roll(MONDAY)
    make_reader("a@example.org", phrases=("robot arms",))
    make_reader("b@example.org", phrases=("robot arms",))
    send_due(MONDAY, lambda: MONDAY)
    words, links = look(admin_client)
    assert "2 sent" in words
    assert any(url.endswith("/delivery/?day=2025-10-10") for _, url in links)


def test_each_sees_what_is_theirs(client: Client, make_reader: Make) -> None:
    Edition.objects.roll(MONDAY)
    Submission.objects.create(subscriber=make_reader(), arxiv_id="2501.00001", submitted_at=MONDAY)
    user = User.objects.create_user("supporter", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_subscriber"))
    client.force_login(user)
    words, links = look(client)
    assert words == "Needs a person Nothing waits for you." and links == []


def test_queries_do_not_grow(
    admin_client: Client, make_paper: Make, make_reader: Make, settings: Any
) -> None:
    settings.EDITIONS_NEED_APPROVAL = True

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            look(admin_client)
        return len(captured)

    Edition.objects.roll(MONDAY)
    for n in range(5):
        day = FRIDAY - dt.timedelta(days=n)
        Delivery.objects.create(
            subscriber=make_reader(f"d{n}@example.org"), first_day=day, newest_day=day,
            created_at=MONDAY,
        )  # fmt: skip
    queries()
    few = queries()
    for n in range(12):
        paper = make_paper(f"Robot arms {n}", day=TODAY - dt.timedelta(days=n % 5))
        Pick.objects.create(paper=paper, day=TODAY)
        reader = make_reader(f"r{n}@example.org", cadence=("daily", "weekly")[n % 2])
        Submission.objects.create(subscriber=reader, arxiv_id=f"2501.{n:05}", submitted_at=MONDAY)
    assert queries() == few <= 40
