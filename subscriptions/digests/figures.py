"""What became of an edition: its digests, its papers and topics, and who left after it."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import Count, Max, Min, Q

from subscriptions.models import (
    Delivery,
    Edition,
    EditionReport,
    Feedback,
    Interest,
    Item,
    MailEvent,
    Section,
    Subscriber,
)

Status = Delivery.Status

DAY = dt.timedelta(days=1)
COUNTED_FOR = 8 * DAY
"""So long after its release an edition is counted by itself."""
OFTEN, SELDOM = dt.timedelta(hours=1), dt.timedelta(hours=6)
"""How old a count may become in the first day, and later."""
CHUNK = 2000

LEFT = (
    Subscriber.Status.UNSUBSCRIBED,
    Subscriber.Status.BOUNCED,
    Subscriber.Status.COMPLAINED,
)
VERDICTS = tuple(verdict.value for verdict in Feedback.Verdict)
SECTIONS = tuple(section.value for section in Section)

Figures = dict[str, Any]
"""As ``EditionReport.figures`` has them, of the digests whose newest day is the edition's:

    counted_at  when, in ISO 8601
    deliveries  digests by state
    bounced     how many came back, while they were sent or later, for their address or for now
    complained  how many were called spam
    left        readers by status, whose last digest this was
    papers      of each: paper (its pk), readers by section, more, less, save
    topics      of each: topic (its pk), readers, papers, more, less, save, left

What is sent counts, and the verdicts of who was sent the paper in one of these digests. A topic
has what its followers got by it, and those of them who left. Erased readers are in no figure.
What came back is known for some months: ``KEPT`` of flows/bounces.py.
"""


def due(now: dt.datetime) -> list[int]:
    """The editions to count by now: one query."""
    released = Edition.objects.released().filter(released_at__gt=now - COUNTED_FOR)
    return [
        pk
        for pk, since, made_at in released.order_by("day").values_list(
            "pk", "released_at", "report__made_at"
        )
        if since and (not made_at or made_at < since or made_at <= now - _age(now - since))
    ]


def _age(out_for: dt.timedelta) -> dt.timedelta:
    return OFTEN if out_for <= DAY else SELDOM


def count(pk: int, asked_at: dt.datetime, now: dt.datetime) -> bool:
    """Count an edition anew and store it; False where that was begun since it was asked for.

    In memory are a chunk of digests, and the sums by paper and topic.
    """
    day = Edition.objects.released().filter(pk=pk).values_list("day", flat=True).first()
    if day is None or not EditionReport.objects.claim(pk, asked_at, now):
        return False
    EditionReport.objects.keep(pk, _figures(day, now), now)
    return True


def _figures(day: dt.date, now: dt.datetime) -> Figures:
    these = Delivery.objects.filter(newest_day=day)
    states = these.values_list("status").annotate(count=Count("pk")).order_by()
    tally = _Tally()
    for chunk in _sent(day):
        tally.sent(chunk)
    left = Subscriber.objects.filter(
        status__in=LEFT,
        covered_until=day,
        deliveries__newest_day=day,
        deliveries__status=Status.SENT,
    ).values_list("status", "deliveries__items")
    gone: Counter[str] = Counter()
    rows = left.iterator(CHUNK)
    while some := list(islice(rows, CHUNK)):
        gone.update(status for status, _ in some)
        tally.left([items for _, items in some])
    said = Feedback.objects.filter(
        given_at__gte=dt.datetime.combine(day, dt.time(), dt.UTC),
        subscriber__deliveries__newest_day=day,
        subscriber__deliveries__status=Status.SENT,
    ).values_list("verdict", "paper", "interest__topic", "subscriber__deliveries__items")
    for verdict, paper, topic, items in said.iterator(CHUNK):
        if any(item["paper"] == paper for item in items):
            tally.said(verdict, paper, topic)
    return {
        "counted_at": now.isoformat(),
        "deliveries": dict(states),
        **_came_back(day),
        "left": {status.value: gone[status] for status in LEFT},
        **tally.figures(),
    }


def _came_back(day: dt.date) -> dict[str, int]:
    """Each digest once, however often it was told of: one query."""
    kinds = MailEvent.Kind
    return MailEvent.objects.filter(delivery__newest_day=day).aggregate(
        bounced=Count("delivery", distinct=True, filter=Q(kind__in=[kinds.HARD, kinds.SOFT])),
        complained=Count("delivery", distinct=True, filter=Q(kind=kinds.COMPLAINT)),
    )


class _Tally:
    """The sums by paper and by topic."""

    def __init__(self) -> None:
        self._papers: dict[int, Counter[str]] = defaultdict(Counter)
        self._topics: dict[int, Counter[str]] = defaultdict(Counter)
        self._papers_of: dict[int, set[int]] = defaultdict(set)
        self._interests: dict[int, int] = {}

    def sent(self, chunk: list[list[Item]]) -> None:
        """Digests that were sent."""
        for items in chunk:
            for item in items:
                self._papers[item["paper"]][item["section"]] += 1
        for pairs in self._topics_of(chunk):
            for topic, paper in pairs:
                self._papers_of[topic].add(paper)
            for topic in {topic for topic, _ in pairs}:
                self._topics[topic]["readers"] += 1

    def left(self, chunk: list[list[Item]]) -> None:
        """The last digests of readers who left."""
        for pairs in self._topics_of(chunk):
            for topic in {topic for topic, _ in pairs}:
                self._topics[topic]["left"] += 1

    def said(self, verdict: str, paper: int, topic: int | None) -> None:
        self._papers[paper][verdict] += 1
        if topic in self._topics:
            self._topics[topic][verdict] += 1

    def figures(self) -> Figures:
        return {
            "papers": [
                {"paper": paper, **{name: sums[name] for name in (*SECTIONS, *VERDICTS)}}
                for paper, sums in sorted(
                    self._papers.items(),
                    key=lambda row: (-sum(row[1][name] for name in SECTIONS), row[0]),
                )
            ],
            "topics": [
                {
                    "topic": topic,
                    "papers": len(self._papers_of[topic]),
                    **{name: sums[name] for name in ("readers", *VERDICTS, "left")},
                }
                for topic, sums in sorted(
                    self._topics.items(), key=lambda row: (-row[1]["readers"], row[0])
                )
            ],
        }

    def _topics_of(self, chunk: list[list[Item]]) -> list[list[tuple[int, int]]]:
        """Of each digest, the topics of its reader and the papers they brought: one query."""
        wanted = {pk for items in chunk for item in items if (pk := item.get("interest"))}
        interests = Interest.objects.filter(pk__in=wanted, topic__isnull=False)
        topics = dict(interests.values_list("pk", "topic"))
        return [
            [
                (topics[pk], item["paper"])
                for item in items
                if (pk := item.get("interest")) in topics
            ]
            for items in chunk
        ]


def _sent(day: dt.date) -> Iterator[list[list[Item]]]:
    """What was sent, by stretches of pks: a cursor would copy a whole edition to disk first."""
    these = Delivery.objects.filter(newest_day=day)
    ends = these.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    sent = these.filter(status=Status.SENT)
    for start in range(ends["first"], ends["last"] + 1, CHUNK):
        stretch = sent.filter(pk__range=(start, start + CHUNK - 1))
        yield list(stretch.values_list("items", flat=True))
