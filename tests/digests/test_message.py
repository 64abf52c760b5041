"""One reader's message, parsed as a mail program would parse it."""

import datetime as dt
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from subscriptions import links
from subscriptions.digests.compose import compose, load_content
from subscriptions.digests.tick import send_due
from subscriptions.models import Delivery, Edition, Pick, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
HOSTILE = 'Robot arms <script>alert(1)</script> & "p < 0.05" \u2014 naïve Ω'

Make = Callable[..., Any]


def parsed(message: Any) -> EmailMessage:
    found = message_from_bytes(message.message().as_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


@pytest.fixture
def sent(make_reader: Make, make_paper: Make) -> EmailMessage:
    reader = make_reader("Ada@example.org", phrases=("robot arms", "rivers"))
    authors = [f"Author {n} O’Neil" for n in range(7)]
    make_paper(HOSTILE, abstract="Long words. " * 60, authors=authors, submitted=FRIDAY)
    make_paper("Of rivers", abstract=".\n.starts with dots", votes=12)
    picked = make_paper("Picked", own_id="file:1", arxiv_id=None)
    Pick.objects.create(paper=picked, day=FRIDAY, note="Read <b>this</b> & that.")
    make_paper("Talked about", votes=40)
    Edition.objects.roll(NOW)
    Edition.objects.filter(day=FRIDAY).update(intro="A good <week>.")
    assert send_due(NOW, lambda: NOW)["sent"] == 1
    assert reader.email == "Ada@example.org"
    return parsed(mail.outbox[0])


def test_headers(sent: EmailMessage) -> None:
    delivery = Delivery.objects.get()
    reader = delivery.subscriber
    assert sent["To"] == "Ada@example.org"
    assert sent["Subject"] == "Picked + 3 more papers"
    assert sent["Message-ID"] == f"<digest-{delivery.pk}@localhost>"
    assert sent["List-Id"] == "Paper Round <digest.localhost>"
    assert sent["List-Unsubscribe"] == f"<{links.UNSUBSCRIBE.url(reader.pk)}>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["Date"].datetime == NOW
    assert sent["From"] == "Paper Round <digest@localhost>"


def test_sections_reasons_notes_and_escaping(sent: EmailMessage) -> None:
    html, text = body(sent, "html"), body(sent, "plain")
    order = [html.index(title) for title in ("Editors’ picks", "For you", "Trending")]
    assert order == sorted(order)
    assert "<script>" not in html and "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in html
    assert "<script>alert(1)</script> & " in " ".join(text.split())
    assert "Read &lt;b&gt;this&lt;/b&gt; &amp; that." in html
    assert "Read <b>this</b> & that." in text
    assert "A good &lt;week&gt;." in html and "A good <week>." in text
    assert "Your phrase “robot arms”" in html and "Your phrase “robot arms”" in text
    assert "40 upvotes so far" in html
    assert "Author 0 O’Neil, Author 1 O’Neil and 5 more" in " ".join(text.split())
    assert "Paper Round, 1 Test Street, Testtown" in html
    assert "Paper Round, 1 Test Street, Testtown" in text


def test_every_link_of_the_html_is_in_the_text(sent: EmailMessage) -> None:
    html_links = set(re.findall(r'href="([^"]+)"', body(sent, "html")))
    text_links = set(re.findall(r"https?://\S+", body(sent, "plain")))
    assert html_links == text_links
    paths = {link.removeprefix("http://localhost:8000") for link in html_links}
    assert "https://arxiv.org/pdf/2510.00001" in html_links
    assert any(path.startswith("/preferences/") for path in paths)
    assert any(path.startswith("/u/") for path in paths)


def test_css_is_inlined_and_nothing_is_fetched(sent: EmailMessage) -> None:
    html = body(sent, "html")
    assert html.startswith("<!DOCTYPE html")
    assert re.search(r"<h1[^>]* style=", html)
    assert "prefers-color-scheme: dark" in html
    assert not re.search(r"<img|<link|@import|url\(", html)
    assert len(html.encode()) < 90_000


def test_the_unsubscribe_header_fits_a_line_of_78(make_reader: Make) -> None:
    with override_settings(SITE_URL="https://papers.institute.example.org"):
        url = links.UNSUBSCRIBE.url(10**9)
    assert len(f" <{url}>") <= 78


def test_a_title_cannot_break_a_header(make_reader: Make, make_paper: Make) -> None:
    reader = make_reader(phrases=("robot",))
    paper = make_paper("Robot")
    type(paper).objects.filter(pk=paper.pk).update(title="Robot\r\nBcc: eve@example.org")
    delivery = Delivery(
        pk=1, subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY,
        items=[{"paper": paper.pk, "section": "matches", "reason": "x"}],
    )  # fmt: skip
    message = parsed(compose(delivery, load_content([delivery]), NOW))
    assert message["Subject"] == "Robot Bcc: eve@example.org"
    assert message["Bcc"] is None


def test_an_edit_after_queuing_is_in_the_mail(make_reader: Make, make_paper: Make) -> None:
    reader: Subscriber = make_reader(phrases=("robot",))
    paper = make_paper("Robot")
    delivery = Delivery(
        pk=1, subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY,
        items=[{"paper": paper.pk, "section": "picks", "reason": "x"}],
    )  # fmt: skip
    Pick.objects.create(paper=paper, day=FRIDAY, note="A late note")
    text = body(parsed(compose(delivery, load_content([delivery]), NOW)), "plain")
    assert "A late note" in text


def test_content_takes_four_queries(
    make_reader: Make, make_paper: Make, django_assert_num_queries: Any
) -> None:
    reader = make_reader(phrases=("robot",))
    deliveries = [
        Delivery(
            pk=n, subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY,
            items=[{"paper": make_paper(f"Robot {n}").pk, "section": "matches", "reason": ""}],
        )
        for n in range(1, 6)
    ]  # fmt: skip
    with django_assert_num_queries(4):
        content = load_content(deliveries)
    with django_assert_num_queries(0):
        for delivery in deliveries:
            compose(delivery, content, NOW)
