"""What interests find among some papers, and why: scored once for all who follow the same."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from subscriptions.matching import Doc, Pool, Query, Ranked, Scores, rank

from .interests import Followed, reason, told

BATCH, SPOKEN_OF = 256, 2_000
"""How many queries are scored at once, and how many papers their readers may speak of."""

Key = tuple[object, ...]


class Scored:
    """The papers of a pool by place, ranked for interests."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._shared: dict[Key, Ranked] = {}
        self._own: dict[Key, Ranked] = {}
        self._muted: dict[str, array[int]] = {}
        self._matches = 0
        self._reasons: dict[tuple[Key, int], str] = {}

    def score(self, interests: Iterable[Followed]) -> None:
        """Score what is new among these interests.

        What one reader alone asks for, who said what they like, is kept until the next call.
        """
        kept = self._pool.kept
        if len(self._shared) + len(self._muted) > kept.queries or self._matches > kept.matches:
            self._shared.clear()
            self._muted.clear()
            self._matches = 0
        followed: dict[Key, Query] = {}
        muted: dict[str, None] = {}
        for interest in interests:
            if interest.weight > 0 and interest.key not in self._shared:
                followed[interest.key] = interest.query
            elif interest.weight < 0 and interest.name not in self._muted:
                muted[interest.name] = None
        self._own.clear()
        for batch in _batches(followed):
            queries = [followed[key] for key in batch]
            for key, query, found in zip(batch, queries, self._pool.match(queries), strict=True):
                ranked = rank(*found)
                if query.trained:
                    self._own[key] = ranked
                else:
                    self._shared[key] = ranked
                    self._matches += len(ranked.papers)
        for phrase in muted:
            self._muted[phrase] = array("i", np.flatnonzero(self._pool.contains([phrase])[0]))
            self._matches += len(self._muted[phrase])

    def ranked(self, interest: Followed) -> Ranked:
        """The papers that match an interest scored before, the best first."""
        return self._shared.get(interest.key) or self._own[interest.key]

    def grade(self, interest: Followed, place: int) -> float:
        """How well a paper fits, before it is decided whether that is a match."""
        return float(self._pool.grade([interest.query])[0, place])

    def fit(self, interest: Followed) -> Scores:
        """The score of each paper by place, whether or not it matches."""
        return self._pool.fit(interest.query)

    @property
    def floors(self) -> tuple[float, float]:
        """From which score a paper matches, and from which one with none of the phrases."""
        return self._pool.floors

    def standing_out(self, docs: Sequence[Doc], most: int) -> list[str]:
        """The words by which these papers differ from those of the past."""
        return self._pool.standing_out(docs, most)

    def standings(self, interest: Followed, place: int) -> list[tuple[str, float, float]]:
        """Each part of a paper's grade: its name, how much it counts, and how high it stands."""
        return [
            (view.name, float(view.counts[0]), float(view.standing()[0, place]))
            for view in self._pool.views([interest.query])
            if view.counts[0]
        ]

    def crowding(self, interests: Iterable[Followed]) -> Callable[[int], Iterable[int]]:
        """For the digest of who follows these, which papers are too much after each chosen."""
        authors = (interest.query.author for interest in interests)
        return self._pool.crowding.begin([*filter(None, authors)])

    def near(self, place: int) -> list[int]:
        """The papers that are nearly the same as this one."""
        return self._pool.crowding.near(place)

    def muted(self, interest: Followed) -> Iterable[int]:
        """The papers in which a muted phrase scored before stands."""
        return self._muted[interest.name]

    def reason(self, interest: Followed, place: int) -> str:
        """Why a paper matches an interest."""
        key = interest.key, place
        if (said := self._reasons.get(key)) is None:
            if len(self._reasons) > self._pool.kept.reasons:
                self._reasons.clear()
            said = self._reasons[key] = reason(interest, self._pool.why(interest.query, place))
        return said

    def told(self, interest: Followed, place: int) -> str:
        """What in a paper matches an interest, for who does not follow it."""
        return told(self._pool.why(interest.query, place))


def _batches(followed: dict[Key, Query]) -> Iterator[list[Key]]:
    """Keys of queries to be scored at once; those of readers who said something come last."""
    batch: list[Key] = []
    spoken_of = 0
    for key in sorted(followed, key=lambda key: followed[key].trained):
        said = len(followed[key].liked) + len(followed[key].disliked)
        if batch and (len(batch) == BATCH or spoken_of + said > SPOKEN_OF):
            yield batch
            batch, spoken_of = [], 0
        batch.append(key)
        spoken_of += said
    if batch:
        yield batch
