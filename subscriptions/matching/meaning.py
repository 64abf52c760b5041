"""Meaning without a model: papers as points along the directions in which past papers differ."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .views import Scores, View

DIRECTIONS, SPARE, ROUNDS = 200, 16, 2
NOISE = 1e-6
"""Directions with less than this part of the strongest's variance are rounding errors."""
LEAST_PAPERS = 400
"""Fewer past papers teach nothing about meaning."""

Vectors = npt.NDArray[np.float32]


class Meaning:
    """How near texts are in meaning: the cosine of what is left of them along ``directions``."""

    def __init__(
        self, docs: sparse.csr_matrix, past: sparse.csr_matrix, columns: npt.NDArray[np.intp]
    ) -> None:
        """TF-IDF of papers and past papers, and the columns to learn directions from."""
        self._columns = columns
        self._directions = directions(past[:, columns])
        self._view = View(self._along(docs), self._along(past))

    def standing(self, texts: sparse.csr_matrix, but: Sequence[int] | None = None) -> Scores:
        """``View.standing`` of TF-IDF rows."""
        return self._view.standing(self._along(texts), but)

    def _along(self, texts: sparse.csr_matrix) -> Vectors:
        """Unit vectors of shape (texts, directions); of zeros where no word is known."""
        vectors = np.asarray(texts[:, self._columns] @ self._directions, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(np.divide(vectors, lengths, out=vectors, where=lengths > 0))


def directions(past: sparse.csr_matrix) -> Vectors:
    """The main directions of (papers, terms), of shape (terms, 200): latent semantic analysis.

    Deerwester and others (1990), by the randomised range finder of Halko, Martinsson and
    Tropp (2011, algorithm 4.4). Equal inputs give equal results.
    """
    size = min(DIRECTIONS, past.shape[0] // 2)
    start = np.random.default_rng(0).standard_normal((past.shape[1], size + SPARE))
    sampled = past @ start.astype(np.float32)
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(sampled)
        sampled = past @ (past.T @ basis)
    basis, _ = np.linalg.qr(sampled)
    projected = (past.T @ basis).T
    strengths, turned = np.linalg.eigh(projected @ projected.T)
    kept = np.argsort(-strengths)[:size]
    kept = kept[strengths[kept] > strengths.max() * NOISE]
    found = (turned[:, kept].T @ projected) / np.sqrt(strengths[kept])[:, None]
    return np.asarray(found.T, dtype=np.float32)
