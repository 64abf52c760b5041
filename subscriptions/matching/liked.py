"""Papers that readers liked or disliked: what is known of them, kept, as every digest asks."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse

from .meaning import Meaning, Vectors
from .queries import Doc, Query, segments, spoken_of
from .views import Scores

DISLIKED = 0.25
"""How much a disliked paper counts against a liked one."""


class Liked:
    """Papers that readers spoke of, compared with the papers of a pool and those of the past."""

    def __init__(
        self,
        weigh: Callable[[Sequence[Doc]], sparse.csr_matrix],
        by_term: Sequence[sparse.csr_matrix],
        past: Sequence[Doc],
        meaning: Meaning | None,
        kept: int,
    ) -> None:
        """How to weigh papers; the pool's and the past's, of shape (terms, papers) each.

        And how many papers are kept before all are made anew; more where one call needs more.
        """
        self._kept = kept
        self._weigh, self._by_term, self._meaning = weigh, by_term, meaning
        self._past = {(doc.title, doc.abstract): place for place, doc in enumerate(past)}
        self._places: dict[Doc, int] = {}
        self._alike = [np.empty((0, some.shape[1]), dtype=np.float32) for some in by_term]
        self._vectors = np.empty((0, 0), dtype=np.float32)

    def learn(self, queries: Sequence[Query]) -> None:
        """Make what is not yet known of the papers that ``queries`` speak of."""
        docs = spoken_of(queries)
        new = [doc for doc in docs if doc not in self._places]
        if not new:
            return
        if len(self._places) + len(new) > len(self._alike[0]):
            self._places.clear()
            new = docs
            # Not filled: of what is reserved the machine gives only what is used.
            size = max(self._kept, len(new))
            self._alike = [
                np.empty((size, some.shape[1]), dtype=np.float32) for some in self._alike
            ]
        weighed = self._weigh(new)
        first, end = len(self._places), len(self._places) + len(new)
        for alike, by_term in zip(self._alike, self._by_term, strict=True):
            alike[first:end] = (weighed @ by_term).toarray()
        if self._meaning:
            vectors = self._meaning.vectors(([*map(segments, new)], weighed))
            if not first:
                self._vectors = np.empty((len(self._alike[0]), vectors.shape[1]), dtype=np.float32)
            self._vectors[first:end] = vectors
        self._places |= {doc: first + n for n, doc in enumerate(new)}

    def shares(self, queries: Sequence[Query]) -> sparse.csr_matrix:
        """Of shape (queries, known): how much of each paper is in the mean of a query.

        The mean of the liked papers, less a part of the mean of the disliked.
        """
        rows, columns, parts = [], [], []
        for row, query in enumerate(queries):
            for some, part in ((query.liked, 1.0), (query.disliked, -DISLIKED)):
                rows += [row] * len(some)
                columns += [self._places[doc] for doc in some]
                parts += [part / max(len(some), 1)] * len(some)
        shape = len(queries), len(self._places)
        return sparse.csr_matrix((np.array(parts, dtype=np.float32), (rows, columns)), shape)

    def alike(self) -> tuple[Scores, Scores]:
        """Of known papers, the cosine of TF-IDF to each paper of the pool and of the past."""
        docs, past = (some[: len(self._places)] for some in self._alike)
        return docs, past

    def vectors(self) -> Vectors:
        """The meaning of each known paper."""
        return self._vectors[: len(self._places)]

    def past(self, queries: Sequence[Query]) -> tuple[list[int], list[int]]:
        """Queries, and past papers each speaks of: what is liked says nothing of the usual."""
        found = {
            (row, place): None
            for row, query in enumerate(queries)
            for doc in dict.fromkeys((*query.liked, *query.disliked))
            if (place := self._past.get((doc.title, doc.abstract))) is not None
        }
        return [row for row, _ in found], [place for _, place in found]
