"""The digest that choices would have made of the newest days, for who has not signed up yet."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from subscriptions.models import Interest, Item, Paper, Section, Subscriber

from .display import SCORING, newest_shelf
from .interests import interests_proposed
from .select import Request, choose

MOST, MOST_PAPERS = 30, 10
"""So many interests beside topics are tried, and so many example papers among them."""


@dataclass(frozen=True)
class Proposal:
    """What would have been in it, by section, and of how much."""

    days: tuple[dt.date, ...]
    papers: int
    """How many were listed on these days."""
    sections: list[tuple[Section, list[tuple[Paper, Item]]]]
    partly: bool
    """Whether more was chosen than is tried."""


def propose(subscriber: Subscriber, interests: Iterable[Interest]) -> Proposal:
    """For a subscriber and interests that need not be stored; a fixed number of queries."""
    chosen = list(interests)
    tried = _tried(chosen)
    followed = interests_proposed(tried)
    shelf, days = newest_shelf()
    with SCORING:
        shelf.scored.score(followed)
        items = choose(Request(subscriber, days), followed, set(), shelf).items
    by_section: dict[Section, list[tuple[Paper, Item]]] = {section: [] for section in Section}
    for item in items:
        paper = shelf.papers[shelf.places[item["paper"]]]
        by_section[Section(item["section"])].append((paper, item))
    sections = [(section, papers) for section, papers in by_section.items() if papers]
    return Proposal(days, len(shelf.listed(days)), sections, len(tried) < len(chosen))


def _tried(interests: Iterable[Interest]) -> list[Interest]:
    """All topics, which are scored for everybody, and the first of what is the reader's own."""
    topics: list[Interest] = []
    own: list[Interest] = []
    papers = 0
    for interest in interests:
        if interest.kind == Interest.Kind.TOPIC:
            topics.append(interest)
        elif interest.kind != Interest.Kind.PAPER:
            own.append(interest)
        elif papers < MOST_PAPERS:
            own.append(interest)
            papers += 1
    return topics + own[:MOST]
