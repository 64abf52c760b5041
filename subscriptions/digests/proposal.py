"""The digest that choices would have made of the newest days, for who has not signed up yet."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from subscriptions.models import Interest, Item, Paper, Section, Subscriber

from .display import SCORING, newest_shelf
from .interests import interests_proposed
from .select import Request, choose


@dataclass(frozen=True)
class Proposal:
    """What would have been in it, by section, and of how much."""

    days: tuple[dt.date, ...]
    papers: int
    """How many were listed on these days."""
    sections: list[tuple[Section, list[tuple[Paper, Item]]]]


def propose(subscriber: Subscriber, interests: Iterable[Interest]) -> Proposal:
    """For a subscriber and interests that need not be stored; a fixed number of queries."""
    followed = interests_proposed(interests)
    shelf, days = newest_shelf()
    with SCORING:
        shelf.scored.score(followed)
        items = choose(Request(subscriber, days), followed, set(), shelf).items
    by_section: dict[Section, list[tuple[Paper, Item]]] = {section: [] for section in Section}
    for item in items:
        paper = shelf.papers[shelf.places[item["paper"]]]
        by_section[Section(item["section"])].append((paper, item))
    sections = [(section, papers) for section, papers in by_section.items() if papers]
    return Proposal(days, len(shelf.listed(days)), sections)
