"""One reader's message, parsed as a mail program would parse it."""

import datetime as dt
import html
import json
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client, override_settings

from subscriptions import links
from subscriptions.digests.compose import Composer
from subscriptions.digests.content import load_content
from subscriptions.digests.message import BUDGET, Digest
from subscriptions.digests.tick import send_due
from subscriptions.models import Delivery, Edition, Paper, Pick, SourceTrouble, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
HOSTILE = 'Robot arms <script>alert(1)</script> & "p < 0.05" \u2014 naïve Ω'

Make = Callable[..., Any]


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def compose(delivery: Delivery) -> Digest:
    return Composer(load_content([delivery])).compose(delivery, NOW)


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
    return parsed(mail.outbox[0].message().as_bytes())


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
    assert "40 votes so far" in html
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
    message = parsed(compose(delivery).wire())
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
    text = body(parsed(compose(delivery).wire()), "plain")
    assert "A late note" in text


def test_content_takes_six_queries(
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
    with django_assert_num_queries(6):
        content = load_content(deliveries)
    with django_assert_num_queries(5):  # the papers are kept
        content.load(deliveries)
    composer = Composer(content)
    with django_assert_num_queries(0):
        for delivery in deliveries:
            composer.compose(delivery, NOW).wire()


@pytest.fixture
def thirty(make_reader: Make, make_paper: Make) -> Delivery:
    """A digest of thirty papers with long abstracts."""
    items = [
        {"paper": make_paper(f"Paper {n}", abstract="Some long words. " * 90).pk}
        | {"section": "matches", "reason": f"You follow reason {n}"}
        for n in range(30)
    ]
    reader = make_reader(phrases=("x",))
    return Delivery(pk=1, subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY, items=items)


def test_abstracts_shorten_until_the_html_is_within_the_budget(thirty: Delivery) -> None:
    html = compose(thirty).html
    assert len(html.encode()) < BUDGET
    assert all(f"Paper {n}</a>" in html and f"You follow reason {n}<" in html for n in range(30))
    assert "Unsubscribe" in html and "Some long words" in html
    thirty.items = thirty.items[:10]
    assert len(compose(thirty).html.split("Some long words")) > 10 * 15


def test_a_reader_of_text_gets_text_alone_and_in_full(thirty: Delivery) -> None:
    thirty.subscriber.text_only = True
    message = parsed(compose(thirty).wire())
    assert message.get_content_type() == "text/plain" and not message.is_multipart()
    assert " ".join(message.get_content().split()).count("Some long words") > 30 * 15


def test_feedback_goes_by_place_under_one_signature(thirty: Delivery) -> None:
    thirty.subscriber.text_only = True
    text = compose(thirty).text
    found = re.findall(r"http://localhost:8000/digest/([^/]+)/(\d+)/(\w+)/", text)
    assert {links.DIGEST.read(token) for token, _, _ in found} == {1}
    assert [(int(place), verdict) for _, place, verdict in found] == [
        (place, verdict) for place in range(30) for verdict in ("more", "less", "save", "why")
    ]


def test_a_hidden_paper_is_left_out_and_the_places_of_the_others_stay(thirty: Delivery) -> None:
    Paper.objects.filter(pk=thirty.items[0]["paper"]).update(hidden=Paper.Hidden.WITHDRAWN)
    thirty.subscriber.text_only = True
    text = compose(thirty).text
    assert "29 papers" in text and "/0/more/" not in text and "/1/more/" in text


def test_an_internationalised_domain_is_written_in_a_labels(thirty: Delivery) -> None:
    thirty.subscriber.email = "ada@bücher.example"
    assert b"\r\nTo: ada@xn--bcher-kva.example\r\n" in compose(thirty).wire()


def test_the_senders_name_may_be_in_any_script(thirty: Delivery) -> None:
    with override_settings(DEFAULT_FROM_EMAIL='"Blätter, wöchentlich" <digest@bücher.example>'):
        raw = compose(thirty).wire()
    assert raw.split(b"\r\n\r\n")[0].isascii()
    sender = parsed(raw)["From"].addresses[0]
    assert sender.addr_spec == "digest@xn--bcher-kva.example"
    assert sender.display_name == "Blätter, wöchentlich"


def test_a_long_subject_folds_without_an_empty_line(thirty: Delivery) -> None:
    Paper.objects.filter(pk=thirty.items[0]["paper"]).update(title="Überlange Wörter für alle " * 9)
    message = compose(thirty)
    lines = message.wire().split(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 78 and line.strip() for line in lines)
    assert b"Subject:" not in lines
    assert parsed(message.wire())["Subject"] == message.subject
    assert message.subject.startswith("Überlange") and message.subject.endswith("29 more papers")


def sent_text(kind: str = "plain") -> str:
    (message,) = mail.outbox
    return " ".join(body(parsed(message.message().as_bytes()), kind).split())


@pytest.mark.parametrize(
    ("last_day", "ended", "told"),
    [
        (dt.date(2025, 10, 8), None, True),
        (FRIDAY, None, True),
        (dt.date(2025, 10, 12), None, False),
        (dt.date(2025, 10, 8), NOW, False),
    ],
)
def test_a_source_that_is_late_is_told_in_one_line(
    make_reader: Make, make_paper: Make, last_day: dt.date, ended: dt.datetime | None, told: bool
) -> None:
    reader = make_reader(phrases=("robot arms",))
    Subscriber.objects.filter(pk=reader.pk).update(covered_until=dt.date(2025, 10, 5))
    make_paper("Robot arms")
    SourceTrouble.objects.create(
        feed="arxiv-oai:cs", label="arXiv", state="late", last_day=last_day, began_at=NOW,
        ended_at=ended,
    )  # fmt: skip
    send_due(NOW, lambda: NOW)
    line = f"Some papers may be missing: arXiv has brought us too few since {last_day.day} October."
    assert (line in sent_text()) is told
    assert (line in sent_text("html")) is told


def test_tex_is_readable_in_the_mail_and_on_the_page(
    make_reader: Make, tmp_path: Path, client: Client
) -> None:
    r"""As 5\% of \$10, a < b and R&D must stay what they are."""
    make_reader(phrases=("robot arms",))
    Edition.objects.roll(NOW - dt.timedelta(days=3))
    entry = {
        "arxiv_id": "2510.00001", "listed": str(FRIDAY),
        "title": r"Robot arms of M\"uller \& S{\o}rensen: $\beta < 10^{-3}$",
        "abstract": "For 5\\% of \\$10 and $5 or $6,\nR&D gives a<b & c>d "
        "by end-\nto-end \\emph{tea}.",
    }  # fmt: skip
    path = tmp_path / "papers.jsonl"
    path.write_text(json.dumps(entry))
    call_command("import_papers", str(path), form="jsonl", now=NOW - dt.timedelta(days=3))
    title = "Robot arms of Müller & Sørensen: β < 10⁻³"
    abstract = "For 5% of $10 and $5 or $6, R&D gives a<b & c>d by end-to-end tea."
    send_due(NOW, lambda: NOW)
    assert title in sent_text()
    assert abstract in sent_text()
    page = client.get(Paper.objects.get().get_absolute_url()).content.decode()
    for shown in (html.unescape(sent_text("html")), html.unescape(page)):
        assert title in shown
        assert abstract in shown
    assert "a<b" not in page
    assert Paper.objects.get().raw["title"] == entry["title"]
