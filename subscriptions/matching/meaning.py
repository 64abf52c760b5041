"""What papers mean: by a model, or without one by how words go together in past papers."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Segments
from .views import Scores, View

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
    """How near papers are in meaning to what is asked or liked."""

    def __init__(self, vectors: Callable[[Texts], Vectors], docs: Texts, past: Texts) -> None:
        self._vectors = vectors
        before = vectors(past)
        self._view = View(vectors(docs), before)
        self._mean = before.mean(axis=0)
        self._decorrelate = np.linalg.pinv(covariance(before), hermitian=True)

    def asked(self, texts: Texts) -> Scores:
        """``View.standing`` of texts, by cosine."""
        return self._view.standing(self._vectors(texts))

    def liked(self, texts: Texts, share: sparse.csr_matrix, liked: Sequence[int]) -> Scores:
        """The same of means of texts, each with its ``share``; so many are past papers.

        By what tells them best from past papers, Fisher's linear discriminant: one matrix
        serves all readers, so nothing is trained. Hariharan, Malik and Ramanan,
        Discriminative decorrelation (2012).
        """
        apart = (share @ (self._vectors(texts) - self._mean)) @ self._decorrelate
        return self._view.standing(np.asarray(apart, dtype=np.float32), liked)


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


def covariance(vectors: Vectors) -> Vectors:
    """Of the vectors' dimensions, drawn towards equal variances as far as few vectors need it.

    Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices
    (2004), lemma 3.2.
    """
    count, size = vectors.shape
    apart = vectors - vectors.mean(axis=0)
    found = apart.T @ apart / count
    equal = np.trace(found) / size * np.eye(size, dtype=np.float32)
    error = (np.square(apart).sum(axis=1) ** 2).sum() / count**2 - np.square(found).sum() / count
    drawn = min(error / max(np.square(found - equal).sum(), TINY), 1)
    return np.asarray((1 - drawn) * found + drawn * equal, dtype=np.float32)
