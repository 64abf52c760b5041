"""Papers that readers put forward, and what an editor decides."""

import datetime as dt
from collections.abc import Iterable
from enum import Enum

from django.db import transaction

from subscriptions.models import (
    WINDOW_DAYS,
    Edition,
    Listing,
    Paper,
    Source,
    Submission,
    Subscriber,
)

from .trends import recount
from .wanted import want

A_DAY = 5
DAY = dt.timedelta(days=1)

Status = Submission.Status


class Answer(Enum):
    """What became of putting a paper forward."""

    TAKEN = "taken"
    AGAIN = "again"
    """The reader has put it forward before."""
    LISTED = "listed"
    """It is in one of the newest editions already."""
    TOO_MANY = "too many"


class Decision(Enum):
    """What became of accepting one."""

    ACCEPTED = "accepted"
    DECIDED = "decided before, or withdrawn"
    NOT_HERE = "not here yet: arXiv has not answered, or does not know it"
    HIDDEN = "hidden: show the paper again first"


def submit(reader: Subscriber, arxiv_id: str, now: dt.datetime) -> Answer:
    """Put a paper forward; it is fetched where it is not here."""
    with transaction.atomic():
        Subscriber.objects.select_for_update().get(pk=reader.pk)  # the count holds
        if reader.submissions.filter(arxiv_id=arxiv_id).exists():
            return Answer.AGAIN
        if reader.submissions.filter(submitted_at__gt=now - DAY).count() >= A_DAY:
            return Answer.TOO_MANY
        paper = Paper.objects.filter(arxiv_id=arxiv_id).first()
        since = now.date() - WINDOW_DAYS * DAY
        if paper and not paper.hidden and paper.listings.filter(day__gte=since).exists():
            return Answer.LISTED
        Submission.objects.create(
            subscriber=reader, arxiv_id=arxiv_id, paper=paper, submitted_at=now
        )
        if paper is None:
            want([arxiv_id], now)
    return Answer.TAKEN


def withdraw(reader: Subscriber, pk: int) -> bool:
    """Forget what a reader put forward, as long as nobody has decided; whether it was so."""
    return bool(reader.submissions.filter(pk=pk, status=Status.WAITING).delete()[0])


def accept(pk: int, now: dt.datetime) -> Decision:
    """List the paper in today's edition as one that a reader put forward."""
    with transaction.atomic():
        days = Edition.objects.listing_day()  # first, as an import locks editions, then papers
        submission = Submission.objects.filter(pk=pk, status=Status.WAITING).first()
        if submission is None:
            return Decision.DECIDED
        if submission.paper_id is None:
            return Decision.NOT_HERE
        paper = Paper.objects.select_for_update().get(pk=submission.paper_id)
        if paper.hidden:
            return Decision.HIDDEN
        if not _decide([pk], Status.ACCEPTED, now):
            return Decision.DECIDED
        today = now.date()
        Listing.objects.get_or_create(
            paper=paper, source=Source.READERS, announced=today, defaults={"day": days.day(today)}
        )
        recount(Paper.objects.filter(pk=paper.pk))
    return Decision.ACCEPTED


def decline(pks: Iterable[int], now: dt.datetime) -> int:
    """How many of them still waited."""
    return _decide(pks, Status.DECLINED, now)


def _decide(pks: Iterable[int], status: Submission.Status, now: dt.datetime) -> int:
    waiting = Submission.objects.filter(pk__in=pks, status=Status.WAITING)
    return waiting.update(status=status, decided_at=now)
