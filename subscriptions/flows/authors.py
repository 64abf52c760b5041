"""What a followed name brings: several people may have it."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from subscriptions.matching import Authors, split_author
from subscriptions.models import Paper

RECENT = dt.timedelta(days=30)


@dataclass(frozen=True)
class Brought:
    """The recent papers of a followed author, the newest first."""

    author: str
    papers: list[Paper]

    def categories(self) -> list[tuple[str, int]]:
        """How many of them each category has, the most first."""
        return Counter(c for paper in self.papers for c in paper.categories).most_common()


def recent_papers(followed: Iterable[str], today: dt.date) -> list[Brought]:
    """What each author would have brought in the last thirty days: one query."""
    wanted = {value: split_author(value) for value in followed}
    if not wanted:
        return []
    listed = Paper.objects.visible().listed_between(today - RECENT, today).order_by("-pk")
    papers = list(listed.only("title", "authors", "categories"))
    authors = Authors(paper.authors for paper in papers)
    found = []
    for value, (name, within) in wanted.items():
        by_name = [papers[place] for place in authors.papers(name)]
        found.append(Brought(value, [p for p in by_name if not within or _is_in(p, within)]))
    return found


def _is_in(paper: Paper, categories: Iterable[str]) -> bool:
    folded = {category.casefold() for category in paper.categories}
    return not folded.isdisjoint(category.casefold() for category in categories)
