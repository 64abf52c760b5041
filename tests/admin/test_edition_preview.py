"""A digest before it goes out: for whom, how it looks, what is checked, and the test send."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from subscriptions import links
from subscriptions.admin import edition_preview
from subscriptions.digests import send_test
from subscriptions.digests.review import link_fault
from subscriptions.digests.tick import send_due
from subscriptions.models import Delivery, Edition, Paper, Pick, Suppression, Topic
from tests.delivery.scripted_server import ScriptedServer

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
SUNDAY = dt.date(2025, 10, 12)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def week(make_paper: Make) -> dict[str, Paper]:
    """Sunday's papers and one of Friday's."""
    Edition.objects.roll(MONDAY)
    abstract = "A policy for robot manipulation, trained on demonstrations."
    return {
        "arms": make_paper("Robot manipulation", votes=3, day=SUNDAY, abstract=abstract),
        "rivers": make_paper("Rivers", votes=9, day=SUNDAY, abstract="Of water."),
        "old": make_paper("From Friday", votes=1, day=SUNDAY - dt.timedelta(days=2)),
    }


def url(page: str) -> str:
    day = Edition.objects.get(day=SUNDAY)
    return reverse(f"admin:subscriptions_edition_{page}", args=[day.pk])


def look(client: Client, **query: str | int) -> Any:
    page = client.get(url("preview"), query)
    assert page.status_code == 200
    return page


def digest(client: Client, **query: str | int) -> Any:
    return look(client, **query).context["preview"].digest


def findings(client: Client, verdict: str, **query: str | int) -> list[str]:
    """What the checks say, of one verdict."""
    found = look(client, **query).context["findings"]
    return [
        " ".join([one.said, *(text for text, _ in one.about)])
        for one in found
        if one.verdict.value == verdict
    ]


def test_as_a_subscriber_it_is_what_is_sent_and_stays_so(
    admin_client: Client, week: dict[str, Paper], make_reader: Make
) -> None:
    reader = make_reader("ada@example.org", phrases=("robot manipulation",))
    Pick.objects.create(paper=week["rivers"], day=SUNDAY, note="A *note*.")
    before = digest(admin_client, subscriber=reader.pk)
    send_due(MONDAY, lambda: MONDAY)
    message: Any = mail.outbox[0]
    signed, unsigned = r"/(preferences|u|digest)/[^/]+/", r"/\1/preview/"
    assert before.subject == message.subject
    assert before.text == re.sub(signed, unsigned, message.body)
    after = look(admin_client, subscriber=reader.pk)
    assert after.context["preview"].digest.text == before.text
    assert "has had a digest with this day" in after.text
    assert Delivery.objects.count() == 1, "a preview stores nothing"


def test_for_whom_is_asked_by_address_and_kept_as_a_number(
    admin_client: Client, make_reader: Make, topics: dict[str, Topic]
) -> None:
    reader = make_reader("ada@example.org", text_only=True)
    robotics = topics["robotics"].pk

    def ask(**form: object) -> Any:
        return admin_client.post(url("preview"), {"cadence": "", **form})

    assert ask(who="nobody").url == f"{url('preview')}?"
    assert ask(who="topics", topics=[robotics], cadence="daily").url.endswith(
        f"?topics={robotics}&cadence=daily"
    )
    for named in ("ADA@example.org", str(reader.pk)):
        found = ask(who="subscriber", subscriber=named)
        assert found.url.endswith(f"?subscriber={reader.pk}")
    page = admin_client.get(found.url).text
    assert "a…@e….org" in page and "ada@example.org" not in page
    for wrong in ("ada@", "999999", "9" * 30, ""):
        assert "No subscriber has this number" in ask(who="subscriber", subscriber=wrong).text
    assert "Choose one at least." in ask(who="topics").text
    assert admin_client.get(url("preview"), {"subscriber": "9" * 30}).status_code == 404


def test_topics_bring_what_they_match_and_a_cadence_its_days(
    admin_client: Client, topics: dict[str, Topic]
) -> None:
    robotics = topics["robotics"]
    follower = digest(admin_client, topics=robotics.pk)
    assert f"You follow {robotics.name}" in follower.text
    nobody = digest(admin_client)
    assert "You follow" not in nobody.text and "Your week in papers" in nobody.html
    assert "From Friday" in nobody.text
    daily = digest(admin_client, cadence="daily")
    assert "Your papers today" in daily.html and "From Friday" not in daily.text


def test_dark_and_light_are_the_server_s_to_say(admin_client: Client) -> None:
    dark = admin_client.get(url("preview_html"), {"scheme": "dark"})
    light = admin_client.get(url("preview_html"))
    assert "@media all" in dark.text and "@media not all" in light.text
    for frame in (dark, light):
        assert "prefers-color-scheme" not in frame.text and "light dark" not in frame.text
        assert "sandbox" in frame["Content-Security-Policy"]
        assert frame["X-Frame-Options"] == "SAMEORIGIN"
    page = look(admin_client, scheme="dark", cadence="daily")
    assert f'src="{url("preview_html")}?cadence=daily&amp;scheme=dark"' in page.text
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_what_editors_do_is_seen_at_once(
    admin_client: Client, week: dict[str, Paper], make_paper: Make
) -> None:
    assert digest(admin_client).subject.startswith("Rivers")
    Pick.objects.create(paper=week["old"], day=SUNDAY)
    assert digest(admin_client).subject.startswith("From Friday")
    Paper.objects.filter(pk=week["rivers"].pk).update(hidden="withdrawn")
    assert "Rivers" not in digest(admin_client).text
    make_paper("Just in", votes=99, day=SUNDAY)
    assert "Just in" in digest(admin_client).text
    row = admin_client.get(url("row"))
    assert "From Friday + 2 more papers" in row.text and "27 characters" in row.text


def test_checks_of_papers_and_picks(
    admin_client: Client, week: dict[str, Paper], make_paper: Make, topics: dict[str, Topic]
) -> None:
    assert findings(admin_client, "bad") == []
    assert findings(admin_client, "look") == ["Papers without an abstract: From Friday"]
    Pick.objects.create(paper=week["arms"], day=SUNDAY).topics.add(topics["robotics"])
    (picks,) = (f for f in findings(admin_client, "good") if "picks" in f)
    assert "Robot manipulation: for followers of Robotics only" in picks
    for n in range(6):
        own = make_paper(f"Pick {n}", day=SUNDAY, abstract="x", arxiv_id=None, own_id=f"file:{n}")
        Pick.objects.create(paper=own, day=SUNDAY, position=n)
    Paper.objects.filter(title="Pick 0").update(hidden="duplicate")
    Pick.objects.create(paper=week["rivers"], day=SUNDAY, position=9)
    said = " ".join(findings(admin_client, "look"))
    assert "Pick 0: hidden as duplicate" in said
    assert "Rivers: the newest 5 picks are shown, and no more" in said
    assert "Papers that can be read nowhere else than here: Pick 1" in said
    Paper.objects.update(hidden="off-topic")
    assert findings(admin_client, "bad") == [
        "There is nothing to send: this reader would get no mail."
    ]


def test_checks_of_links_and_size(
    admin_client: Client, make_reader: Make, make_paper: Make, monkeypatch: Any
) -> None:
    (whole,) = (f for f in findings(admin_client, "good") if "whole addresses" in f)
    assert "localhost" in whole and "arxiv.org" in whole
    own = links.UNSUBSCRIBE.url(make_reader().pk)
    intro = f"[leave]({own}) [nobody](mailto:x) https://arxiv.org/"
    Edition.objects.filter(day=SUNDAY).update(intro=intro)
    (bad,) = findings(admin_client, "bad")
    assert "is one reader’s own link" in bad and "“mailto:x” names no mailbox." in bad
    assert "arxiv.org" not in bad
    Edition.objects.filter(day=SUNDAY).update(intro="")
    monkeypatch.setattr("subscriptions.digests.compose.BUDGET", 14_000)
    monkeypatch.setattr("subscriptions.digests.message.BUDGET", 14_000)
    assert any(
        "of its papers, left to the web version" in f for f in findings(admin_client, "look")
    )
    monkeypatch.setattr("subscriptions.digests.review.CLIPPED", 2000)
    assert any("Gmail will clip this mail" in f for f in findings(admin_client, "bad"))


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("", "A link is empty."),
        ("/papers/", "not a whole address"),
        ("javascript:alert(1)", "not a whole address"),
        ("https:///path", "not a whole address"),
        ("http://[", "is no address"),
        ("https://example.org/", ""),
        ("mailto:ada@example.org", ""),
    ],
)
def test_what_is_wrong_with_a_link(link: str, fault: str) -> None:
    assert fault in link_fault(link) and bool(fault) == bool(link_fault(link))


def test_a_test_goes_to_the_editor_alone(admin_client: Client, make_reader: Make) -> None:
    reader = make_reader("ada@example.org", phrases=("robot manipulation",))
    page = look(admin_client, subscriber=reader.pk)
    assert f'action="{url("test")}?subscriber={reader.pk}"' in page.text
    answer = admin_client.post(f"{url('test')}?subscriber={reader.pk}", follow=True)
    assert "Test sent to admin@example.com. The mail server said: accepted" in answer.text
    (message,) = mail.outbox
    assert message.to == ["admin@example.com"] and message.subject.startswith("[Test] ")
    assert "Your phrase “robot manipulation”" in message.body
    headers = message.message()
    assert headers["List-Unsubscribe"] is headers["List-Unsubscribe-Post"] is None
    for link in (links.UNSUBSCRIBE, links.PREFERENCES):
        assert link.url(None) in message.body and link.url(reader.pk) not in message.body
    assert not Delivery.objects.exists()
    assert LogEntry.objects.get().change_message == "Test sent to a…@e….com"
    admin_client.post(url("test"))
    ids = {message.message()["Message-ID"] for message in mail.outbox}
    assert len(ids) == 2, "a mail program shows each"


def test_who_gets_no_test_is_told_why(
    admin_client: Client, admin_user: Any, frozen: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(edition_preview, "TESTS", 2)
    for _ in range(2):
        admin_client.post(url("test"))
    assert (
        "You sent yourself 2 tests within an hour."
        in admin_client.post(url("test"), follow=True).text
    )
    frozen.shift(dt.timedelta(hours=1))
    admin_client.post(url("test"))
    assert len(mail.outbox) == 3
    suppressed = Suppression.hash(admin_user.email)
    Suppression.objects.create(email_hash=suppressed, reason="operator", created_at=MONDAY)
    assert "Your address is suppressed" in admin_client.post(url("test"), follow=True).text
    admin_user.email = ""
    admin_user.save()
    page = look(admin_client).text
    assert "Send me a test" not in page
    assert reverse("admin:auth_user_change", args=[admin_user.pk]) in page
    assert "has no address" in admin_client.post(url("test"), follow=True).text
    assert len(mail.outbox) == 3


def test_what_the_mail_server_says_is_shown_and_one_that_hangs_is_left(
    admin_client: Client, settings: Any, monkeypatch: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    assert send_test.TIMEOUT <= 7.5, "greeted late and then left alone, a page takes twice that"
    monkeypatch.setattr(send_test, "TIMEOUT", 0.2)

    def said(**answers: str) -> str:
        at: Any = {(stage, n): answer for stage, answer in answers.items() for n in (0, 1)}
        with ScriptedServer(at) as server:
            settings.EMAIL_PORT = server.port
            return str(admin_client.post(url("test"), follow=True).text)

    assert "The mail server said: 250 2.0.0 queued as 7" in said(END="250 2.0.0 queued as 7")
    assert "was not sent. 550 5.1.1 no such user" in said(RCPT="550 5.1.1 no such user")
    for stage, result in (("greeting", "was not sent."), ("END", "may have arrived:")):
        told = said(**{stage: "stall"})
        assert result in told and "timed out" in told
