"""TF-IDF: texts as sparse unit vectors over the terms of a collection."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from scipy import sparse

from .text import terms

Segments = Iterable[str]


class Lexicon:
    """The terms of a collection of texts, and how rare each is in it.

    A text is a sequence of segments; a segment given twice counts twice. ``columns`` maps a
    term to its column, in order; ``counts`` is (texts, terms).
    """

    def __init__(self, texts: Iterable[Segments]) -> None:
        self.columns: dict[str, int] = {}
        self.counts = self._count(texts, grow=True)
        frequency = np.bincount(self.counts.indices, minlength=len(self.columns))
        self._idf = np.log((1 + self.counts.shape[0]) / (1 + frequency)) + 1

    def vectors(self, texts: Iterable[Segments]) -> sparse.csr_matrix:
        """Of shape (texts, terms), rows of length 1; terms not in the collection are ignored."""
        return self.weigh(self._count(texts, grow=False))

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """(1 + ln count) times inverse document frequency, each row scaled to length 1."""
        weighed = counts.copy()
        weighed.data = ((1 + np.log(counts.data)) * self._idf[counts.indices]).astype(np.float32)
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        per_value = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(weighed.indptr))
        weighed.data = (weighed.data / per_value).astype(np.float32)
        return weighed

    def _count(self, texts: Iterable[Segments], *, grow: bool) -> sparse.csr_matrix:
        columns, data, indices, indptr = self.columns, [], [], [0]
        for segments in texts:
            for term, count in Counter(terms(segments)).items():
                column = columns.setdefault(term, len(columns)) if grow else columns.get(term)
                if column is not None:
                    indices.append(column)
                    data.append(count)
            indptr.append(len(indices))
        return sparse.csr_matrix(
            (np.array(data, dtype=np.float32), np.array(indices, dtype=np.int32), indptr),
            shape=(len(indptr) - 1, len(columns)),
        )
