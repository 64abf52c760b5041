"""What is said about a match: words that stand in the paper, a category, a paper like it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .lexicon import Lexicon
from .phrases import Phrases
from .queries import Doc, Query, asked
from .text import spans, stem

MOST_WORDS = 3

_TOGETHER = re.compile(r"[\w +-]+")


@dataclass(frozen=True)
class Why:
    """What of a query stands in a paper: words as written there, or a category.

    Where none does, ``like`` is the place of the liked paper it resembles most.
    """

    words: tuple[str, ...] = ()
    category: str = ""
    like: int | None = None


class Reasons:
    """Why papers of a pool match."""

    def __init__(
        self,
        docs: Sequence[Doc],
        matrix: sparse.csr_matrix,
        lexicon: Lexicon,
        phrases: Phrases,
        weigh: Callable[[Sequence[Doc]], sparse.csr_matrix],
    ) -> None:
        """The papers and their TF-IDF, what it was made with, and how to make it of others."""
        self._docs, self._matrix, self._lexicon = docs, matrix, lexicon
        self._phrases, self._weigh = phrases, weigh

    def why(self, query: Query, doc: int) -> Why:
        """What brought ``docs[doc]`` for ``query``, the strongest first, at most three words.

        Its own phrases where they stand in the paper; else the words of both that weigh most.
        """
        phrases = [p for p in dict.fromkeys(query.phrases) if self._phrases.stands(p, doc)]
        if phrases:
            return Why(words=tuple(phrases[:MOST_WORDS]))
        category = next((c for c in query.categories if c in self._docs[doc].categories), "")
        words = self._shared_words(self._lexicon.weigh(self._lexicon.count([asked(query)])), doc)
        if words or not query.liked:
            return Why(words, category)
        liked = self._weigh(query.liked)
        like = int(np.argmax((liked @ self._matrix[doc].T).toarray()))
        return Why(self._shared_words(liked[like], doc), category, like)

    def _shared_words(self, vector: sparse.csr_matrix, doc: int) -> tuple[str, ...]:
        """Up to three words of a paper, as written there, that weigh most in both."""
        weights = vector.multiply(self._matrix[doc]).tocoo()
        ranked = sorted(zip(-weights.data, weights.col, strict=True))
        spoken: dict[str, str] = {}
        paper = self._docs[doc]
        for _, column in ranked:
            parts = self._lexicon.terms[column].split(" ")
            if any(part in spoken for part in parts):
                continue
            if written := as_written(parts, paper.title, paper.abstract):
                spoken |= dict.fromkeys(parts, written)
            if len(set(spoken.values())) == MOST_WORDS:
                break
        return tuple(dict.fromkeys(spoken.values()))


def as_written(parts: list[str], *texts: str) -> str:
    """The words of these texts with these stems and what is between them, within a sentence."""
    for text in texts:
        found = list(spans(text))
        keys = [stem(text[start:end]) for start, end in found]
        for first in range(len(found) - len(parts) + 1):
            if keys[first : first + len(parts)] == parts:
                written = text[found[first][0] : found[first + len(parts) - 1][1]]
                if _TOGETHER.fullmatch(written):
                    return written
    return ""
