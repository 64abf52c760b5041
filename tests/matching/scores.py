"""What matches, as a table."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from subscriptions.matching import Pool, Query


def score(pool: Pool, queries: Sequence[Query]) -> npt.NDArray[np.float32]:
    """Of shape (queries, docs); 0 where a paper does not match."""
    found = np.zeros((len(queries), len(pool.docs)), dtype=np.float32)
    for row, (places, scores) in enumerate(pool.match(queries)):
        found[row, places] = scores
    return found
