"""What readers follow, as matching understands it, and why a paper fits, as they would say it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from subscriptions.matching import Query, Why
from subscriptions.models import Interest, Paper, Topic

Kind = Interest.Kind


class Followed(NamedTuple):
    """One interest of one reader; with a negative weight, a muted phrase."""

    pk: int
    kind: str
    topic: int | None
    name: str
    """Of the topic or author, the phrase, the category, the title of the example paper."""
    key: tuple[object, ...]
    """The same for equal interests of different readers."""
    query: Query
    weight: int


def interests_of(readers: Sequence[int]) -> dict[int, list[Followed]]:
    """The interests of these subscribers by subscriber, in order: three queries."""
    rows = list(
        Interest.objects.filter(subscriber__in=readers)
        .order_by("pk")
        .values_list("subscriber_id", "pk", "kind", "topic_id", "paper_id", "value", "weight")
    )
    topics = Topic.objects.in_bulk({row[3] for row in rows if row[3]})
    papers = Paper.objects.in_bulk({row[4] for row in rows if row[4]})
    asked: dict[tuple[object, ...], tuple[str, Query]] = {}
    found: dict[int, list[Followed]] = defaultdict(list)
    for subscriber, pk, kind, topic, paper, value, weight in rows:
        key = kind, topic, paper, value
        if key not in asked:
            asked[key] = _query(kind, topics.get(topic), papers.get(paper), value)
        name, query = asked[key]
        found[subscriber].append(Followed(pk, kind, topic, name, key, query, weight))
    return found


def _query(kind: str, topic: Topic | None, paper: Paper | None, value: str) -> tuple[str, Query]:
    if topic:
        phrases, categories = tuple(topic.phrases), tuple(topic.categories)
        return topic.name, Query(topic.description, phrases, categories)
    if paper:
        return paper.title, Query(f"{paper.title}. {paper.abstract}")
    if kind == Kind.AUTHOR:
        return value, Query(author=value)
    if kind == Kind.CATEGORY:
        return value, Query(categories=(value,))
    return value, Query(phrases=(value,))


def reason(interest: Followed, why: Why) -> str:
    """One line in the reader's own words."""
    if interest.kind == Kind.AUTHOR:
        return f"By {interest.name}, whom you follow"
    if interest.kind == Kind.CATEGORY:
        return f"New in {interest.name}, which you follow"
    found = ", ".join(f"“{word}”" for word in why.words) or (
        f"new in {why.category}" if why.category else ""
    )
    if interest.kind == Kind.PHRASE:
        told = found and why.words != (interest.name,)
        return f"Your phrase “{interest.name}”" + (f": {found}" if told else "")
    if interest.kind == Kind.PAPER:
        return f"Like “{interest.name[:80]}”" + (f": {found}" if found else "")
    return f"You follow {interest.name}" + (f": {found}" if found else "")
