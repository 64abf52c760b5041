"""From the scores of many interests to one reader's papers."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]


def share_out(scores: Scores, weights: Scores, limit: int) -> list[tuple[int, int]]:
    """Up to ``limit`` (interest, paper) pairs, each interest getting its share by weight.

    ``scores`` is (interests, papers), 0 where there is no match. Turn by turn, the interest
    that has had least for its weight puts forward its best paper; so a broad interest
    cannot drown a narrow one. Equal inputs give equal results.
    """
    queues = [_ranked(row) for row in scores]
    had = [0] * len(queues)
    taken: set[int] = set()
    chosen: list[tuple[int, int]] = []
    while len(chosen) < limit:
        for queue in queues:
            while queue and queue[-1] in taken:
                queue.pop()
        waiting = [row for row, queue in enumerate(queues) if queue]
        if not waiting:
            break
        row = min(waiting, key=lambda r: ((had[r] + 1) / weights[r], -scores[r, queues[r][-1]], r))
        paper = queues[row].pop()
        chosen.append((row, paper))
        taken.add(paper)
        had[row] += 1
    return chosen


def _ranked(row: Scores) -> list[int]:
    """The papers that match, the best last."""
    order = np.argsort(-row, kind="stable")[: np.count_nonzero(row)]
    return [int(paper) for paper in order[::-1]]
