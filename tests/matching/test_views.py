"""Scores in deviations from what past papers have."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from subscriptions.matching.views import Usual, usual_of_dense, usual_of_sparse

Array = npt.NDArray[np.float32]
values = st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0])
past = arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(2, 8)), elements=values)


def standing(usual: Usual, count: int) -> Array:
    found = np.tile(np.array([0, 1, 2], dtype=np.float32), (count, 1))
    return np.asarray(usual.standing(found))


@given(past)
def test_deviations_above_the_mean(usual: Array) -> None:
    found = standing(usual_of_dense(usual), len(usual))
    for row, of in zip(found, usual, strict=True):
        if np.ptp(of):
            assert row == pytest.approx((np.array([0, 1, 2]) - of.mean()) / of.std(), abs=1e-4)
    assert np.isfinite(found).all()
    same = standing(usual_of_sparse(sparse.csr_matrix(usual)), len(usual))
    assert same == pytest.approx(found, rel=1e-4)


@given(past)
def test_past_papers_that_are_left_out(usual: Array) -> None:
    count, size = usual.shape
    some, left = usual_of_dense(usual), usual_of_dense(usual[:, 1:])
    some.without([*range(count)], usual[:, 0])
    assert some.size == pytest.approx(left.size)
    if size > 2 and (np.ptp(usual[:, 1:], axis=1) > 0).all():
        assert standing(some, count) == pytest.approx(standing(left, count), rel=1e-3, abs=1e-3)
    for n in range(1, size):
        some.without([*range(count)], usual[:, n])
    assert np.isfinite(standing(some, count)).all()


def test_where_all_past_papers_are_alike_as_if_one_were_as_good() -> None:
    usual = usual_of_dense(np.zeros((1, 99), dtype=np.float32))
    assert usual.standing(np.array([[0, 2]], dtype=np.float32))[0] == pytest.approx([0, 99**0.5])
