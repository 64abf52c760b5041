"""Scores in deviations from what past papers have."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse

from subscriptions.matching.views import Usual, View, grade, grade_some

Array = npt.NDArray[np.float32]
values = st.sampled_from([0.0, 0.0, 0.5, 1.0, 3.0])
past = arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(2, 8)), elements=values)


def standing(usual: Usual, found: Sequence[float] = (0, 1, 2)) -> Array:
    count = len(usual.total)
    each = np.tile(np.array(found, dtype=np.float32), (count, 1))
    return View("", np.ones(count), each, None, usual).standing()


@given(past)
def test_deviations_above_the_mean(usual: Array) -> None:
    found = standing(Usual.among(usual))
    for row, of in zip(found, usual, strict=True):
        if np.ptp(of):
            assert row == pytest.approx((np.array([0, 1, 2]) - of.mean()) / of.std(), abs=1e-4)
    assert np.isfinite(found).all()
    same = standing(Usual.among(sparse.csr_matrix(usual)))
    assert same == pytest.approx(found, rel=1e-4)


@given(past)
def test_past_papers_that_are_left_out(usual: Array) -> None:
    count, size = usual.shape
    some, left = Usual.among(usual), Usual.among(usual[:, 1:])
    some.without([*range(count)], usual[:, 0])
    assert some.size == pytest.approx(left.size)
    if size > 2 and (np.ptp(usual[:, 1:], axis=1) > 0).all():
        assert standing(some) == pytest.approx(standing(left), rel=1e-3, abs=1e-3)
    for n in range(1, size):
        some.without([*range(count)], usual[:, n])
    assert np.isfinite(standing(some)).all()


def test_where_all_past_papers_are_alike_as_if_one_were_as_good() -> None:
    usual = Usual.among(np.zeros((1, 99), dtype=np.float32))
    assert standing(usual, [0, 2])[0] == pytest.approx([0, 99**0.5])


def test_a_grade_is_the_mean_of_standings() -> None:
    draw = np.random.default_rng(0)

    def some(*shape: int) -> Array:
        return draw.random(shape, dtype=np.float32)

    papers, alike = some(4, 6), some(3, 6)
    counts = np.array([[1, 0.5], [1, 0], [1, 1], [0, 1]])
    views = [
        View("words", counts[0], sparse.csr_matrix(some(2, 6)), None, Usual.among(some(2, 9))),
        View("meaning", counts[1], some(2, 4), papers, Usual.among(some(2, 9))),
        View("liked", counts[2], sparse.csr_matrix(some(2, 3)), alike, Usual.among(some(2, 9))),
        View("meaning of liked", counts[3], some(2, 4), papers, Usual.among(some(2, 9))),
    ]
    expected = sum(view.counts[:, None] * view.standing() for view in views)
    mean = expected / counts.sum(axis=0)[:, None]
    assert grade(views, [0, 1], 6) == pytest.approx(mean, rel=1e-4)
    assert grade(views, [1], 6) == pytest.approx(mean[1:], rel=1e-4)
    some_of = {1: np.array([5, 2]), 0: np.array([], dtype=np.intp)}
    graded = grade_some(views, some_of)
    assert [*graded] == [1, 0]
    assert graded[1] == pytest.approx(mean[1, [5, 2]], rel=1e-4)
    assert not graded[0].size
    assert not grade([], [0, 1], 6).any()
    assert grade_some([], {}) == grade_some(views, {}) == {}
