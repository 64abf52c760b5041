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

Terms = npt.NDArray[np.uint32]
Numbers = npt.NDArray[Any]


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

    def __init__(
        self, packed: Sequence[bytes], known: Sequence[int], vectors: Sequence[Vectors]
    ) -> None:
        """The terms of each paper; which papers have a vector, and these."""
        entries = np.frombuffer(b"".join(packed), dtype=ENTRY)
        ends = np.cumsum([0, *map(len, packed)]) // ENTRY.itemsize
        bits = min(max(len(entries).bit_length() - 2, FEWEST_BITS), MOST_BITS)
        self._last_drawer = np.uint32((1 << bits) - 1)
        drawers = (entries["term"] & self._last_drawer).astype(np.int32)
        checks = entries["term"] >> (32 - CHECK_BITS) << 8
        values = (checks | entries["count"]).astype(np.uint16)
        shape = len(packed), 1 << bits
        by_drawer = sparse.csr_matrix((values, drawers, ends), shape=shape).tocsc()
        self._starts, self._papers = by_drawer.indptr, by_drawer.indices
        self._values = by_drawer.data
        of_each = np.repeat(np.arange(len(packed)), np.diff(ends))
        self.lengths = np.bincount(of_each, entries["count"], len(packed))
        self._known = np.array(known, dtype=np.intp)
        self._vectors = np.array(vectors, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.lengths)

    def places(self, terms: Terms) -> tuple[Numbers, Numbers, Numbers]:
        """Where terms are: which of them, in which paper, how often."""
        drawers = terms & self._last_drawer
        spans = [slice(*self._starts[drawer : drawer + 2]) for drawer in drawers.astype(np.intp)]
        which = np.repeat(np.arange(len(terms)), [span.stop - span.start for span in spans])
        papers = np.concatenate([np.empty(0, np.int32), *(self._papers[span] for span in spans)])
        values = np.concatenate([np.empty(0, np.uint16), *(self._values[span] for span in spans)])
        right = values >> 8 == (terms >> (32 - CHECK_BITS))[which]
        return which[right], papers[right], values[right] & MOST

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
    words = np.sqrt(_bm25(parts, np.frombuffer(asked, dtype=ENTRY)))
    views, fits = [_view("words", words, WORDS, words)], words > 0
    if vector is not None:
        meaning = np.concatenate([part.meaning(vector) for part in parts])
        known = meaning[np.isfinite(meaning)]
        if len(known):
            view = _view("meaning", np.nan_to_num(meaning, nan=known.mean()), MEANING, known)
            fits |= view.standing()[0] >= FAR
            views.append(view)
    return np.where(fits, grade(views, [0], len(words))[0], np.float32(-np.inf))


def _bm25(parts: Sequence[Index], asked: Numbers) -> Scores:
    lengths = np.concatenate([part.lengths for part in parts])
    firsts = np.cumsum([0, *map(len, parts)])
    found = [part.places(asked["term"]) for part in parts]
    which, counts = (np.concatenate([places[n] for places in found]) for n in (0, 2))
    papers = np.concatenate([some[1] + first for some, first in zip(found, firsts, strict=False)])
    weights = asked["count"] * rarity(len(lengths), np.bincount(which, minlength=len(asked)))
    has = saturated(counts, (lengths / max(lengths.mean(), 1))[papers]) if len(papers) else 0
    return np.bincount(papers, weights[which] * has, len(lengths)).astype(np.float32)


def _view(name: str, found: Scores, counts: float, usual: Scores) -> View:
    return View(name, np.array([counts]), found[None], None, Usual.among(usual[None]))
