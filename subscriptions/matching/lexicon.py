"""TF-IDF: texts as sparse unit vectors over the terms of a collection."""

from array import array
from collections import Counter, defaultdict
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
        columns: defaultdict[str, int] = defaultdict()
        columns.default_factory = columns.__len__
        self.columns: dict[str, int] = columns
        self.counts = self._count(map(terms, texts))
        columns.default_factory = None
        frequency = np.bincount(self.counts.indices, minlength=len(self.columns))
        self._idf = np.log((1 + self.counts.shape[0]) / (1 + frequency)) + 1

    def vectors(self, texts: Iterable[Segments]) -> sparse.csr_matrix:
        """Of shape (texts, terms), rows of length 1; terms not in the collection are ignored."""
        known = ([term for term in terms(text) if term in self.columns] for text in texts)
        return self.weigh(self._count(known))

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """(1 + ln count) times inverse document frequency, each row scaled to length 1."""
        weighed = counts.copy()
        weighed.data = ((1 + np.log(counts.data)) * self._idf[counts.indices]).astype(np.float32)
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
        per_value = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(weighed.indptr))
        weighed.data = (weighed.data / per_value).astype(np.float32)
        return weighed

    def _count(self, texts: Iterable[list[str]]) -> sparse.csr_matrix:
        counts, indices, ends = array("i"), array("i"), array("i", [0])
        for text in texts:
            counted = Counter(text)
            indices.extend(map(self.columns.__getitem__, counted))
            counts.extend(counted.values())
            ends.append(len(indices))
        shape = len(ends) - 1, len(self.columns)
        return sparse.csr_matrix((np.array(counts, dtype=np.float32), indices, ends), shape=shape)
