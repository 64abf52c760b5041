"""How others rank papers, rebuilt from their sources to be measured on the same topics.

Each gives a score for every paper, from the example papers that a reader likes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from subscriptions.matching import Doc, Encode, paper_text

Scores = npt.NDArray[np.float64]
Peer = Callable[[Sequence[int]], Scores]
"""From the places of liked papers, the oldest first, to a score of each paper."""

NEGATIVES = 1_000


def arxiv_sanity(docs: Sequence[Doc]) -> Peer:
    """arxiv-sanity-lite: a linear SVM on TF-IDF, all other papers as negatives.

    Settings of its ``compute.py`` and ``serve.py``.
    """
    features = TfidfVectorizer(
        strip_accents="unicode", stop_words="english", ngram_range=(1, 2), max_features=20_000,
        token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b", sublinear_tf=True, max_df=0.1, min_df=5,
    ).fit_transform(f"{doc.title} {doc.abstract}" for doc in docs)  # fmt: skip

    def score(liked: Sequence[int]) -> Scores:
        wanted = np.zeros(len(docs))
        wanted[list(liked)] = 1
        machine = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
        return np.asarray(machine.fit(features, wanted).decision_function(features))

    return score


def zotero_arxiv_daily(docs: Sequence[Doc], encode: Encode) -> Peer:
    """zotero-arxiv-daily: cosine to each liked paper, the older the less."""
    vectors = _vectors(docs, encode)

    def score(liked: Sequence[int]) -> Scores:
        weights = 1 / (1 + np.log10(np.arange(len(liked)) + 1))
        newest_first = vectors[list(liked)[::-1]]
        return np.asarray(vectors @ newest_first.T @ (weights / weights.sum()))

    return score


def scholar_inbox(docs: Sequence[Doc], past: Sequence[Doc], encode: Encode) -> Peer:
    """As Scholar Inbox (2025) describes itself: logistic regression, random negatives."""
    vectors = _vectors(docs, encode)
    chosen = np.random.default_rng(0).permutation(len(past))[:NEGATIVES]
    negatives = _vectors([past[n] for n in chosen], encode)

    def score(liked: Sequence[int]) -> Scores:
        examples = np.concatenate([vectors[list(liked)], negatives])
        wanted = [True] * len(liked) + [False] * len(negatives)
        model = LogisticRegression(C=10, class_weight="balanced", max_iter=1_000)
        return np.asarray(model.fit(examples, wanted).decision_function(vectors))

    return score


def _vectors(docs: Sequence[Doc], encode: Encode) -> npt.NDArray[np.float32]:
    return encode([paper_text(doc.title, doc.abstract) for doc in docs])
