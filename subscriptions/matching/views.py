"""Scores on a scale that past papers set, so that what different interests find compares."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

Scores = npt.NDArray[np.float32]
Column = npt.NDArray[np.float64]
TINY = 1e-9
"""A spread of less than this part of the mean is a rounding error."""


class Usual:
    """What each of some vectors finds among past papers: how many, their sum and squares."""

    def __init__(self, size: int, total: Column, squares: Column) -> None:
        self.size: Column = np.full(len(total), size, dtype=np.float64)
        self.total, self.squares = total, squares

    def without(self, rows: Sequence[int], values: Scores) -> None:
        """Leave out past papers: ``values`` is what vector ``rows[n]`` finds in each."""
        for column, parts in (
            (self.size, np.ones(len(rows))),
            (self.total, values),
            (self.squares, np.square(values)),
        ):
            np.subtract.at(column, np.asarray(rows, dtype=np.intp), parts)

    def standing(self, found: Scores) -> Scores:
        """``found``, of shape (vectors, docs), in deviations above the mean of past papers.

        So the best of a poor week is not taken for good. Where past papers are all alike, as
        if one of them fitted as well as the best here.
        """
        size = np.maximum(self.size, 1)
        mean = self.total / size
        spread = np.sqrt(np.maximum(self.squares / size - mean**2, 0))
        best = found.max(axis=1, initial=0) - mean
        alone = np.where(best > 0, best / np.sqrt(size), np.inf)
        spread = np.where(spread > TINY * np.abs(mean), spread, alone)
        scale = (1 / spread).astype(np.float32)[:, None]
        return np.asarray(found * scale - mean.astype(np.float32)[:, None] * scale)


def usual_of_sparse(product: sparse.csr_matrix) -> Usual:
    """Of a product (vectors, past papers)."""
    count, size = product.shape
    rows = np.repeat(np.arange(count), np.diff(product.indptr))
    total, squares = (np.bincount(rows, of, count) for of in (product.data, product.data**2))
    return Usual(size, total.astype(np.float64), squares.astype(np.float64))


def usual_of_dense(product: Scores) -> Usual:
    """Of a product (vectors, past papers)."""
    squares = np.einsum("ij,ij->i", product, product, dtype=np.float64)
    return Usual(product.shape[1], product.sum(axis=1, dtype=np.float64), squares)
