"""From the ranked papers of many interests to one reader's papers."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

EQUAL = 0.01
"""Scores that differ by less are the same."""


class Ranked(NamedTuple):
    """Papers and their scores, the best first."""

    papers: "array[int]"
    scores: "array[float]"

    def score(self, paper: int) -> float:
        """Of one paper; 0 where it is not among these."""
        try:
            return self.scores[self.papers.index(paper)]
        except ValueError:
            return 0.0


def rank(places: npt.NDArray[np.intp], scores: npt.NDArray[np.float32]) -> Ranked:
    """Papers by score, in eight octets each; of equals the first."""
    order = np.lexsort((places, -scores))
    ranked = places[order]
    return Ranked(array("i", ranked.tolist()), array("f", scores[order].tolist()))


def share_out(
    ranked: Sequence[Ranked],
    weights: Sequence[float],
    limit: int,
    allowed: Callable[[int], bool] = lambda paper: True,
    crowded_by: Callable[[int], Iterable[int]] = lambda paper: (),
) -> list[tuple[int, int]]:
    """Up to ``limit`` (interest, paper) pairs, each interest getting its share by weight.

    Turn by turn, the interest that has had least for its weight puts forward its best paper
    that is allowed and not yet taken; so a broad interest cannot drown a narrow one. Once a
    paper is chosen, those ``crowded_by`` it may not be. The interest of a pair is the one
    that scores its paper highest, whoever put it forward. Equal inputs give equal results.
    """
    taken: set[int] = set()

    def next_best(row: int, place: int) -> int | None:
        """The place of the first paper from ``place`` on that may be chosen."""
        papers = ranked[row].papers
        for n in range(place, len(papers)):
            if papers[n] not in taken and allowed(papers[n]):
                return n
        return None

    def named(row: int, paper: int) -> int:
        """The interest with the highest score; of equals the one that put the paper forward."""
        scores = [found.score(paper) for found in ranked]
        return row if scores[row] >= max(scores) - EQUAL else scores.index(max(scores))

    heads = {row: place for row in range(len(ranked)) if (place := next_best(row, 0)) is not None}
    had = [0] * len(ranked)
    chosen: list[tuple[int, int]] = []
    while heads and len(chosen) < limit:
        turns = [
            ((had[row] + 1) / weights[row], -ranked[row].scores[place], row)
            for row, place in heads.items()
        ]
        row = min(turns)[2]
        paper = ranked[row].papers[heads[row]]
        chosen.append((named(row, paper), paper))
        taken.add(paper)
        taken.update(crowded_by(paper))
        had[row] += 1
        for other, place in list(heads.items()):
            if ranked[other].papers[place] in taken:
                if (following := next_best(other, place + 1)) is None:
                    del heads[other]
                else:
                    heads[other] = following
    return chosen
