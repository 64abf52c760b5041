"""One reader's papers from the scores of their interests."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from subscriptions.matching import Ranked
from subscriptions.matching import rank as rank_found
from subscriptions.matching import share_out as share_out_ranked

Scores = npt.NDArray[np.float32]


def rank(scores: Scores) -> Ranked:
    """Of a score for each paper, 0 where there is no match."""
    places = np.flatnonzero(scores)[::-1]
    return rank_found(places, scores[places])


def share_out(scores: Scores, weights: Scores, limit: int) -> list[tuple[int, int]]:
    """From a table of scores, 0 where there is no match."""
    return share_out_ranked([rank(row) for row in scores], weights.tolist(), limit)


def array(*rows: Any) -> Scores:
    return np.array(rows, dtype=np.float32)


@st.composite
def readers(draw: st.DrawFn) -> tuple[Scores, Scores]:
    """Scores of (interests, papers) and the weights of the interests."""
    interests, papers = draw(st.integers(0, 5)), draw(st.integers(0, 12))
    value = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 1.0])
    scores = draw(arrays(np.float32, (interests, papers), elements=value))
    weights = draw(arrays(np.float32, interests, elements=st.sampled_from([0.5, 1.0, 2.0])))
    return scores, weights


def test_papers_are_ranked_by_score_and_the_first_of_equals_comes_first() -> None:
    papers, scores = rank(array(0, 0.5, 0.25, 0, 0.75, 0.5))
    assert (list(papers), list(scores)) == ([4, 1, 5, 2], [0.75, 0.5, 0.5, 0.25])
    assert list(rank_found(np.array([1, 0]), np.array([0.5, 0.75])).scores) == [0.75, 0.5]
    assert [list(column) for column in rank(array(0, 0))] == [[], []]
    assert list(rank(array(*[0.5, 0.25] * 50)).papers) == [*range(0, 100, 2), *range(1, 100, 2)]


@given(readers(), st.integers(0, 15))
def test_what_holds_for_every_reader(reader: tuple[Scores, Scores], limit: int) -> None:
    scores, weights = reader
    chosen = share_out(scores, weights, limit)
    papers = [paper for _, paper in chosen]
    assert len(papers) == len(set(papers))
    matching = int((scores > 0).any(axis=0).sum())
    assert len(papers) == min(limit, matching)
    # Who follows the named interest no more loses the paper's highest score.
    for interest, paper in chosen:
        assert scores[interest, paper] == scores[:, paper].max() > 0
    assert chosen == share_out(scores.copy(), weights.copy(), limit)
    assert chosen == share_out(scores, weights, limit + 5)[:limit]


@given(st.lists(st.sampled_from([1.0, 2.0, 4.0]), min_size=1, max_size=4), st.integers(1, 6))
def test_shares_are_by_weight_where_all_have_plenty(weights: list[float], times: int) -> None:
    limit = int(sum(weights)) * times
    scores = np.zeros((len(weights), len(weights) * limit), dtype=np.float32)
    for interest in range(len(weights)):
        scores[interest, interest * limit : (interest + 1) * limit] = 0.5
    had = Counter(interest for interest, _ in share_out(scores, array(*weights), limit))
    assert had == {interest: weight * times for interest, weight in enumerate(weights)}


def test_each_interest_puts_its_best_papers_forward() -> None:
    scores = array([0.2, 0.9, 0.5, 0], [0.3, 0.8, 0, 0.4])
    assert share_out(scores, array(1, 1), 4) == [(0, 1), (1, 3), (0, 2), (1, 0)]


def test_a_broad_interest_does_not_drown_a_narrow_one() -> None:
    scores = np.zeros((2, 50), dtype=np.float32)
    scores[0, :49] = np.linspace(0.9, 0.5, 49)
    scores[1, 49] = 0.11
    chosen = share_out(scores, array(1, 1), 8)
    assert (1, 49) in chosen[:2]
    assert len(chosen) == 8


def test_a_heavier_interest_begins_and_a_lighter_one_still_comes() -> None:
    scores = array([0.3] * 10 + [0] * 10, [0] * 10 + [0.9] * 10)
    had = [interest for interest, _ in share_out(scores, array(2, 0.5), 10)]
    assert had[0] == 0
    assert Counter(had) == {0: 8, 1: 2}


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0), (3, 5)])
def test_nothing_to_share(shape: tuple[int, int]) -> None:
    weights = np.ones(shape[0], dtype=np.float32)
    assert share_out(np.zeros(shape, dtype=np.float32), weights, 10) == []


def test_what_is_not_allowed_makes_room_for_the_next() -> None:
    ranked = [rank(array(0.9, 0.8, 0.7, 0)), rank(array(0, 0.9, 0, 0.2))]
    chosen = share_out_ranked(ranked, [1, 1], 3, allowed=lambda paper: paper not in {0, 1})
    assert chosen == [(0, 2), (1, 3)]


def test_what_is_crowded_by_a_chosen_paper_makes_room_for_the_next() -> None:
    ranked = [rank(array(0.9, 0.8, 0.7, 0)), rank(array(0, 0.9, 0, 0.2))]
    crowded: dict[int, list[int]] = {0: [1]}
    chosen = share_out_ranked(ranked, [1, 1], 3, crowded_by=lambda paper: crowded.get(paper, []))
    assert chosen == [(0, 0), (1, 3), (0, 2)]
    crowded = {1: [0, 3]}
    chosen = share_out_ranked(ranked, [1, 1], 3, crowded_by=lambda paper: crowded.get(paper, []))
    assert chosen == [(0, 0), (1, 1), (0, 2)]
