"""Many papers, packed so that they can be searched at once: by words, and by meaning."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import rarity, saturated
from .meaning import Vectors
from .queries import Doc, segments
from .text import terms
from .views import Column, Scores, Usual, View, grade

ENTRY = np.dtype([("term", "<u4"), ("count", "u1")])
"""A term by its hash, which is the same in every process, and how often it is there."""
MOST = 255
LEAST_BITS = 10
WORDS, MEANING = 1.0, 1.0
FAR = 3.0
"""A paper without any of the words is found where its meaning stands so far above the mean."""

Terms = npt.NDArray[np.uint32]


def pack(doc: Doc) -> bytes:
    """The terms of a paper, to be stored."""
    return _packed(segments(doc))


def pack_text(text: str) -> bytes:
    """The terms of what somebody searches for."""
    return _packed([text])


def _packed(text: Sequence[str]) -> bytes:
    counted = Counter(terms(text)).items()
    entries = [(crc32(term.encode()), min(count, MOST)) for term, count in counted]
    return np.array(entries, dtype=ENTRY).tobytes()


class Index:
    """Some papers by what they say and, as far as it is known, by what they mean."""

    def __init__(
        self, packed: Sequence[bytes], known: Sequence[int], vectors: Sequence[npt.NDArray[Any]]
    ) -> None:
        """The terms of each paper; which have a vector, and these."""
        size, entries = len(packed), np.frombuffer(b"".join(packed), dtype=ENTRY)
        ends = np.cumsum([0, *map(len, packed)]) // ENTRY.itemsize
        self._last = (1 << max(len(entries).bit_length() - 2, LEAST_BITS)) - 1
        """The last of the places that terms fall into; few share theirs with another."""
        places = (entries["term"] & self._last).astype(np.int32)
        shape = size, self._last + 1
        by_term = sparse.csr_matrix((entries["count"], places, ends), shape=shape).tocsc()
        self._starts, self._papers, self._counts = by_term.indptr, by_term.indices, by_term.data
        of_each = np.repeat(np.arange(size), np.diff(ends))
        self.lengths = np.bincount(of_each, entries["count"], size)
        self._known: npt.NDArray[np.intp] = np.array(known, dtype=np.intp)
        self._vectors = np.array(vectors, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.lengths)

    def papers_with(self, terms: Terms) -> npt.NDArray[np.int64]:
        """How many papers have each term."""
        places = terms & self._last
        return np.asarray(self._starts[places + 1] - self._starts[places], dtype=np.int64)

    def bm25(self, terms: Terms, weights: Column, mean_length: float) -> Scores:
        """What each paper has of terms that count so much each."""
        spans = [slice(*self._starts[place : place + 2]) for place in terms & self._last]
        papers = np.concatenate([np.empty(0, np.int32), *(self._papers[span] for span in spans)])
        counts = np.concatenate([np.empty(0, np.uint8), *(self._counts[span] for span in spans)])
        has = saturated(counts, self.lengths[papers] / mean_length)
        weight = np.repeat(weights, [span.stop - span.start for span in spans])
        return np.bincount(papers, weight * has, len(self)).astype(np.float32)

    def meaning(self, vector: Vectors) -> Scores:
        """How near each paper is to a vector by cosine; not a number where it is not known."""
        found = np.full(len(self), np.nan, dtype=np.float32)
        if len(self._known):
            found[self._known] = self._vectors @ vector
        return found


def search(parts: Sequence[Index], asked: bytes, vector: Vectors | None) -> Scores:
    """How well each paper fits packed terms and a vector, in deviations above the mean of all.

    One part's papers after the other's; minus infinity where neither fits.
    """
    entries = np.frombuffer(asked, dtype=ENTRY)
    terms, size = entries["term"], sum(map(len, parts))
    papers_with = sum((part.papers_with(terms) for part in parts), np.zeros(len(terms)))
    weights = entries["count"] * rarity(size, papers_with)
    mean_length = max(sum(part.lengths.sum() for part in parts) / max(size, 1), 1)
    words = np.sqrt(np.concatenate([part.bm25(terms, weights, mean_length) for part in parts]))
    views, fits = [_view("words", words, WORDS, words)], words > 0
    if vector is not None:
        meaning = np.concatenate([part.meaning(vector) for part in parts])
        known = meaning[np.isfinite(meaning)]
        if len(known):
            view = _view("meaning", np.nan_to_num(meaning, nan=known.mean()), MEANING, known)
            fits |= view.standing()[0] >= FAR
            views.append(view)
    return np.where(fits, grade(views, [0], size)[0], np.float32(-np.inf))


def _view(name: str, found: Scores, counts: float, usual: Scores) -> View:
    return View(name, np.array([counts]), found[None], None, Usual.among(usual[None]))
