"""Who complained, or only wants to leave: feedback reports, and buttons of mail programs."""

import datetime as dt
from email.utils import format_datetime
from typing import Any

import pytest

from subscriptions import links
from subscriptions.flows.inbound import Taken, receive
from subscriptions.models import DomainDay, MailEvent, Subscriber, Suppression
from subscriptions.verp import Kind
from tests.conftest import MONDAY
from tests.returned import answer, complaint, of, of_digest, sent_digest, status, unsubscribe_header

LATER = MONDAY + dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
LOOP = "fbl@example.org"


@pytest.fixture(autouse=True)
def _an_address(settings: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"


def return_path(reader: Subscriber) -> str:
    return f"Return-Path: <{of_digest(sent_digest(reader, MONDAY))}>"


def from_apple(to: str) -> bytes:
    """What the button in Apple Mail sends, in its own form."""
    text = "Apple Mail sent this email to unsubscribe from the message “Papers”"
    return answer(to, text, "unsubscribe", Auto_Submitted="auto-generated")


def only_left(reader: Subscriber) -> bool:
    noted = MailEvent.objects.exists() or DomainDay.objects.exists()
    return status(reader) == "unsubscribed" and not noted and not Suppression.objects.exists()


def test_the_button_of_apple_mail_unsubscribes_and_is_no_complaint(ada: Subscriber) -> None:
    assert receive(from_apple(of(Kind.UNSUBSCRIBE, ada)), None, LATER) is Taken.UNSUBSCRIBED
    assert only_left(ada)


def test_its_button_complains_of_nobody_elsewhere(ada: Subscriber) -> None:
    for to in (LOOP, of(Kind.LETTER, ada), of_digest(sent_digest(ada, MONDAY))):
        assert receive(from_apple(to), None, LATER) in (Taken.NOT_OURS, Taken.NOTHING)
    assert status(ada) == "active" and not MailEvent.objects.exists()


def test_a_report_to_where_mail_programs_unsubscribe_does_nothing(ada: Subscriber) -> None:
    message = complaint(of(Kind.UNSUBSCRIBE, ada), LATER, unsubscribe_header(ada))
    assert receive(message, None, LATER) is Taken.NOTHING


@pytest.mark.parametrize("where", ["inside", "told", "came to"])
def test_who_is_named_by_an_envelope_sender_complained(ada: Subscriber, where: str) -> None:
    delivery = sent_digest(ada, MONDAY)
    sender = of_digest(delivery)
    message = complaint(LOOP, LATER, f"Return-Path: <{sender}>" if where == "inside" else "X-A: b")
    if where == "told":
        told = f"Version: 1\nOriginal-Mail-From: <{sender}>\n".encode()
        message = message.replace(b"Version: 1\n", told)
    receive(message, sender if where == "came to" else None, LATER)
    event = MailEvent.objects.get()
    assert (event.subscriber, event.delivery, event.kind) == (ada, delivery, "complaint")
    assert status(ada) == "complained" and Suppression.objects.has(ada.email)


def test_headers_alone_may_be_enclosed(ada: Subscriber) -> None:
    message = complaint(LOOP, LATER, return_path(ada))
    receive(message.replace(b"message/rfc822", b"text/rfc822-headers"), None, LATER)
    assert status(ada) == "complained"


def test_who_is_named_by_their_link_alone_only_leaves(ada: Subscriber, bo: Subscriber) -> None:
    """Whom a digest was forwarded to knows the link, too."""
    assert receive(complaint(LOOP, LATER, unsubscribe_header(ada)), None, LATER)
    assert only_left(ada) and status(bo) == "active"
    mailto = f"List-Unsubscribe: <mailto:{of(Kind.UNSUBSCRIBE, bo)}?subject=unsubscribe>"
    receive(complaint(LOOP, LATER, mailto), None, LATER)
    assert only_left(bo)


def test_what_stands_elsewhere_in_the_text_counts_for_nothing(ada: Subscriber) -> None:
    link, sender = links.UNSUBSCRIBE.url(ada.pk), of_digest(sent_digest(ada, MONDAY))
    inside = complaint(LOOP, LATER, "X-A: b").decode()
    for message in (
        answer(LOOP, f"Feedback-Type: abuse\n\n{link}\n{sender}"),
        inside.replace("\nPapers.\n", f"\nPapers.\n{link}\n{sender}\n").encode(),
        inside.replace("pressed the button.", f"wrote {link} {sender}").encode(),
        inside.replace("ExampleFBL/1.0", f"ExampleFBL/1.0\nX-Note: <{sender}> {link}").encode(),
        complaint(LOOP, LATER, f"X-Link: <{link}>"),
        complaint(of(Kind.REPLY, ada), LATER, "X-A: b"),
    ):
        assert receive(message, None, LATER) in (Taken.NOT_OURS, Taken.NOTHING)
    assert status(ada) == "active" and not MailEvent.objects.exists()


def test_a_report_that_could_be_of_two_readers_is_nobodys(ada: Subscriber, bo: Subscriber) -> None:
    for inside in (
        f"{unsubscribe_header(ada)}\n{unsubscribe_header(bo)}",
        f"{return_path(ada)}\n{unsubscribe_header(bo)}",
        "To: ada@example.org",
        unsubscribe_header(ada)[:-4] + "AA/>",
    ):
        assert receive(complaint(LOOP, LATER, inside), None, LATER) is Taken.NOT_OURS
    message = complaint(LOOP, LATER, f"Return-Path: <{of(Kind.LETTER, ada)}>")
    receive(message, of(Kind.LETTER, bo), LATER)
    assert (status(ada), status(bo)) == ("active", "active")
    assert not MailEvent.objects.exists()


def test_what_was_written_before_they_came_back_is_of_the_past(ada: Subscriber) -> None:
    """A mailbox may be read again from its beginning. Dates of true mails are off by hours."""
    assert ada.confirmed_at
    old, skewed = (format_datetime(ada.confirmed_at - n * DAY) for n in (2, 0.9))
    leave, reply = of(Kind.UNSUBSCRIBE, ada), of(Kind.REPLY, ada)
    before = ada.confirmed_at - 20 * DAY
    for message in (
        answer(leave, "", "unsubscribe", Date=old),
        answer(leave, "", "unsubscribe", Date="Mon, 1 Jan 0001 00:00:00 +2300"),
        answer(reply, "unsubscribe", Date=old),
        complaint(LOOP, before, unsubscribe_header(ada)),
        complaint(LOOP, before, f"Return-Path: <{of(Kind.LETTER, ada)}>"),
    ):
        receive(message, None, LATER)
        assert status(ada) == "active"
    assert MailEvent.objects.get().happened_at == before
    receive(answer(leave, "", "unsubscribe", Date=skewed), None, LATER)
    assert status(ada) == "unsubscribed"


@pytest.mark.parametrize("date", ["", "soon", "Mon, 01 Jan 2035 00:00:00 +0000"])
def test_without_a_date_that_can_be_it_is_of_now(ada: Subscriber, date: str) -> None:
    message = complaint(LOOP, LATER, return_path(ada))
    receive(message.replace(format_datetime(LATER).encode(), date.encode()), None, LATER)
    assert MailEvent.objects.get().happened_at == LATER
