"""What editors do with topics: offer and retire them, mark what they bring, make two one."""

import datetime as dt
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.text import slugify

from subscriptions.models import Feedback, Interest, Pick, Subscriber, Topic, TopicMark, TopicMatch

FEW = 50_000
"""With more interests than these it is estimated how many follow each topic, and kept."""
KEPT = 10 * 60
"""Seconds."""

Status = Topic.Status


@dataclass(frozen=True)
class Followers:
    """How many active subscribers follow each topic, by its pk."""

    counts: dict[int, int]
    about: bool
    """Whether they are estimated: all who follow, times the part of subscribers that is active."""


def followers() -> Followers:
    """Two queries; where there are many readers, three, once in ten minutes and process."""
    found: Followers | None = cache.get("topic-followers")
    if found is not None:
        return found
    interests = Interest.objects.filter(topic__isnull=False)
    active = Q(status=Subscriber.Status.ACTIVE)
    if interests[: FEW + 1].count() <= FEW:
        theirs = interests.filter(subscriber__status=Subscriber.Status.ACTIVE)
        return Followers(_by_topic(theirs), about=False)
    of = Subscriber.objects.aggregate(all=Count("pk"), active=Count("pk", filter=active))
    part = of["active"] / max(of["all"], 1)
    rounded = {pk: _rounded(n * part) for pk, n in _by_topic(interests).items()}
    found = Followers(rounded, about=True)
    cache.set("topic-followers", found, KEPT)
    return found


def _by_topic(interests: QuerySet[Interest]) -> dict[int, int]:
    rows = interests.order_by().values("topic_id").annotate(n=Count("pk"))
    return {row["topic_id"]: row["n"] for row in rows}


def _rounded(number: float) -> int:
    """To two digits: more would look like a count."""
    whole = round(number)
    return round(whole, -max(len(str(whole)) - 2, 0))


def set_status(topics: QuerySet[Topic], status: str) -> list[Topic]:
    """Those whose status that changed. One that is offered again is a topic of its own."""
    with transaction.atomic():
        changed = list(topics.exclude(status=status).select_for_update(of=("self",)))
        offered = {"merged_into": None} if status == Status.OFFERED else {}
        Topic.objects.filter(pk__in=[t.pk for t in changed]).update(status=status, **offered)
    return changed


def new_slug(name: str) -> str:
    """For the address of a topic of this name, one that no other has."""
    slug = slugify(name)[:50] or "topic"
    taken = set(Topic.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    numbered = (f"{slug}-{n}" for n in count(2))
    return next(one for one in chain([slug], numbered) if one not in taken)


def mark(topic: Topic, paper: int, verdict: str, by: Any, now: dt.datetime) -> None:
    """Note whether a paper belongs to a topic; an empty verdict takes that back."""
    if not verdict:
        topic.marks.filter(paper=paper).delete()
        return
    TopicMark.objects.update_or_create(
        topic=topic, paper_id=paper, defaults={"verdict": verdict, "by": by, "marked_at": now}
    )


@dataclass(frozen=True)
class Overlap:
    """Who follows a topic that is to be merged into another, whatever their status."""

    followers: int
    active: int
    both: int
    """Those who follow the other too."""


def overlap(source: Topic, target: Topic) -> Overlap:
    """Counted in one query."""
    active = Q(subscriber__status=Subscriber.Status.ACTIVE)
    counts = source.interest_set.aggregate(
        followers=Count("pk"),
        active=Count("pk", filter=active),
        both=Count("pk", filter=Q(Exists(_of_same_reader(target.pk)))),
    )
    return Overlap(**counts)


def merge(source: int, target: int) -> Overlap | None:
    """Followers, picks and marks of one topic become the other's, which must be offered.

    Who follows both keeps the interest in the target, with the higher of their weights and all
    that they said of papers that either brought. The source stays, retired and followed by
    nobody, and knows where they went. None where one of the two is not there any more, or was
    retired or merged meanwhile.
    """
    with transaction.atomic():
        both = Topic.objects.filter(pk__in=[source, target]).order_by("pk")
        by_pk = {topic.pk: topic for topic in both.select_for_update(no_key=True)}
        if len(by_pk) < 2 or by_pk[source].merged_into_id or by_pk[target].status != Status.OFFERED:
            return None
        _lock_followers(source)
        found = overlap(by_pk[source], by_pk[target])
        _move_interests(source, target)
        _move_picks(source, target)
        _move_marks(source, target)
        TopicMatch.objects.filter(topic=source).delete()
        Topic.objects.filter(Q(pk=source) | Q(merged_into=source)).update(
            status=Status.RETIRED, merged_into=target
        )
    return found


def gather() -> None:
    """Bring along who began to follow a topic at the moment it was merged: one query for none."""
    followed = Exists(Interest.objects.filter(topic=OuterRef("pk")))
    for topic in Topic.objects.filter(followed, merged_into__isnull=False):
        if topic.merged_into_id:
            with transaction.atomic():
                _lock_followers(topic.pk)
                _move_interests(topic.pk, topic.merged_into_id)


def _lock_followers(topic: int) -> None:
    """So that no choices of theirs change meanwhile; in the order in which digests are queued."""
    followed = Interest.objects.filter(topic=topic, subscriber=OuterRef("pk"))
    readers = Subscriber.objects.filter(Exists(followed)).order_by("pk")
    list(readers.select_for_update(no_key=True, of=("self",)).values_list("pk"))


def _of_same_reader(topic: int) -> QuerySet[Interest]:
    return Interest.objects.filter(topic=topic, subscriber=OuterRef("subscriber"))


def _move_interests(source: int, target: int) -> None:
    theirs = Interest.objects.filter(topic=source)
    twice = theirs.filter(Exists(_of_same_reader(target)))
    # Locked, so that no feedback comes for them that would be lost with them.
    doubled = list(twice.select_for_update(of=("self",)).values_list("pk", flat=True))
    higher = _of_same_reader(source).filter(weight__gt=OuterRef("weight"))
    Interest.objects.filter(Exists(higher), topic=target).update(
        weight=Subquery(higher.values("weight"))
    )
    kept = _of_same_reader(target).values("pk")
    Feedback.objects.filter(interest__in=twice).update(interest=Subquery(kept))
    Interest.objects.filter(pk__in=doubled).delete()
    theirs.update(topic=target)


def _move_picks(source: int, target: int) -> None:
    links = Pick.topics.through._default_manager
    has_target = links.filter(topic=target, pick=OuterRef("pick"))
    links.filter(Exists(has_target), topic=source).delete()
    links.filter(topic=source).update(topic=target)


def _move_marks(source: int, target: int) -> None:
    marked = TopicMark.objects.filter(topic=target, paper=OuterRef("paper"))
    marks = TopicMark.objects.filter(topic=source)
    marks.filter(Exists(marked)).delete()
    marks.update(topic=target)
