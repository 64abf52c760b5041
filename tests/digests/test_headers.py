"""The headers of a digest and its envelope sender, as they are on the wire."""

import datetime as dt
import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from django.test import override_settings

from subscriptions import links, verp
from subscriptions.digests.compose import Composer
from subscriptions.digests.content import load_content
from subscriptions.digests.message import Digest
from subscriptions.models import Delivery
from subscriptions.verp import Kind

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
TO_BOUNCES = override_settings(BOUNCE_ADDRESS="bounces@example.org")

Make = Callable[..., Any]


@pytest.fixture
def delivery(make_reader: Make, make_paper: Make) -> Delivery:
    items = [{"paper": make_paper("Of rivers").pk, "section": "matches", "reason": ""}]
    reader = make_reader("Ada@example.org", phrases=("x",))
    return Delivery(pk=7, subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY, items=items)


def compose(delivery: Delivery) -> Digest:
    return Composer(load_content([delivery])).compose(delivery, NOW)


def lines(digest: Digest) -> list[str]:
    return digest.wire().partition(b"\r\n\r\n")[0].decode().split("\r\n")


def parsed(digest: Digest) -> EmailMessage:
    found = message_from_bytes(digest.wire(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_all_of_them_with_a_mailbox_for_what_comes_back(delivery: Delivery) -> None:
    reader = delivery.subscriber.pk
    with TO_BOUNCES:
        digest = compose(delivery)
        unsubscribe = verp.address(Kind.UNSUBSCRIBE, reader)
        assert digest.sender == verp.address(Kind.DIGEST, 7)
        assert lines(digest) == [
            "From: Paper Round <digest@localhost>",
            "To: Ada@example.org",
            "Subject: Of rivers",
            f"Reply-To: {verp.address(Kind.REPLY, reader)}",
            "Message-ID: <digest-7@localhost>",
            "Date: Mon, 13 Oct 2025 09:00:00 +0000",
            "List-Id: Paper Round <digest.localhost>",
            "List-Unsubscribe:",
            f" <{links.UNSUBSCRIBE.url(reader)}>,",
            f" <mailto:{unsubscribe}?subject=unsubscribe>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            f"Feedback-ID: 20251010:{delivery.subscriber.cadence}:digest:paper-round",
            "Auto-Submitted: auto-generated",
            "Precedence: bulk",
            "MIME-Version: 1.0",
            'Content-Type: multipart/alternative; boundary="=_digest-7"',
        ]
        assert digest.email().message()["List-Unsubscribe"].count("<") == 2


def test_without_one_nobody_is_asked_to_write(delivery: Delivery) -> None:
    digest = compose(delivery)
    head = "\n".join(lines(digest))
    assert digest.sender == "digest@localhost"
    assert "mailto:" not in head and "Reply-To" not in head
    assert parsed(digest)["List-Unsubscribe"].count("<") == 1


def test_one_that_is_not_stored_has_no_address_of_its_reader(delivery: Delivery) -> None:
    delivery.pk = None
    with TO_BOUNCES:
        digest = compose(delivery)
        reader = delivery.subscriber.pk
        assert digest.sender == "digest@localhost"
        assert parsed(digest)["List-Unsubscribe"] == f"<{links.UNSUBSCRIBE.url(None)}>"
        wire = re.sub(r"=\r\n", "", digest.wire().decode())
        assert "bounces+" not in wire and "Reply-To" not in wire
        assert links.UNSUBSCRIBE.url(reader) not in digest.html + digest.text


@pytest.mark.parametrize(
    ("site", "bounces"),
    [
        ("https://papers.institute.example.org", "bounces@example.org"),
        ("https://papers.institute.example.org", "what.comes.back@mail.example.org"),
        ("https://p.example", "x" * 26 + "@example.org"),
    ],
)
@pytest.mark.parametrize("reader", [1, 10**9])
def test_every_line_stays_below_78(
    delivery: Delivery, site: str, bounces: str, reader: int
) -> None:
    """Up to 36 characters of SITE_URL and 38 of BOUNCE_ADDRESS, for a thousand million readers."""
    delivery.subscriber.pk = reader
    with override_settings(SITE_URL=site, BOUNCE_ADDRESS=bounces):
        digest = compose(delivery)
        found = lines(digest)
        assert all(len(line) < 78 for line in found)
        https, mailto = (line for line in found if line.startswith(" <"))
        assert https == f" <{links.UNSUBSCRIBE.url(reader)}>,"
        assert mailto.startswith(f" <mailto:{verp.address(Kind.UNSUBSCRIBE, reader)}")
        assert mailto.endswith("?subject=unsubscribe>") or len(mailto) + 20 > 77


@pytest.mark.parametrize(
    "name",
    [
        "Paper Round",
        "Blätter, wöchentlich",
        "Round, Paper",
        "Ein sehr langer Name für die Blätter, die jede Woche kommen, und noch etwas dazu",
        "每周论文" * 12,
    ],
)
def test_the_senders_name_in_any_script(delivery: Delivery, name: str) -> None:
    with override_settings(DEFAULT_FROM_EMAIL=f'"{name}" <digest@bücher.example>'):
        digest = compose(delivery)
        found, message = lines(digest), message_from_bytes(digest.wire())
    assert all(len(line) <= 78 and line.strip() and line.isascii() for line in found)
    shown, email = parseaddr(message["From"])
    assert str(make_header(decode_header(shown))) == name
    assert email == "digest@xn--bcher-kva.example"
    words = re.findall(r"=\?utf-8\?b\?[^?]*\?=", "".join(found))
    assert all(len(word) <= 75 for word in words), "RFC 2047 section 2"
