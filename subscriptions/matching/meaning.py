"""What papers mean: by a model, or without one by how words go together in past papers."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Segments
from .queries import said
from .views import Scores, Usual

DIRECTIONS, SPARE, ROUNDS = 200, 16, 2
NOISE, TINY = 1e-6, 1e-12
"""Directions with less than this part of the strongest's variance are rounding errors."""
LEAST_PAPERS = 400
"""Fewer past papers teach nothing about meaning."""

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
"""Unit vectors of shape (texts, dimensions) for texts."""
Texts = tuple[Sequence[Segments], sparse.csr_matrix]
"""Texts, and their TF-IDF."""


class Meaning:
    """How near papers are in meaning to vectors of what is asked or liked."""

    def __init__(self, vectors: Callable[[Texts], Vectors], docs: Texts, past: Texts) -> None:
        self.vectors = vectors
        """Of any texts."""
        self._past = vectors(past)
        self.docs = vectors(docs).reshape(len(docs[0]), self._past.shape[1]).T
        """Of shape (dimensions, docs)."""
        self._mean = self._past.mean(axis=0)
        apart = self._past - self._mean
        self._spread = apart.T @ apart / max(len(apart), 1)
        self._decorrelate = np.linalg.pinv(drawn_in(apart, self._spread), hermitian=True)

    def usual(self, vectors: Vectors) -> Usual:
        """What vectors find among past papers by cosine."""
        size, mean = len(self._past), (vectors @ self._mean).astype(np.float64)
        variance = np.einsum("ij,ij->i", vectors @ self._spread, vectors, dtype=np.float64)
        return Usual(size, size * mean, size * (np.maximum(variance, 0) + mean**2))

    def apart(self, share: sparse.csr_matrix, vectors: Vectors) -> Vectors:
        """What tells means of vectors, each with its ``share``, best from past papers.

        Fisher's linear discriminant: one matrix serves all readers, so nothing is trained.
        Hariharan, Malik and Ramanan, Discriminative decorrelation (2012).
        """
        means = np.asarray(share @ (vectors - self._mean))
        return np.asarray(means @ self._decorrelate, dtype=np.float32)

    def of_past(self, vectors: Vectors, places: Sequence[int]) -> Scores:
        """What each vector finds in one past paper."""
        return np.asarray(np.einsum("ij,ij->i", vectors, self._past[places]))


def encoded(encode: Encode) -> Callable[[Texts], Vectors]:
    """The meaning of texts as a model tells it."""
    return lambda texts: encode([*map(said, texts[0])])


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


def drawn_in(apart: Vectors, spread: Vectors) -> Vectors:
    """The covariance ``spread`` of vectors, given less their mean, fit to be inverted.

    Drawn towards equal variances as far as few vectors need it: Ledoit and Wolf, A
    well-conditioned estimator for large-dimensional covariance matrices (2004), lemma 3.2.
    """
    count, size = apart.shape
    equal = np.trace(spread) / max(size, 1) * np.eye(size, dtype=np.float32)
    lengths = np.square(apart).sum(axis=1)
    error = (lengths**2).sum() / count**2 - np.square(spread).sum() / count
    drawn = min(error / max(np.square(spread - equal).sum(), TINY), 1)
    return np.asarray((1 - drawn) * spread + drawn * equal, dtype=np.float32)
