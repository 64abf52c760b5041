"""What tells liked papers from past ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from subscriptions.matching.meaning import Meaning, Texts, Vectors, drawn_in
from subscriptions.matching.views import Scores, View


def vectors_of(rows: Vectors) -> Texts:
    """Texts that stand for the rows of an array."""
    return [(str(n),) for n in range(len(rows))], sparse.csr_matrix(rows)


def liking(docs: Vectors, past: Vectors, liked: Vectors) -> Scores:
    """How high ``docs`` stand for a reader who likes all of ``liked`` the same."""
    meaning = Meaning(lambda texts: texts[1].toarray(), vectors_of(docs), vectors_of(past))
    share = sparse.csr_matrix(np.full((1, len(liked)), 1 / len(liked), dtype=np.float32))
    apart = meaning.apart(share, liked)
    view = View("", np.ones(1), apart, meaning.docs, meaning.usual(apart))
    return np.asarray(view.standing()[0])


def drawn(vectors: Vectors) -> Vectors:
    apart = vectors - vectors.mean(axis=0)
    return drawn_in(apart, apart.T @ apart / len(apart))


@pytest.mark.parametrize("past", [500, 3])
def test_what_all_papers_share_says_nothing_of_liked_ones(past: int) -> None:
    draw = np.random.default_rng(0)
    # Papers differ widely along the first direction, hardly along the second.
    before = (draw.standard_normal((past, 2)) * [1, 0.01]).astype(np.float32)
    liked = np.array([[0.5, 0.05]], dtype=np.float32)
    docs = np.array([[0.5, 0.0], [0.0, 0.05]], dtype=np.float32)
    found = liking(docs, before, liked)
    assert (found[1] > found[0]) == (past == 500)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))
def test_few_vectors_never_break_it(count: int, size: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    some = draw.standard_normal((count, size)).astype(np.float32)
    found = drawn(some)
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found).min() >= -1e-5
    assert np.isfinite(liking(some, some, some)).all()


def test_many_vectors_need_no_help() -> None:
    some = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    some *= np.array([1, 2, 3], dtype=np.float32)
    assert drawn(some) == pytest.approx(np.cov(some.T, bias=True), abs=0.05)
