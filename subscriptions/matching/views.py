"""One way of comparing papers, on a scale that past papers set."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

Scores = npt.NDArray[np.float32]
Rows = sparse.csr_matrix | npt.NDArray[np.float32]


class View:
    """Papers and past papers as rows of one kind of vectors."""

    def __init__(self, docs: Rows, past: Rows) -> None:
        self._docs, self._past = _columns(docs), _columns(past)

    def standing(self, vectors: Rows, but: Sequence[int] | None = None) -> Scores:
        """How well each paper fits, of shape (vectors, docs).

        In standard deviations above the mean of the past papers, so that what different
        vectors find can be compared, and the best of a poor week is not taken for good.
        Where all past papers are alike, as if one of them fitted as well as the best here.
        ``but`` the best so many of each vector: those that it was made of are past papers too.
        """
        found, usual = _product(vectors, self._docs), _product(vectors, self._past)
        for row, best in enumerate(but or ()):
            if best := min(best, usual.shape[1] // 2):
                usual[row, np.argpartition(-usual[row], best - 1)[:best]] = np.nan
        mean = np.nanmean(usual, axis=1, keepdims=True)
        spread = np.nanstd(usual, axis=1, keepdims=True)
        alone = (found - mean).max(axis=1, keepdims=True) / np.sqrt(usual.shape[1])
        spread = np.where(spread > 0, spread, np.where(alone > 0, alone, np.inf))
        return np.asarray((found - mean) / spread)


def _columns(rows: Rows) -> Rows:
    """The rows as columns, ready to be multiplied by few vectors."""
    return rows.T.tocsr() if isinstance(rows, sparse.csr_matrix) else rows.T


def _product(vectors: Rows, columns: Rows) -> Scores:
    product = vectors @ columns
    dense = product.toarray() if isinstance(product, sparse.csr_matrix) else product
    return np.asarray(dense, dtype=np.float32)
