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
from .queries import Doc
from .text import keys, terms
from .views import Scores, Usual, View, grade

ENTRY = np.dtype([("term", "<u4"), ("count", "u1")])
"""A term by its hash, which is the same in every process, and how often it is there."""
MOST = 255
FEWEST_BITS, MOST_BITS, CHECK_BITS = 16, 24, 8
WORDS, MEANING = 1.0, 2.0
"""How much each counts: of whole sentences a model knows more than their words tell."""
FAR = 2.0
"""A paper that has none of the words is found where its meaning stands so far above the mean."""

Numbers = npt.NDArray[Any]


def unpack(packed: Sequence[bytes]) -> Numbers:
    """The terms of several texts, one text's after the other's."""
    return np.frombuffer(b"".join(packed), dtype=ENTRY)


def pack(doc: Doc) -> bytes:
    """The terms of a paper, to be stored: words, those of its title twice, and its pairs of words.

    Pairs of an abstract would double what is kept, and find no more.
    """
    return _packed([*terms([doc.title]), *keys(doc.title), *keys(doc.abstract)])


def pack_text(text: str) -> bytes:
    """The terms of what somebody searches for."""
    return _packed(terms([text]))


def _packed(found: list[str]) -> bytes:
    entries = [(crc32(term.encode()), min(n, MOST)) for term, n in Counter(found).items()]
    return np.array(entries, dtype=ENTRY).tobytes()


class Index:
    """Some papers by what they say and, as far as it is known, by what they mean.

    Terms are kept in drawers by the low bits of their hashes, so that no hash is sorted; the
    high bits tell those of one drawer apart.
    """

    def __init__(self, entries: Numbers, ends: Numbers, known: Numbers, vectors: Vectors) -> None:
        """The terms of all papers, one after the other, and where those of each end.

        Which papers have a vector, and these, one after the other.
        """
        size, starts = len(ends), np.concatenate([[0], ends])
        bits = min(max(len(entries).bit_length() - 2, FEWEST_BITS), MOST_BITS)
        self._last_drawer = np.uint32((1 << bits) - 1)
        drawers = (entries["term"] & self._last_drawer).view(np.int32)
        values = (entries["term"] >> (32 - CHECK_BITS)).astype(np.uint16) << 8 | entries["count"]
        by_paper = sparse.csr_matrix((values, drawers, starts), shape=(size, 1 << bits))
        by_drawer = by_paper.tocsc()
        self._starts, self._papers = by_drawer.indptr, by_drawer.indices
        self._values = by_drawer.data
        self.lengths = np.zeros(size)
        some = np.flatnonzero(np.diff(starts))
        if len(some):
            self.lengths[some] = np.add.reduceat(entries["count"], starts[some], dtype=np.int64)
        self._known = known
        self._vectors = vectors.reshape(len(known), -1) if len(known) else vectors

    def __len__(self) -> int:
        return len(self.lengths)

    def papers_with(self, term: np.uint32) -> tuple[Numbers, Numbers]:
        """The papers that have a term, and how often."""
        drawer = int(term & self._last_drawer)
        span = slice(self._starts[drawer], self._starts[drawer + 1])
        papers, values = self._papers[span], self._values[span]
        right = values >> 8 == term >> (32 - CHECK_BITS)
        return papers[right], values[right] & MOST

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
    words = np.sqrt(_bm25(parts, unpack([asked])))
    views, fits = [_view("words", words, WORDS, words)], words > 0
    if vector is not None:
        meaning = np.concatenate([part.meaning(vector) for part in parts])
        known = meaning[np.isfinite(meaning)]
        if len(known):
            view = _view("meaning", np.nan_to_num(meaning, nan=known.mean()), MEANING, known)
            fits |= view.standing()[0] >= FAR
            views.append(view)
    return np.where(fits, grade(views, [0], len(words))[0], np.float32(-np.inf))


def best(scores: Scores, count: int) -> npt.NDArray[np.intp]:
    """The places of the best of those that fit, the best first."""
    some = np.arange(len(scores))
    if count < len(scores):
        some = np.argpartition(-scores, count)[:count]
    some = some[np.isfinite(scores[some])]
    return some[np.lexsort((some, -scores[some]))]


def _bm25(parts: Sequence[Index], asked: Numbers) -> Scores:
    size = sum(map(len, parts))
    mean = sum(part.lengths.sum() for part in parts) / max(size, 1)
    lengths = [(part.lengths / max(mean, 1)).astype(np.float32) for part in parts]
    scores = [np.zeros(len(part), dtype=np.float32) for part in parts]
    for term, count in zip(asked["term"], asked["count"], strict=True):
        found = [part.papers_with(term) for part in parts]
        weight = np.float32(count * rarity(size, sum(len(papers) for papers, _ in found)))
        for (papers, counts), length, score in zip(found, lengths, scores, strict=True):
            score[papers] += weight * saturated(counts.astype(np.float32), length[papers])
    return np.concatenate(scores)


def _view(name: str, found: Scores, counts: float, usual: Scores) -> View:
    return View(name, np.array([counts]), found[None], None, Usual.among(usual[None]))
