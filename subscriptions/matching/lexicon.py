"""Words as vectors: which terms papers have, and how rare each is among past papers."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .text import terms

Segments = Sequence[str]
Sparse = sparse.csr_matrix
Counted = tuple[Sequence[int], Sequence[int], Sequence[int]]
"""Where each text ends, and its terms' columns and counts."""

SATURATION, LENGTH_PENALTY = 1.2, 0.75
"""BM25's k1 and b, as Robertson and Zaragoza (2009) give them."""

Numbers = npt.NDArray[Any]


def rarity(size: int, texts_with: Numbers | int) -> Numbers:
    """How much a term counts that so many of ``size`` texts have: BM25's part for a collection."""
    return np.asarray(np.log1p((size - texts_with + 0.5) / (texts_with + 0.5)))


def saturated(counts: Numbers, lengths: Numbers) -> Numbers:
    """How much a text has of a term: BM25's part for a text, with its length beside the mean.

    Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), section 3.4.
    """
    norm = SATURATION * (1 - LENGTH_PENALTY + LENGTH_PENALTY * lengths)
    return np.asarray(counts * (SATURATION + 1) / (counts + norm))


class Lexicon:
    """The terms of papers and past papers; how rare each is, is learned from the past alone.

    A text is a sequence of segments; a segment given twice counts twice. ``columns`` maps a
    term to its column, in order; ``counts`` and ``past`` are (texts, terms).
    """

    def __init__(self, texts: Iterable[Segments], past: Iterable[Segments]) -> None:
        columns: defaultdict[str, int] = defaultdict()
        columns.default_factory = columns.__len__
        self.columns: dict[str, int] = columns
        counted, past_counted = self._count(map(terms, texts)), self._count(map(terms, past))
        self.counts, self.past = self._matrix(counted), self._matrix(past_counted)
        columns.default_factory = None
        self.texts_with = np.bincount(self.past.indices, minlength=len(columns))
        """In how many past texts each term is."""
        size = self.past.shape[0]
        self._idf = np.log((1 + size) / (1 + self.texts_with)) + 1
        self._bm25_idf = rarity(size, self.texts_with)
        self._mean_length = max(self.past.sum() / max(size, 1), 1)

    @cached_property
    def terms(self) -> list[str]:
        """The term of each column."""
        return list(self.columns)

    def words_seen_twice(self) -> npt.NDArray[np.intp]:
        """The columns of single words that two past texts have."""
        single = np.array([" " not in term for term in self.terms], dtype=np.bool_)
        return np.flatnonzero(single & (self.texts_with > 1))

    def count(self, texts: Iterable[Segments]) -> Sparse:
        """Of shape (texts, terms); terms not in the collection are ignored."""
        known = ([term for term in terms(text) if term in self.columns] for text in texts)
        return self._matrix(self._count(known))

    def weigh(self, counts: Sparse) -> Sparse:
        """TF-IDF: (1 + ln count) times inverse document frequency, each row of length 1."""
        weighed = counts.copy()
        weighed.data = ((1 + np.log(counts.data)) * self._idf[counts.indices]).astype(np.float32)
        squares = np.concatenate(([0], np.cumsum(np.square(weighed.data, dtype=np.float64))))
        lengths = np.sqrt(np.diff(squares[counts.indptr]))
        per_value = np.repeat(np.where(lengths > 0, lengths, 1), np.diff(weighed.indptr))
        weighed.data = (weighed.data / per_value).astype(np.float32)
        return weighed

    def bm25(self, counts: Sparse) -> Sparse:
        """What each term of a text adds to its BM25 score for a query that has the term once."""
        lengths = np.asarray(counts.sum(axis=1)).ravel() / self._mean_length
        has = saturated(counts.data, np.repeat(lengths, np.diff(counts.indptr)))
        weighed = counts.copy()
        weighed.data = (self._bm25_idf[counts.indices] * has).astype(np.float32)
        return weighed

    def _count(self, texts: Iterable[list[str]]) -> Counted:
        counts, places, ends = array("i"), array("i"), array("i", [0])
        for text in texts:
            counted = Counter(text)
            places.extend(map(self.columns.__getitem__, counted))
            counts.extend(counted.values())
            ends.append(len(places))
        return ends, places, counts

    def _matrix(self, counted: Counted) -> Sparse:
        ends, places, counts = counted
        values: npt.NDArray[np.float32] = np.array(counts, dtype=np.float32)
        shape = len(ends) - 1, len(self.columns)
        return sparse.csr_matrix((values, places, ends), shape=shape)
