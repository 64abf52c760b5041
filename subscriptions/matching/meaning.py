"""What papers mean: by a model, or without one by how words go together in past papers."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Segments
from .views import Scores, View

DIRECTIONS, SPARE, ROUNDS = 200, 16, 2
NOISE = 1e-6
"""Directions with less than this part of the strongest's variance are rounding errors."""
LEAST_PAPERS = 400
"""Fewer past papers teach nothing about meaning."""

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
"""Unit vectors of shape (texts, dimensions) for texts."""
Texts = tuple[Sequence[Segments], sparse.csr_matrix]
"""Texts, and their TF-IDF."""


class Meaning:
    """How near papers are in meaning to what is asked or liked: by cosine."""

    def __init__(self, vectors: Callable[[Texts], Vectors], docs: Texts, past: Texts) -> None:
        self._vectors = vectors
        self._view = View(vectors(docs), vectors(past))

    def asked(self, texts: Texts) -> Scores:
        """``View.standing`` of texts."""
        return self._view.standing(self._vectors(texts))

    def liked(self, texts: Texts, share: sparse.csr_matrix, liked: Sequence[int]) -> Scores:
        """The same of means of texts, each with its ``share``; so many are past papers."""
        return self._view.standing(np.asarray(share @ self._vectors(texts)), liked)


def encoded(encode: Encode) -> Callable[[Texts], Vectors]:
    """The meaning of texts as a model tells it."""
    return lambda texts: encode([". ".join(dict.fromkeys(filter(None, t))) for t in texts[0]])


def latent(past: sparse.csr_matrix, columns: npt.NDArray[np.intp]) -> Callable[[Texts], Vectors]:
    """The meaning of texts as far as past papers teach it.

    What is left of TF-IDF along the ``directions`` of past papers in these columns.
    """
    along = directions(past[:, columns])

    def vectors(texts: Texts) -> Vectors:
        found = np.asarray(texts[1][:, columns] @ along, dtype=np.float32)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(np.divide(found, lengths, out=found, where=lengths > 0))

    return vectors


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
