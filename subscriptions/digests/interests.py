"""What readers follow, as matching understands it, and why a paper fits, as they would say it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from django.utils.translation import gettext as _

from subscriptions.matching import Doc, Query, Why, split_author
from subscriptions.models import Feedback, Interest, Paper, Topic

Kind = Interest.Kind
Row = tuple[int, int, str, int | None, int | None, str, int]
"""Subscriber, pk, kind, topic, paper, value and weight of an interest."""
NEWEST = 50
"""How many liked papers, and how many disliked, train an interest."""


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
    """The interests of these subscribers by subscriber, in order: four queries.

    Each with what its reader said of the papers that it brought.
    """
    rows = list(
        Interest.objects.filter(subscriber__in=readers)
        .exclude(kind=Kind.PAPER, paper=None)
        .order_by("pk")
        .values_list("subscriber_id", "pk", "kind", "topic_id", "paper_id", "value", "weight")
    )
    return _understood(rows, _said(readers))


def interests_proposed(interests: Iterable[Interest]) -> list[Followed]:
    """The same of one reader's interests that are not stored: two queries."""
    rows: list[Row] = [
        (0, n, i.kind, i.topic_id, i.paper_id, i.value, i.weight)
        for n, i in enumerate(interests)
        if i.paper_id or i.kind != Kind.PAPER
    ]
    return _understood(rows, {})[0]


def topic_followed(topic: Topic) -> Followed:
    """What who follows a topic has, of one as it is here: it need not be stored."""
    name, query = _query(Kind.TOPIC, topic, None, "")
    return Followed(0, Kind.TOPIC, topic.pk, name, (query,), query, Interest.Weight.NORMAL)


def _understood(rows: Sequence[Row], said: "Mapping[int, Said]") -> dict[int, list[Followed]]:
    topics = Topic.objects.in_bulk({row[3] for row in rows if row[3]})
    wanted = {row[4] for row in rows if row[4]}.union(
        *(s.liked + s.disliked for s in said.values())
    )
    docs = {
        pk: Doc(title, abstract)
        for pk, title, abstract in Paper.objects.filter(pk__in=wanted).values_list(
            "pk", "title", "abstract"
        )
    }
    asked: dict[tuple[object, ...], tuple[str, tuple[object, ...], Query]] = {}
    found: dict[int, list[Followed]] = defaultdict(list)
    for subscriber, pk, kind, topic, paper, value, weight in rows:
        key = kind, topic, paper, value, said.get(pk)
        if key not in asked:
            doc = docs.get(paper) if paper else None
            name, query = _query(kind, topics.get(topic) if topic else None, doc, value)
            says = query.text, query.phrases, query.categories  # of a topic, edited at any time
            asked[key] = name, (*key, says), _trained(query, said.get(pk), docs)
        name, whole_key, query = asked[key]
        found[subscriber].append(Followed(pk, kind, topic, name, whole_key, query, weight))
    return found


class Said(NamedTuple):
    """The papers that a reader liked and disliked of those one interest brought, in order."""

    liked: tuple[int, ...]
    disliked: tuple[int, ...]


def _said(readers: Sequence[int]) -> dict[int, Said]:
    """By interest: a paper that was saved is liked, unless its reader wants less like it.

    Of more than some, what was said last: tastes change.
    """
    verdicts: dict[int, dict[int, bool]] = defaultdict(dict)
    given = Feedback.objects.filter(subscriber__in=readers, interest__isnull=False)
    for interest, paper, verdict in given.order_by("pk").values_list(
        "interest_id", "paper_id", "verdict"
    ):
        liked = verdict != Feedback.Verdict.LESS
        verdicts[interest][paper] = verdicts[interest].get(paper, True) and liked
    return {
        interest: Said(
            tuple([paper for paper, liked in papers.items() if liked][-NEWEST:]),
            tuple([paper for paper, liked in papers.items() if not liked][-NEWEST:]),
        )
        for interest, papers in verdicts.items()
    }


def _trained(query: Query, said: Said | None, docs: Mapping[int, Doc]) -> Query:
    if said is None:
        return query
    liked, disliked = (tuple(docs[pk] for pk in some if pk in docs) for some in said)
    liked = tuple(dict.fromkeys(query.liked + liked))
    return replace(query, liked=tuple(d for d in liked if d not in disliked), disliked=disliked)


def _query(kind: str, topic: Topic | None, paper: Doc | None, value: str) -> tuple[str, Query]:
    if topic:
        phrases, categories = tuple(topic.phrases), tuple(topic.categories)
        return topic.name, Query(topic.description, phrases, categories)
    if paper:
        return paper.title, Query(liked=(paper,))
    if kind == Kind.AUTHOR:
        name, categories = split_author(value)
        return value, Query(author=name, categories=categories)
    if kind == Kind.CATEGORY:
        return value, Query(categories=(value,))
    return value, Query(phrases=(value,))


def reason(interest: Followed, why: Why) -> str:
    """One line in the reader's own words."""
    if interest.kind == Kind.AUTHOR:
        return _("By %(name)s, whom you follow") % {"name": interest.name}
    if interest.kind == Kind.CATEGORY:
        return _("New in %(category)s, which you follow") % {"category": interest.name}
    found = told(why)
    if why.like is not None:
        said = _("Like “%(title)s”") % {"title": interest.query.liked[why.like].title[:80]}
    elif interest.kind == Kind.PHRASE:
        said = _("Your phrase “%(phrase)s”") % {"phrase": interest.name}
        found = "" if why.words == (interest.name,) else found
    else:
        said = _("You follow %(topic)s") % {"topic": interest.name}
    return _("%(reason)s: %(words)s") % {"reason": said, "words": found} if found else said


def told(why: Why) -> str:
    """The words that brought a paper, or its category; empty where neither did."""
    if why.words:
        return ", ".join(_("“%(word)s”") % {"word": word} for word in why.words)
    return _("new in %(category)s") % {"category": why.category} if why.category else ""
