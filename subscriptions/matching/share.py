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
    taken: set[int] = set()

    def next_best(row: int, place: int) -> int | None:
        """The place of the first paper from ``place`` on that may be chosen."""
        papers = ranked[row]
        for n in range(place, len(papers)):
            if papers[n][0] not in taken and allowed(papers[n][0]):
                return n
        return None

    heads = {row: place for row in range(len(ranked)) if (place := next_best(row, 0)) is not None}
    had = [0] * len(ranked)
    chosen: list[tuple[int, int]] = []
    while heads and len(chosen) < limit:
        turns = [
            ((had[row] + 1) / weights[row], -ranked[row][place][1], row)
            for row, place in heads.items()
        ]
        row = min(turns)[2]
        paper = ranked[row][heads[row]][0]
        chosen.append((row, paper))
        taken.add(paper)
        had[row] += 1
        for other, place in list(heads.items()):
            if ranked[other][place][0] == paper:
                if (following := next_best(other, place + 1)) is None:
                    del heads[other]
                else:
                    heads[other] = following
    return chosen
