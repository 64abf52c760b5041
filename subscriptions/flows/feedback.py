"""What a reader says of a paper they were sent."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from subscriptions.models import Delivery, Feedback, Interest, Paper

Verdict = Feedback.Verdict


@dataclass(frozen=True)
class Said:
    """One paper of a digest, and what its reader has said of it."""

    delivery: Delivery
    paper: Paper
    interest: int | None
    verdicts: frozenset[str]


def find(delivery: Delivery, place: int) -> Said | None:
    """The paper at a place of a delivery's items; None where it is not there any more."""
    if place >= len(delivery.items):
        return None
    item = delivery.items[place]
    paper = Paper.objects.filter(pk=item["paper"]).first()
    if paper is None:
        return None
    said = Feedback.objects.filter(subscriber=delivery.subscriber_id, paper=paper)
    verdicts = frozenset(said.values_list("verdict", flat=True))
    return Said(delivery, paper, item.get("interest"), verdicts)


def saved_papers(pk: int) -> QuerySet[Paper]:
    """What a reader saved and may still be shown, the last one first."""
    saved = Feedback.objects.filter(subscriber=pk, verdict=Verdict.SAVE, paper=OuterRef("pk"))
    return (
        Paper.objects.visible()
        .annotate(saved_at=Subquery(saved.values("given_at")[:1]))
        .filter(saved_at__isnull=False)
        .order_by("-saved_at", "-pk")
    )


def take_off(pk: int, paper: int) -> None:
    """A paper is no longer among those a reader saved."""
    Feedback.objects.filter(subscriber=pk, verdict=Verdict.SAVE, paper=paper).delete()


def give(said: Said, verdict: Verdict, now: dt.datetime) -> None:
    """Record a verdict with the interest that brought the paper.

    *More* and *less* replace each other; saying the same again changes nothing but the time.
    """
    subscriber = said.delivery.subscriber_id
    interest = Interest.objects.filter(pk__in=[said.interest], subscriber=subscriber).first()
    opinions = [Verdict.MORE, Verdict.LESS]
    Feedback.objects.update_or_create(
        subscriber_id=subscriber,
        paper=said.paper,
        verdict__in=opinions if verdict in opinions else [Verdict.SAVE],
        defaults={"verdict": verdict, "interest": interest, "given_at": now},
    )
