"""Texts as vectors: how a word's count and rarity weigh."""

import math

import numpy as np
import pytest

from subscriptions.matching.lexicon import Lexicon


def test_rows_have_length_one_and_unknown_words_are_ignored() -> None:
    lexicon = Lexicon([["rain on radar"]], [["rain"], ["snow"], [""]])
    rows = lexicon.weigh(lexicon.count([["rain"], ["radar zither"], ["zither"], []])).toarray()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0, 0])
    assert rows.shape == (4, len(lexicon.columns))
    assert (lexicon.counts.shape, lexicon.past.shape) == ((1, rows.shape[1]), (3, rows.shape[1]))


def test_a_word_said_three_times_counts_one_and_a_logarithm() -> None:
    lexicon = Lexicon([["rain", "radar"]], [])
    rain, radar = lexicon.columns["rain"], lexicon.columns["radar"]
    (row,) = lexicon.weigh(lexicon.count([["rain", "rain", "rain", "radar"]])).toarray()
    assert row[rain] / row[radar] == pytest.approx(1 + math.log(3))


def test_a_word_that_few_past_texts_have_weighs_more() -> None:
    lexicon = Lexicon([["radar"]] * 5, [["rain"], ["rain"], ["rain", "radar"]])
    (row,) = lexicon.weigh(lexicon.count([["rain", "radar"]])).toarray()
    rarity = (math.log(4 / 2) + 1) / (math.log(4 / 4) + 1)
    assert row[lexicon.columns["radar"]] / row[lexicon.columns["rain"]] == pytest.approx(rarity)


def test_bm25_saturates_and_counts_less_in_a_long_text() -> None:
    past = [["rain"], ["snow"], ["hail"]]
    lexicon = Lexicon([["rain"], ["rain"] * 9, ["rain", "hail wind snow fog"]], past)
    once, often, long = lexicon.bm25(lexicon.counts).toarray()[:, lexicon.columns["rain"]]
    # As the formula gives it by hand: one text of three has the word, the mean length is 1.
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    assert once == pytest.approx(idf * 1 * 2.2 / (1 + 1.2))
    assert often < 2.2 * idf
    assert long < once
