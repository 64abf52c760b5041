"""The rules that the database itself keeps."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from subscriptions.models import (
    Delivery,
    DoubtfulPair,
    Edition,
    Feedback,
    Interest,
    Listing,
    ListingVotes,
    Paper,
    Pick,
    SourceRun,
    SourceTrouble,
    Subscriber,
    Suppression,
    Topic,
)

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
DAY = NOW.date()

Make = Callable[..., Any]


def refused(make: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make()


def subscriber(**fields: Any) -> Subscriber:
    values = {"consent_version": "1", "consent_asked_at": NOW, **fields}
    return Subscriber.objects.create(**{"email": "ada@example.org", **values})


ACTIVE = {"status": "active", "confirmed_at": NOW, "next_digest_at": NOW}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "sleeping"},
        {"cadence": "hourly"},
        {"weekday": 7},
        {"hour": 24},
        {**ACTIVE, "confirmed_at": None},
        {**ACTIVE, "next_digest_at": None},
        {"status": "pending", "next_digest_at": NOW},
        {"status": "unsubscribed", "next_digest_at": NOW},
        {**ACTIVE, "paused_until": DAY},
    ],
)
@pytest.mark.django_db
def test_subscriber(fields: dict[str, Any]) -> None:
    refused(lambda: subscriber(**fields))


@pytest.mark.django_db
def test_addresses_are_unique_without_regard_to_case() -> None:
    subscriber()
    refused(lambda: subscriber(email="Ada@Example.ORG"))


def test_paper(make_paper: Make) -> None:
    paper = make_paper("One")
    refused(lambda: Paper.objects.create(title="No id", first_seen=NOW))
    refused(lambda: Paper.objects.create(title="", arxiv_id="1", first_seen=NOW))
    refused(lambda: Paper.objects.create(title="x", arxiv_id="1", first_seen=NOW, hidden="why"))
    refused(lambda: Paper.objects.create(title="x", arxiv_id=paper.arxiv_id, first_seen=NOW))


def test_listing_and_votes(make_paper: Make) -> None:
    paper = make_paper("One", votes=3)
    listing = paper.listings.get()
    same = {"paper": paper, "source": listing.source, "announced": listing.announced}
    refused(lambda: Listing.objects.create(**same, day=DAY))
    refused(lambda: Listing.objects.create(**{**same, "source": ""}, day=DAY))
    early = listing.announced - dt.timedelta(days=1)
    refused(lambda: Listing.objects.create(**{**same, "announced": DAY}, day=early))
    refused(lambda: ListingVotes.objects.create(listing=listing, date=listing.day, count=4))


@pytest.mark.django_db
def test_edition_and_source_run() -> None:
    Edition.objects.create(day=DAY)
    refused(lambda: Edition.objects.create(day=DAY))
    other = DAY + dt.timedelta(days=1)
    refused(lambda: Edition.objects.create(day=other, status="released"))
    refused(lambda: Edition.objects.create(day=other, status="open", released_at=NOW))
    run = {"source": "arxiv", "origin": "x", "started_at": NOW}
    refused(lambda: SourceRun.objects.create(**run, status="ok"))
    refused(lambda: SourceRun.objects.create(**run, status="running", finished_at=NOW))
    refused(lambda: SourceRun.objects.create(**run, status="running"))
    run |= {"expires_at": NOW}
    refused(lambda: SourceRun.objects.create(**run, status="ok", finished_at=NOW))
    for feed in ("", "", "arxiv-oai"):  # files at will, of feeds one
        SourceRun.objects.create(**run, feed=feed)
    refused(lambda: SourceRun.objects.create(**run, feed="arxiv-feed"))
    SourceRun.objects.create(**{**run, "source": "hugging-face"}, feed="hf-daily")


def test_pair_and_trouble(make_paper: Make) -> None:
    one, other = make_paper("One"), make_paper("One")
    pair = {"paper": one, "other": other, "found_at": NOW}
    DoubtfulPair.objects.create(**pair)
    refused(lambda: DoubtfulPair.objects.create(**pair))
    refused(lambda: DoubtfulPair.objects.create(**{**pair, "other": one}))
    refused(
        lambda: DoubtfulPair.objects.create(**{**pair, "paper": other, "other": one}, status="x")
    )
    trouble = {"feed": "a", "label": "A", "began_at": NOW, "state": "late"}
    SourceTrouble.objects.create(**trouble, ended_at=NOW)
    SourceTrouble.objects.create(**trouble)
    refused(lambda: SourceTrouble.objects.create(**trouble))
    refused(lambda: SourceTrouble.objects.create(**{**trouble, "feed": "b", "state": "odd"}))


def test_topic_and_pick(make_paper: Make) -> None:
    Topic.objects.create(slug="a", name="Robots", group="g")
    refused(lambda: Topic.objects.create(slug="b", name="ROBOTS", group="g"))
    refused(lambda: Topic.objects.create(slug="c", name="Other", group="g", status="new"))
    paper = make_paper("One")
    Pick.objects.create(paper=paper, day=DAY)
    refused(lambda: Pick.objects.create(paper=paper, day=DAY))


def test_interest(make_reader: Make, make_paper: Make, topics: dict[str, Topic]) -> None:
    reader = make_reader(phrases=("flow matching",))
    topic, paper = topics["robotics"], make_paper("One")

    def add(**fields: Any) -> Callable[[], object]:
        return lambda: Interest.objects.create(subscriber=reader, **fields)

    refused(add(kind="topic"))
    refused(add(kind="topic", topic=topic, value="x"))
    refused(add(kind="phrase"))
    refused(add(kind="phrase", value="Flow Matching"))
    refused(add(kind="paper", topic=topic))
    refused(add(kind="mood", value="x"))
    refused(add(kind="phrase", value="x", weight=3))
    refused(add(kind="topic", topic=topic, weight=-2))
    add(kind="topic", topic=topic)()
    refused(add(kind="topic", topic=topic))
    add(kind="paper", paper=paper)()
    refused(add(kind="paper", paper=paper))


def test_feedback(make_reader: Make, make_paper: Make) -> None:
    same = {"subscriber": make_reader(), "paper": make_paper("One"), "given_at": NOW}
    Feedback.objects.create(**same, verdict="more")
    refused(lambda: Feedback.objects.create(**same, verdict="less"))
    Feedback.objects.create(**same, verdict="save")
    refused(lambda: Feedback.objects.create(**same, verdict="save"))
    refused(lambda: Feedback.objects.create(**same, verdict="meh"))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "lost"},
        {"status": "claimed"},
        {"status": "sending", "claim_token": uuid.uuid4()},
        {"status": "queued", "claim_token": uuid.uuid4(), "claim_expires_at": NOW},
        {"status": "sent"},
        {"status": "queued", "sent_at": NOW},
        {"status": "deferred"},
        {"first_day": DAY + dt.timedelta(days=1)},
    ],
)
def test_delivery(make_reader: Make, fields: dict[str, Any]) -> None:
    values = {"subscriber": make_reader(), "first_day": DAY, "newest_day": DAY, "created_at": NOW}
    refused(lambda: Delivery.objects.create(**{**values, **fields}))
    Delivery.objects.create(**values)
    refused(lambda: Delivery.objects.create(**values))


@pytest.mark.django_db
def test_suppression_keeps_no_address() -> None:
    hashed = Suppression.hash("Ada@example.org")
    row = Suppression.objects.create(email_hash=hashed, reason="operator", created_at=NOW)
    assert Suppression.objects.has("ada@EXAMPLE.org")
    assert Suppression.objects.suppressed(["ada@example.org", "bo@example.org"]) == {
        "ada@example.org"
    }
    assert "ada" not in row.email_hash and "example" not in str(row)
    refused(lambda: Suppression.objects.create(email_hash="x", reason="mood", created_at=NOW))
