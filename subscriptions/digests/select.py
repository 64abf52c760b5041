"""Which papers each reader gets, and why: for many readers at once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subscriptions.matching import Doc, Pool, Query, Why, share_out
from subscriptions.models import (
    Delivery,
    Interest,
    Item,
    Listing,
    Paper,
    Pick,
    Section,
    Subscriber,
)

Mask = npt.NDArray[np.bool_]

SIZE = 10
MAX_PICKS = 5
TRENDING, TRENDING_ALONE = 2, 5
"""How many trending papers a digest has, and up to how many where matches are few."""
BACKGROUND_DAYS, BACKGROUND_PAPERS = 30, 2000


@dataclass(frozen=True)
class Request:
    """One reader, and the days a digest for them covers, in order."""

    subscriber: Subscriber
    days: tuple[dt.date, ...]


def select(requests: Sequence[Request]) -> dict[int, list[Item]]:
    """The ordered items of each reader's digest, by subscriber; the number of queries is fixed.

    Nobody gets a hidden paper, one with a phrase they muted, or one they were sent before.
    The same inputs give the same items.
    """
    if not requests:
        return {}
    shelf = _Shelf(min(r.days[0] for r in requests), max(r.days[-1] for r in requests))
    readers = [request.subscriber.pk for request in requests]
    interests: dict[int, list[Interest]] = defaultdict(list)
    for interest in (
        Interest.objects.filter(subscriber__in=readers)
        .select_related("topic", "paper")
        .order_by("pk")
    ):
        interests[interest.subscriber_id].append(interest)
    had = _already_sent(readers, shelf)
    board = _Board(shelf, [i for found in interests.values() for i in found])
    return {
        request.subscriber.pk: _choose(
            request, interests[request.subscriber.pk], had[request.subscriber.pk], shelf, board
        )
        for request in requests
    }


class _Shelf:
    """The papers listed or picked in a span of days, with what is known of each: six queries."""

    def __init__(self, first: dt.date, last: dt.date) -> None:
        self.picks = list(
            Pick.objects.filter(day__range=(first, last), paper__hidden=Paper.Hidden.NO)
            .prefetch_related("topics")
            .order_by("day", "position", "pk")
        )
        listed = Paper.objects.visible().listed_between(first, last)
        picked = Paper.objects.filter(pk__in=[pick.paper_id for pick in self.picks])
        self.papers = list((listed | picked).distinct().with_votes().order_by("pk"))
        self.index = {paper.pk: n for n, paper in enumerate(self.papers)}
        self.days: dict[int, set[dt.date]] = defaultdict(set)
        self.earliest = first
        for paper_id, day in Listing.objects.filter(paper__in=self.index).values_list(
            "paper_id", "day"
        ):
            self.days[self.index[paper_id]].add(day)
            self.earliest = min(self.earliest, day)
        picked_on = Pick.objects.filter(paper__in=self.index).values_list("day", flat=True)
        self.earliest = min([self.earliest, *picked_on])
        since = first - dt.timedelta(days=BACKGROUND_DAYS)
        past = Paper.objects.listed_between(since, first - dt.timedelta(days=1))
        self.background = [
            Doc(title, abstract)
            for title, abstract in past.exclude(pk__in=self.index)
            .order_by("-pk")
            .values_list("title", "abstract")[:BACKGROUND_PAPERS]
        ]
        self.by_trend = sorted(
            range(len(self.papers)), key=lambda n: (-self.papers[n].trend, self.papers[n].pk)
        )

    def listed(self, days: Sequence[dt.date]) -> Mask:
        wanted = set(days)
        return np.array(
            [not wanted.isdisjoint(self.days[n]) for n in range(len(self.papers))], dtype=np.bool_
        )


def _already_sent(readers: list[int], shelf: _Shelf) -> dict[int, set[int]]:
    """Paper ids each reader was sent, back to the earliest day one of these could have been."""
    had: dict[int, set[int]] = defaultdict(set)
    sent = (
        Delivery.objects.filter(subscriber__in=readers, newest_day__gte=shelf.earliest)
        .exclude(status=Delivery.Status.SKIPPED)
        .values_list("subscriber_id", "items")
    )
    for reader, items in sent:
        had[reader].update(item["paper"] for item in items)
    return had


class _Board:
    """Scores of the distinct interests of all readers over the shelf."""

    def __init__(self, shelf: _Shelf, interests: list[Interest]) -> None:
        docs = [_doc(paper) for paper in shelf.papers]
        self.pool = Pool(docs, shelf.background)
        queries = {query_of(i): None for i in interests if i.weight > 0}
        self.rows = {query: row for row, query in enumerate(queries)}
        self.scores = self.pool.score(list(queries))
        muted = list(dict.fromkeys(i.value for i in interests if i.weight < 0))
        self.muted = dict(zip(muted, self.pool.contains(muted), strict=True))
        self._whys: dict[tuple[Query, int], Why] = {}

    def why(self, interest: Interest, paper: int) -> str:
        query = query_of(interest)
        key = query, paper
        if key not in self._whys:
            self._whys[key] = self.pool.why(query, paper)
        return reason(interest, self._whys[key])


def _choose(
    request: Request, interests: list[Interest], had: set[int], shelf: _Shelf, board: _Board
) -> list[Item]:
    if not shelf.papers:
        return []
    allowed = np.array([paper.pk not in had for paper in shelf.papers], dtype=np.bool_)
    for interest in interests:
        if interest.weight < 0:
            allowed &= ~board.muted[interest.value]
    followed = [interest for interest in interests if interest.weight > 0]
    topics = {interest.topic_id for interest in followed if interest.topic_id}
    items: list[Item] = []
    for paper in _picks(request, topics, allowed, shelf):
        items.append(_item(shelf, paper, Section.PICKS, "Picked by the editors"))
        allowed[paper] = False
    allowed &= shelf.listed(request.days)
    ranked = [n for n in shelf.by_trend if allowed[n]]
    room = SIZE - len(items)
    reserved = min(TRENDING, sum(1 for n in ranked if shelf.papers[n].votes))
    for row, paper in _matches(followed, board, allowed, room - reserved):
        interest = followed[row]
        items.append(_item(shelf, paper, Section.MATCHES, board.why(interest, paper), interest))
        allowed[paper] = False
    rest = [n for n in ranked if allowed[n]]
    if items or any(shelf.papers[n].votes for n in rest):
        rest = [n for n in rest if shelf.papers[n].votes]
    wanted = TRENDING if len(items) + TRENDING >= SIZE else TRENDING_ALONE
    items += [
        _item(shelf, paper, Section.TRENDING, _trending(shelf.papers[paper]))
        for paper in rest[: min(wanted, SIZE - len(items))]
    ]
    return items


def _picks(request: Request, topics: set[int], allowed: Mask, shelf: _Shelf) -> list[int]:
    """The newest picks meant for this reader, in the editors' order."""
    meant = [
        pick
        for pick in shelf.picks
        if pick.day in request.days
        and allowed[shelf.index[pick.paper_id]]
        and (not pick.topics.all() or topics & {topic.pk for topic in pick.topics.all()})
    ]
    newest = sorted(meant, key=lambda pick: pick.day, reverse=True)[:MAX_PICKS]
    return list(dict.fromkeys(shelf.index[pick.paper_id] for pick in meant if pick in newest))


def _matches(
    followed: list[Interest], board: _Board, allowed: Mask, limit: int
) -> list[tuple[int, int]]:
    """(interest, paper) pairs, as indexes."""
    if not followed:
        return []
    rows = [board.rows[query_of(interest)] for interest in followed]
    weights = np.array([interest.weight for interest in followed], dtype=np.float32)
    return share_out(np.where(allowed, board.scores[rows], 0), weights, limit)


def _item(
    shelf: _Shelf, paper: int, section: Section, why: str, interest: Interest | None = None
) -> Item:
    item = Item(paper=shelf.papers[paper].pk, section=section.value, reason=why)
    if interest is not None:
        item["interest"] = interest.pk
    return item


def _trending(paper: Paper) -> str:
    return f"{paper.votes} upvote{'' if paper.votes == 1 else 's'} so far" if paper.votes else "New"


def _doc(paper: Paper) -> Doc:
    return Doc(paper.title, paper.abstract, tuple(paper.categories), tuple(paper.authors))


def query_of(interest: Interest) -> Query:
    """What an interest asks of matching."""
    if interest.topic:
        topic = interest.topic
        return Query(topic.description, tuple(topic.phrases), tuple(topic.categories))
    if interest.paper:
        return Query(f"{interest.paper.title}. {interest.paper.abstract}")
    if interest.kind == Interest.Kind.AUTHOR:
        return Query(author=interest.value)
    if interest.kind == Interest.Kind.CATEGORY:
        return Query(categories=(interest.value,))
    return Query(phrases=(interest.value,))


def reason(interest: Interest, why: Why) -> str:
    """One line in the reader's own words."""
    if interest.kind == Interest.Kind.AUTHOR:
        return f"By {interest.value}, whom you follow"
    if interest.kind == Interest.Kind.CATEGORY:
        return f"New in {interest.value}, which you follow"
    found = ", ".join(f"“{word}”" for word in why.words) or (
        f"new in {why.category}" if why.category else ""
    )
    if interest.kind == Interest.Kind.PHRASE:
        return f"Your phrase “{interest.value}”" + (
            f": {found}" if found and why.words != (interest.value,) else ""
        )
    if interest.paper:
        return f"Like “{interest.paper.title[:80]}”" + (f": {found}" if found else "")
    return f"You follow {interest}" + (f": {found}" if found else "")
