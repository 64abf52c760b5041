"""Charts of what became of an edition, and of how many readers there are."""

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html

from subscriptions.digests.figures import count
from subscriptions.digests.tick import send_due
from subscriptions.flows.erase import erase
from subscriptions.flows.feedback import find, give
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import (
    Delivery,
    Edition,
    EditionReport,
    Feedback,
    MailEvent,
    Movement,
    Paper,
    Subscriber,
    Topic,
)
from tests.conftest import MONDAY
from tests.flows.coming_back import came_back

FRIDAY = dt.date(2025, 10, 10)
DAY, MINUTE = dt.timedelta(days=1), dt.timedelta(minutes=1)
GROWTH = reverse("admin:subscriptions_subscriber_growth")
GROWTH_CSV = reverse("admin:subscriptions_subscriber_growth_csv")
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script>"
ABSTRACT = "Dexterous manipulation of robots by teleoperation."
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def edition(make_paper: Make, make_reader: Make, topics: dict[str, Topic]) -> Edition:
    """One that three readers were sent; it is not counted yet."""
    Edition.objects.roll(MONDAY)
    make_paper(HOSTILE, abstract=ABSTRACT)
    make_paper("On tides", votes=9)
    for n in range(3):
        make_reader(f"r{n}@example.org", topics=(topics["robotics"].pk,))
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 3
    first, second, third = Delivery.objects.order_by("pk")
    for place, item in enumerate(first.items):
        if item["section"] == "matches" and (said := find(first, place)):
            give(said, Feedback.Verdict.MORE, MONDAY)
    unsubscribe(second.subscriber_id, MONDAY)
    Delivery.objects.filter(pk=third.pk).update(status="failed", sent_at=None)
    came_back(third.subscriber, "hard", MONDAY, third)
    return Edition.objects.get(day=FRIDAY)


def figures(edition: Edition) -> str:
    return reverse("admin:subscriptions_edition_figures", args=[edition.pk])


def figures_csv(edition: Edition, slug: str) -> str:
    return reverse("admin:subscriptions_edition_figures_csv", args=[edition.pk, slug])


def look(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.fromstring(answer.content.decode())


def tables(page: Any) -> dict[str, list[list[str]]]:
    """By heading, the rows of each table behind a chart."""
    return {
        section.xpath("./h2")[0].text_content(): [
            [cell.text_content() for cell in row.xpath("./th|./td")]
            for row in section.xpath(".//tr")
        ]
        for section in page.xpath("//section[contains(@class, 'figure')]")
    }


def rows_of(client: Client, path: str) -> list[list[str]]:
    answer = client.get(path)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.reader(StringIO(answer.content.decode())))


def test_what_became_of_an_edition(admin_client: Client, edition: Edition) -> None:
    count(edition.pk, MONDAY, MONDAY)
    its_page = reverse("admin:subscriptions_edition_change", args=[edition.pk])
    assert figures(edition) in look(admin_client, its_page).xpath("//a/@href")
    page = look(admin_client, figures(edition))
    assert "Of 3 digests whose newest day this is. Counted 13 October, 09:00 UTC." in " ".join(
        page.xpath("//form")[-1].text_content().split()
    )
    assert tables(page) == {
        "What became of the digests": [
            ["state", "digests"],
            ["Sent", "2"],
            ["Failed", "1"],
            ["of all, bounced at once or later", "1"],
        ],
        "What readers did after it": [
            ["what", "times"],
            ["More like this", "1"],
            ["Less like this", "0"],
            ["Saved", "0"],
            ["Unsubscribed", "1"],
            ["Given up after bounces", "0"],
            ["Complained", "0"],
        ],
        "Who got which paper": [
            ["paper", "readers", "as a pick", "as a match", "as trending"],
            [HOSTILE, "2", "0", "2", "0"],
            ["On tides", "2", "0", "0", "2"],
        ],
        "What readers said of which paper": [
            ["paper", "more", "less", "saved"],
            [HOSTILE, "1", "0", "0"],
        ],
        "What topics brought": [["topic", "readers", "papers"], ["Robotics", "2", "1"]],
        "What readers did, by topic": [
            ["topic", "more", "less", "saved", "left"],
            ["Robotics", "1", "0", "0", "1"],
        ],
    }
    assert not page.xpath("//script[contains(text(), 'alert')]")


def test_each_table_is_drawn_and_is_a_file(admin_client: Client, edition: Edition) -> None:
    count(edition.pk, MONDAY, MONDAY)
    page = look(admin_client, figures(edition))
    charts = page.xpath("//svg[@role='img']")
    for chart, (heading, rows) in zip(charts, tables(page).items(), strict=True):
        (label,) = chart.xpath("./title")
        assert label.get("id") == chart.get("aria-labelledby")
        assert label.text_content().startswith(heading)
        drawn = [text.text_content() for text in chart.xpath("./text|./svg/title")]
        assert drawn == rows[0][1:] + [cell for row in rows[1:] for cell in row]
        longest = {float(bar.get("width")) for bar in chart.xpath(".//rect")}
        assert 0 < max(longest) < 600
    assert not page.xpath("//*[@style] | //style | //*[@onclick]")

    links = page.xpath("//section/p/a[contains(text(), 'CSV')]/@href")
    assert len(links) == len(charts) == 6
    whole = [rows_of(admin_client, link) for link in links]
    for file, table in zip(whole, tables(page).values(), strict=True):
        assert [[cell.removeprefix("'") for cell in row] for row in file] == table
    papers = rows_of(admin_client, figures_csv(edition, "papers"))
    assert papers[1][0] == f"'{HOSTILE}", "a spreadsheet takes it for a text"
    assert admin_client.get(figures_csv(edition, "nothing")).status_code == 404


def test_no_cell_of_a_file_is_a_formula(admin_client: Client, edition: Edition) -> None:
    count(edition.pk, MONDAY, MONDAY)
    for before in ("", "\t", "\r", "Cups;"):  # a spreadsheet may look for another separator
        for sign in ("=", "+", "-", "@", "\uff1d"):
            Paper.objects.filter(abstract=ABSTRACT).update(title=f"{before}{sign}1+1")
            papers = rows_of(admin_client, figures_csv(edition, "papers"))
            assert papers[1][0] == f"{before}'{sign}1+1"


def test_count_again(
    admin_client: Client,
    edition: Edition,
    frozen: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    assert "Not counted yet" in look(admin_client, figures(edition)).text_content()
    assert admin_client.get(figures_csv(edition, "papers")).status_code == 404
    assert not EditionReport.objects.exists(), "a GET changes nothing"

    def press() -> str:
        with django_capture_on_commit_callbacks(execute=True):
            assert admin_client.post(figures(edition)).status_code == 302
        return str(look(admin_client, figures(edition)).text_content())

    assert "Counted 13 October, 09:00 UTC" in press()
    assert "within the last minute" in press()
    frozen.shift(2 * MINUTE)
    assert "Counted 13 October, 09:02 UTC" in press()
    today = Edition.objects.get(day=MONDAY.date())
    assert "There are figures once the day is released" in (
        look(admin_client, figures(today)).text_content()
    )
    admin_client.post(figures(today))
    assert EditionReport.objects.count() == 1


def test_an_edition_that_nobody_was_sent(admin_client: Client, edition: Edition) -> None:
    quiet = Edition.objects.get(day=FRIDAY - DAY)
    count(quiet.pk, MONDAY, MONDAY)
    page = look(admin_client, figures(quiet))
    assert "This is no digest’s newest day" in page.text_content()
    assert not tables(page)


def test_an_edition_whose_digests_wait(admin_client: Client, edition: Edition) -> None:
    Delivery.objects.update(status="queued", sent_at=None)
    MailEvent.objects.all().delete()
    count(edition.pk, MONDAY, MONDAY)
    page = look(admin_client, figures(edition))
    (drawn, *empty) = tables(page).values()
    assert drawn == [["state", "digests"], ["Queued", "3"]] and not any(empty)
    assert len(page.xpath("//section/p[@class='quiet']")) == 5


def test_the_number_of_queries_is_fixed(
    admin_client: Client, edition: Edition, make_paper: Make
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            look(admin_client, figures(edition))
        return len(found)

    count(edition.pk, MONDAY, MONDAY)
    few = queries()
    report = EditionReport.objects.get()
    (sample, *_) = report.figures["papers"]
    papers = [make_paper(f"Paper {n}") for n in range(30)]
    report.figures["papers"] += [{**sample, "paper": paper.pk} for paper in papers]
    report.save()
    assert queries() == few


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file(
    admin_client: Client, edition: Edition, make_paper: Make
) -> None:
    count(edition.pk, MONDAY, MONDAY)
    report = EditionReport.objects.get()
    (sample, *_) = report.figures["papers"]
    papers = [make_paper(f"Paper {n}") for n in range(250)]
    report.figures["papers"] = [{**sample, "paper": paper.pk} for paper in papers]
    report.save()
    page = look(admin_client, figures(edition))
    assert len(tables(page)["Who got which paper"]) == 201
    assert "Only the first 200; the CSV has all." in page.text_content()
    assert "The first 12 of 250." in page.text_content()
    assert len(rows_of(admin_client, figures_csv(edition, "papers"))) == 251


@pytest.mark.parametrize("permission", ["view_edition", "view_movement", "view_subscriber"])
def test_who_may_see_what(client: Client, edition: Edition, permission: str) -> None:
    user = User.objects.create_user("some", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=permission))
    client.force_login(user)
    count(edition.pk, MONDAY, MONDAY)
    of_edition = [figures(edition), figures_csv(edition, "papers")]
    wanted = {GROWTH: "view_movement", GROWTH_CSV: "view_movement"}
    wanted |= dict.fromkeys(of_edition, "view_edition")
    for path, needed in wanted.items():
        assert client.get(path).status_code == (200 if permission == needed else 403)
    answer = client.post(figures(edition))
    assert answer.status_code == (302 if permission == "view_edition" else 403)


def test_readers_by_day(
    admin_client: Client, admin_user: User, make_reader: Make, frozen: Any
) -> None:
    readers = [make_reader(f"r{n}@example.org", at=MONDAY - 3 * DAY) for n in range(4)]
    unsubscribe(readers[0].pk, MONDAY - DAY)
    erase(readers[1].pk, MONDAY)
    make_reader("late@example.org", at=MONDAY)
    Movement.objects.note(Movement.Kind.BOUNCED, MONDAY - 2 * DAY)
    Subscriber.objects.filter(pk=readers[2].pk).update(status="bounced", next_digest_at=None)
    readers_list = look(admin_client, reverse("admin:subscriptions_subscriber_changelist"))
    assert GROWTH in readers_list.xpath("//a/@href")
    page = look(admin_client, GROWTH)
    rows = [
        ["2025-10-10", "4", "4", "0", "0", "0", "0"],
        ["2025-10-11", "3", "0", "0", "1", "0", "0"],
        ["2025-10-12", "2", "0", "1", "0", "0", "0"],
        ["2025-10-13", "2", "1", "0", "0", "0", "1"],
    ]
    head = ["day", "readers", "joined", "left", "bounced", "complained", "erased"]
    assert tables(page)["Readers of the last 30 days"] == [head, *rows]
    assert rows_of(admin_client, GROWTH_CSV) == [head, *rows]
    names = [text.text_content() for text in page.xpath("//svg/text[@class='name']")]
    assert names == [
        "readers: 2", "joined: 5", "left: 1", "bounced: 1", "complained: 0", "erased: 1",
    ]  # fmt: skip
    assert "2 readers: 2 more than before 10 October 2025. 3 went since." in page.text_content()

    frozen.shift(60 * DAY)
    admin_client.force_login(admin_user)
    assert len(rows_of(admin_client, f"{GROWTH_CSV}?days=30")) == 31
    assert len(rows_of(admin_client, f"{GROWTH_CSV}?days=90")) == 65
    assert len(rows_of(admin_client, f"{GROWTH_CSV}?days=nonsense")) == 31
    Movement.objects.note(Movement.Kind.LEFT, MONDAY + 60 * DAY)
    Subscriber.objects.filter(email="late@example.org").update(
        status="unsubscribed", next_digest_at=None
    )
    said = look(admin_client, GROWTH).text_content()
    assert "1 reader: 1 fewer than before 13 November 2025. 1 went since, 50.0 % of those" in said


def test_before_anybody_came(admin_client: Client) -> None:
    page = look(admin_client, GROWTH)
    assert "Nobody has joined or left since that is counted." in page.text_content()
    assert re.search("30 days", page.text_content()) and not page.xpath("//svg[@role='img']")


def test_growth_asks_as_much_whatever_the_span(admin_client: Client, make_reader: Make) -> None:
    make_reader("ada@example.org", at=MONDAY - 300 * DAY)

    def queries(days: int) -> int:
        with CaptureQueriesContext(connection) as found:
            look(admin_client, f"{GROWTH}?days={days}")
        return len(found)

    few = queries(30)
    for n in range(20):
        make_reader(f"r{n}@example.org", at=MONDAY - n * 10 * DAY)
    assert queries(365) == few
