"""Ways of comparing papers, each on a scale that past papers set, so that they can be added."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

Scores = npt.NDArray[np.float32]
Column = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Rows = sparse.csr_matrix | Scores

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

    @classmethod
    def among(cls, product: Rows) -> "Usual":
        """Of a product (vectors, past papers)."""
        count, size = product.shape
        if isinstance(product, np.ndarray):
            squares = np.einsum("ij,ij->i", product, product, dtype=np.float64)
            return cls(size, product.sum(axis=1, dtype=np.float64), squares)
        rows = np.repeat(np.arange(count), np.diff(product.indptr))
        total, squares = (np.bincount(rows, of, count) for of in (product.data, product.data**2))
        return cls(size, total.astype(np.float64), squares.astype(np.float64))


@dataclass
class View:
    """One way in which some queries compare papers: as vectors, times those of the papers."""

    name: str
    counts: Column
    """How much it counts, of shape (queries,)."""
    vectors: Rows
    papers: Scores | None
    """Of shape (dimensions, docs); None where ``vectors`` are the products themselves."""
    usual: Usual
    shares: Column | None = None
    """How much of it is part of the mean, where that is not how much it counts."""

    def found(self, rows: slice | Places = np.s_[:]) -> Scores:
        """The products, of shape (queries, docs)."""
        return multiplied(self.vectors[rows], self.papers)

    def found_at(self, rows: Places, columns: Places) -> Scores:
        """The products of these rows and docs, pair by pair."""
        if self.papers is None or not isinstance(self.vectors, np.ndarray):
            return np.asarray(self.found()[rows, columns])
        return np.asarray(np.einsum("ij,ij->i", self.vectors[rows], self.papers.T[columns]))

    def standing(self) -> Scores:
        """``found`` in deviations above the mean of past papers."""
        scale, shift = self.scale
        return np.asarray(self.found() * scale[:, None] - shift[:, None], dtype=np.float32)

    @cached_property
    def scale(self) -> tuple[Column, Column]:
        """``standing`` is ``found`` times the first less the second.

        So the best of a poor week is not taken for good. Where past papers are all alike, as
        if one of them fitted as well as the best here.
        """
        size = np.maximum(self.usual.size, 1)
        mean = self.usual.total / size
        spread = np.sqrt(np.maximum(self.usual.squares / size - mean**2, 0))
        alike = np.flatnonzero(spread <= TINY * np.abs(mean))
        best = self.found(alike).max(axis=1, initial=0) - mean[alike]
        spread[alike] = np.where(best > 0, best / np.sqrt(size[alike]), np.inf)
        return 1 / spread, mean / spread


def grade(views: Sequence[View], rows: Sequence[int], docs: int) -> Scores:
    """The mean of standings, each by how much it counts, of shape (rows, docs).

    Views of the same papers are added before they are multiplied, which takes most of the time.
    """
    total = np.zeros((len(rows), docs), dtype=np.float32)
    together: dict[int, tuple[Rows, Scores | None]] = {}
    for view, factors, less in _parts(views):
        total -= less[rows, None]
        vectors = scaled(view.vectors[rows], factors[rows])
        before = together.get(id(view.papers))
        together[id(view.papers)] = (before[0] + vectors if before else vectors), view.papers
    for vectors, papers in together.values():
        total += multiplied(vectors, papers)
    return total


def grade_some(views: Sequence[View], places: Mapping[int, Places]) -> dict[int, Scores]:
    """The same, by row, of the papers in ``places`` alone."""
    sizes = [len(some) for some in places.values()]
    rows = np.repeat(np.array([*places], dtype=np.intp), sizes)
    columns = np.concatenate([np.empty(0, np.intp), *places.values()])
    total = np.zeros(len(rows), dtype=np.float32)
    for view, factors, less in _parts(views):
        total += view.found_at(rows, columns) * factors[rows] - less[rows]
    return dict(zip(places, np.split(total, np.cumsum(sizes))[:-1], strict=True))


def _parts(views: Sequence[View]) -> Iterator[tuple[View, Scores, Scores]]:
    """Each view, and by which factor, less how much, its products are part of the mean."""
    shares = (view.counts if view.shares is None else view.shares for view in views)
    whole = sum(shares, np.zeros(1))
    for view in views:
        parts = view.counts / np.where(whole > 0, whole, 1)
        scale, shift = view.scale
        yield view, (parts * scale).astype(np.float32), (parts * shift).astype(np.float32)


def scaled(vectors: Rows, factors: Scores) -> Rows:
    """Each row times its factor."""
    if isinstance(vectors, np.ndarray):
        return np.asarray(vectors * factors[:, None], dtype=np.float32)
    values = vectors.data * np.repeat(factors, np.diff(vectors.indptr))
    return sparse.csr_matrix((values, vectors.indices, vectors.indptr), vectors.shape)


def multiplied(vectors: Rows, papers: Scores | None) -> Scores:
    """The products of rows with papers, dense."""
    product = vectors if papers is None else vectors @ papers
    dense = product if isinstance(product, np.ndarray) else product.toarray()
    return np.asarray(dense, dtype=np.float32)
