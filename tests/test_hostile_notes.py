"""A hostile note, introduction and title, wherever readers and editors see them."""

import datetime as dt
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import lxml.etree
import lxml.html
import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from subscriptions import links
from subscriptions.digests.tick import send_due
from subscriptions.models import Delivery, Edition, Paper, Pick

FRIDAY = dt.date(2025, 10, 10)
NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
Make = Callable[..., Any]

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>",
    "[x](javascript:alert(1)) <javascript:alert(1)> [y](data:text/html,z) ![z](https://e.example/i)",
    '[a](https://e.example/"onclick=\'alert(1)\') [b](https://e.example/ "title")',
    "</style><style>*{display:none}</style><p style='width:expression(alert(1))'>",
    "]]></content><script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script><!-- {{ x }}",
    "Turned \u202e round \u2066 and \u2067 about",
    "[" * 1_000_000,
    "> - **[*" * 100_000,
]


@pytest.fixture(params=HOSTILE, ids=lambda text: text[:12])
def digest(
    request: pytest.FixtureRequest, make_paper: Make, make_reader: Make
) -> tuple[Delivery, EmailMessage]:
    """What a reader got who follows a hostile paper, picked with a hostile note."""
    hostile = request.param
    with time_machine.travel(NOW, tick=False):
        paper = make_paper(f"T {hostile}"[:500], abstract=hostile[:9_000], authors=[hostile[:200]])
        Pick.objects.create(paper=paper, day=FRIDAY, note=hostile)
        make_reader("ada@example.org")
        Edition.objects.roll(NOW)
        Edition.objects.filter(day=FRIDAY).update(intro=hostile)
        assert send_due(NOW, lambda: NOW)["sent"] == 1
        raw = mail.outbox[0].message().as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return Delivery.objects.get(), message


def check(html: str) -> None:
    """That nothing in it acts, looks otherwise, turns around or goes where it must not."""
    document = lxml.html.document_fromstring(html.encode(), lxml.html.HTMLParser(encoding="utf-8"))
    assert not document.xpath("//script[not(@src)] | //img[not(starts-with(@src, '/'))]")
    for element in document.iter(lxml.etree.Element):
        assert not any(name.startswith("on") for name in element.attrib), element.attrib
        assert "expression" not in element.get("style", "")
        href = element.get("href", "")
        assert re.match(r"https?://|mailto:|[/#?]|$", href) and not href.startswith("//"), href
    assert not any("display:none}" in style for style in document.xpath("//style/text()"))
    assert not re.search("[\u202a-\u202e\u2066-\u2069\0]", html)
    assert len(html) < 150_000


@pytest.mark.django_db
def test_in_the_mail(digest: tuple[Delivery, EmailMessage]) -> None:
    message = digest[1]
    assert not re.search("[\0-\x1f\u202a-\u202e\u2066-\u2069]", message["Subject"])
    assert len(message["Subject"]) < 100
    html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
    assert isinstance(html, EmailMessage) and isinstance(text, EmailMessage)
    check(html.get_content())
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", text.get_content())


@pytest.mark.django_db
def test_on_pages_and_in_the_feed(client: Client, digest: tuple[Delivery, EmailMessage]) -> None:
    delivery, _ = digest
    paper = Paper.objects.get()
    web = client.get(links.DIGEST.url(delivery.pk))
    assert "unsafe" not in web["Content-Security-Policy"]
    assert web["Content-Security-Policy"].count("'sha256-") == 3, "one for each style of ours"
    pages = [web, client.get(reverse("edition", args=[FRIDAY])), client.get(reverse("archive"))]
    pages += [client.get(paper.get_absolute_url()), client.get(reverse("week", args=["2025-W41"]))]
    for page in pages:
        assert page.status_code == 200
        check(page.text)
    feed = lxml.etree.fromstring(client.get(reverse("daily-feed")).content)
    for content in feed.iter("{http://www.w3.org/2005/Atom}content"):
        check(content.text or "")


@pytest.mark.django_db
def test_in_previews(
    admin_client: Client, make_reader: Make, digest: tuple[Delivery, EmailMessage]
) -> None:
    edition = Edition.objects.get(day=FRIDAY)
    with time_machine.travel(NOW, tick=False):
        reader = make_reader("who.has.seen.nothing@example.org")
        for name, pk in (("subscriber", reader.pk), ("edition", edition.pk)):
            for kind in ("preview", "preview_html"):
                url = reverse(f"admin:subscriptions_{name}_{kind}", args=[pk])
                page = admin_client.get(url)
                assert page.status_code == 200 and ("T " in page.text or kind == "preview"), url
                check(page.text)
