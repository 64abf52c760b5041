"""From the ranked papers of many interests to one reader's papers."""

from collections.abc import Callable, Sequence

Ranked = Sequence[tuple[int, float]]
"""Papers with their scores, the best first."""


def share_out(
    ranked: Sequence[Ranked],
    weights: Sequence[float],
    limit: int,
    allowed: Callable[[int], bool] = lambda paper: True,
) -> list[tuple[int, int]]:
    """Up to ``limit`` (interest, paper) pairs, each interest getting its share by weight.

    Turn by turn, the interest that has had least for its weight puts forward its best paper
    that is allowed and not yet taken; so a broad interest cannot drown a narrow one. Equal
    inputs give equal results.
    """
    waiting = {row: 0 for row, papers in enumerate(ranked) if papers}
    """Of each interest that has papers left, the place of its best."""
    had = [0] * len(ranked)
    taken: set[int] = set()
    chosen: list[tuple[int, int]] = []
    while len(chosen) < limit and waiting:
        for row in list(waiting):
            papers, place = ranked[row], waiting[row]
            while place < len(papers) and not (
                papers[place][0] not in taken and allowed(papers[place][0])
            ):
                place += 1
            if place < len(papers):
                waiting[row] = place
            else:
                del waiting[row]
        if waiting:
            row = min(
                waiting, key=lambda r: ((had[r] + 1) / weights[r], -ranked[r][waiting[r]][1], r)
            )
            paper = ranked[row][waiting[row]][0]
            chosen.append((row, paper))
            taken.add(paper)
            had[row] += 1
    return chosen
