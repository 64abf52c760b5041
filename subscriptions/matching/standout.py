"""Which words tell some papers apart from all others: a beginning for who describes a subject."""

from collections.abc import Sequence

import numpy as np

from .lexicon import Lexicon
from .queries import Doc, segments
from .why import as_written

ELSEWHERE = 3
"""What fewer papers have is a name of their own, by which no other would be found."""
COMMON = 0.1
"""What more than this part of past papers have tells nothing."""
PAIR = 1.5
"""So many times as much as a word counts a pair of words: it says more, and fits less else."""
TWICE = 2


def standing_out(lexicon: Lexicon, docs: Sequence[Doc], most: int) -> list[str]:
    """Words and pairs of words as written in these papers, those that tell most first.

    By TF-IDF, and by how many of the papers have it: two at least of several, and of one it is
    in the title or said twice. No word comes twice, alone or in a pair.
    """
    counts = lexicon.count(map(segments, docs))
    size = len(lexicon.terms)
    having = np.bincount(counts.indices, minlength=size)
    often = np.bincount(counts.indices, counts.data, size) if len(docs) == 1 else having
    elsewhere = np.maximum(np.bincount(lexicon.counts.indices, minlength=size), lexicon.texts_with)
    rare = lexicon.texts_with <= COMMON * lexicon.past.shape[0]
    weights = np.asarray(lexicon.weigh(counts).sum(axis=0)).ravel() * having
    ranked = [
        (-float(weights[column]) * (PAIR if " " in lexicon.terms[column] else 1), column)
        for column in np.flatnonzero((often >= TWICE) & (elsewhere >= ELSEWHERE) & rare).tolist()
    ]
    found: list[str] = []
    named: set[str] = set()
    for _, column in sorted(ranked):
        parts = lexicon.terms[column].split(" ")
        if len(found) < most and named.isdisjoint(parts) and (said := _written(parts, docs)):
            found.append(said)
            named.update(parts)
    return found


def _written(parts: list[str], docs: Sequence[Doc]) -> str:
    """As one of these papers writes it, in running text where it can; empty for none that will do.

    None with other words between, and no number or letter alone.
    """
    for doc in docs:
        said = as_written(parts, doc.abstract, doc.title)
        words = said.replace("-", " ").split()
        if len(words) == len(parts) and all(len(w) > 1 and not w.isdigit() for w in words):
            plain = said[0] + said[1:].lower() == said and any(
                said.lower() in other.abstract for other in docs
            )
            return said.lower() if plain else said
    return ""
