"""What interests say in words: how it compares with papers, kept, as many say the same."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Lexicon, Segments
from .meaning import Meaning, Vectors
from .queries import Query, asked
from .views import Column, Usual, View

COMMON = 0.10
"""So much TF-IDF cosine to a paper is to have many words in common with it."""

Places = npt.NDArray[np.int32]


class _Known(NamedTuple):
    places: Places
    """The papers that have some of the words."""
    words: npt.NDArray[np.float32]
    """Root BM25 of each: among past papers BM25 has a long tail, and deviations want none."""
    usual: tuple[float, float]
    """Among past papers, their sum and squares."""
    common: Places
    """The papers that have many of the words."""
    meaning: Vectors


class Asked:
    """What queries say, compared with the papers of a pool and those of the past."""

    def __init__(
        self, lexicon: Lexicon, by_term: sparse.csr_matrix, meaning: Meaning | None, kept: int
    ) -> None:
        """TF-IDF of the pool, of shape (terms, papers); how many texts are kept, the last."""
        self._lexicon, self._by_term, self._meaning = lexicon, by_term, meaning
        self._bm25 = [lexicon.bm25(some).T.tocsr() for some in (lexicon.counts, lexicon.past)]
        self._known: dict[Segments, _Known] = {}
        self._kept = kept

    def compare(self, queries: Sequence[Query], counts: Column) -> tuple[list[View], list[Places]]:
        """Views by words and by meaning, each as much as it counts.

        And for each query the papers that have many words of it.
        """
        known = self._learned(queries)
        ends = np.cumsum([0, *(len(text.places) for text in known)])
        size = self._by_term.shape[1]
        columns: Places = np.concatenate([np.empty(0, np.int32), *(t.places for t in known)])
        values: Vectors = np.concatenate([np.empty(0, np.float32), *(t.words for t in known)])
        words = sparse.csr_matrix((values, columns, ends), (len(known), size))
        usual = np.array([text.usual for text in known], dtype=np.float64).reshape(-1, 2)
        past = Usual(self._bm25[1].shape[1], usual[:, 0], usual[:, 1])
        views = [View("words", counts, words, None, past)]
        if self._meaning:
            dimensions = len(self._meaning.docs)
            vectors = np.array([text.meaning for text in known], dtype=np.float32)
            vectors = vectors.reshape(len(known), dimensions)
            usual_meaning = self._meaning.usual(vectors)
            views.append(View("meaning", counts, vectors, self._meaning.docs, usual_meaning))
        return views, [text.common for text in known]

    def _learned(self, queries: Sequence[Query]) -> list[_Known]:
        texts = [asked(query) for query in queries]
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        known = {text: self._known.pop(text) for text in texts if text in self._known}
        known |= zip(new, self._compared(new), strict=True)
        self._known |= known
        for text in [*islice(self._known, max(len(self._known) - self._kept, 0))]:
            del self._known[text]
        return [known[text] for text in texts]

    def _compared(self, texts: Sequence[Segments]) -> list[_Known]:
        said = self._lexicon.count(texts)
        weighed = self._lexicon.weigh(said)
        docs, past = (said @ some for some in self._bm25)
        docs.data, past.data = np.sqrt(docs.data), np.sqrt(past.data)
        usual = Usual.among(past)
        shared = weighed @ self._by_term
        shared.data[shared.data < COMMON] = 0
        shared.eliminate_zeros()
        vectors = self._meaning.vectors((texts, weighed)) if self._meaning else np.zeros(len(texts))
        return [
            _Known(  # copies: a slice of it would keep the whole
                docs.indices[docs.indptr[n] : docs.indptr[n + 1]].copy(),
                docs.data[docs.indptr[n] : docs.indptr[n + 1]].copy(),
                (usual.total[n], usual.squares[n]),
                shared.indices[shared.indptr[n] : shared.indptr[n + 1]].copy(),
                vectors[n].copy(),
            )
            for n in range(len(texts))
        ]
