"""Texts as vectors: how a word's count and rarity weigh."""

import math

import numpy as np
import pytest

from subscriptions.matching.lexicon import Lexicon


def test_rows_have_length_one_and_unknown_words_are_ignored() -> None:
    lexicon = Lexicon([["rain on radar"], ["rain"], [""]])
    rows = lexicon.vectors([["rain"], ["radar zither"], ["zither"], []]).toarray()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0, 0])
    assert rows.shape == (4, len(lexicon.columns))


def test_a_word_said_three_times_counts_one_and_a_logarithm() -> None:
    lexicon = Lexicon([["rain", "radar"]])
    rain, radar = lexicon.columns["rain"], lexicon.columns["radar"]
    (row,) = lexicon.vectors([["rain", "rain", "rain", "radar"]]).toarray()
    assert row[rain] / row[radar] == pytest.approx(1 + math.log(3))


def test_a_rare_word_weighs_more() -> None:
    lexicon = Lexicon([["rain"], ["rain"], ["rain", "radar"]])
    (row,) = lexicon.vectors([["rain", "radar"]]).toarray()
    rarity = (math.log(4 / 2) + 1) / (math.log(4 / 4) + 1)
    assert row[lexicon.columns["radar"]] / row[lexicon.columns["rain"]] == pytest.approx(rarity)
