"""A pool of papers, and how well each fits what somebody follows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Lexicon
from .text import key_stems, same_author, spans, stem, stems

FLOOR = 0.10
"""Nothing that scores less is a match: on a real week, where the right papers begin."""
PHRASE, CATEGORY, AUTHOR = 0.03, 0.02, 1.0

_TOGETHER = re.compile(r"[\w +-]+")

Scores = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Doc:
    """A paper as matching sees it."""

    title: str
    abstract: str
    categories: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """What one interest asks for. Equal queries of many readers are scored once."""

    text: str = ""
    phrases: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    author: str = ""


@dataclass(frozen=True)
class Why:
    """What of a query stands in a paper: words as written there, or a category."""

    words: tuple[str, ...] = ()
    category: str = ""


class Pool:
    """``docs`` to be ranked; the rarity of words is learned from them and ``background``."""

    def __init__(self, docs: Sequence[Doc], background: Sequence[Doc] = ()) -> None:
        self.docs = docs
        self._lexicon = Lexicon(
            (doc.title, doc.title, doc.abstract) for doc in [*docs, *background]
        )
        self._matrix = self._lexicon.weigh(self._lexicon.counts[: len(docs)])
        self._spellings: dict[int, str] = {}

    def score(self, queries: Sequence[Query]) -> Scores:
        """Scores of shape (queries, docs): 0 below the floor, else

        cosine of TF-IDF between the query's text and phrases and the paper's title and
        abstract, + 0.03 where one of its phrases stands in the paper, + 0.02 where one of
        its categories is the paper's, + 1 where its author is. A phrase alone, without a
        text around it, matches wherever it stands, and nowhere without all of its words.
        """
        if not queries or not self.docs:
            return np.zeros((len(queries), len(self.docs)), dtype=np.float32)
        scores = (self._vectors(queries) @ self._by_term).toarray().astype(np.float32)
        for row, query in enumerate(queries):
            if query.phrases:
                here = self.contains(query.phrases).any(axis=0)
                scores[row] += PHRASE * here
                if not query.text:
                    scores[row] *= self._has_words(query.phrases)
                    scores[row] = np.where(here, np.maximum(scores[row], FLOOR), scores[row])
            if query.categories:
                bonus = CATEGORY if query.text or query.phrases else FLOOR
                scores[row] += bonus * self._in_categories(query.categories)
            if query.author:
                scores[row] += AUTHOR * self._by_author(query.author)
        return np.where(scores >= FLOOR, scores, 0).astype(np.float32)

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        found = np.zeros((len(phrases), len(self.docs)), dtype=np.bool_)
        for row, phrase in enumerate(phrases):
            found[row] = self._has_words([phrase])
            if len(stems(phrase)) == len(key_stems(phrase)) == 1:
                continue
            said, docs = _spell(phrase), np.flatnonzero(found[row])
            found[row, docs] = [said in self._spelled(doc) for doc in docs.tolist()]
        return found

    def _has_words(self, phrases: Sequence[str]) -> Mask:
        """Of shape (docs,): whether every word of one of the phrases is somewhere in the paper."""
        found = np.zeros(len(self.docs), dtype=np.bool_)
        for phrase in phrases:
            all_there = np.ones(len(self.docs), dtype=np.bool_)
            for word in key_stems(phrase):
                all_there &= self._has_word(word)
            found |= all_there
        return found

    def _has_word(self, word: str) -> Mask:
        there = np.zeros(len(self.docs), dtype=np.bool_)
        if (column := self._lexicon.columns.get(word)) is not None:
            start, end = self._by_term.indptr[column : column + 2]
            there[self._by_term.indices[start:end]] = True
        return there

    def _spelled(self, doc: int) -> str:
        """A paper as its stems, to find phrases in."""
        if doc not in self._spellings:
            paper = self.docs[doc]
            spelled = [*stems(paper.title), "|", *stems(paper.abstract)]
            self._spellings[doc] = f" {' '.join(spelled)} "
        return self._spellings[doc]

    def why(self, query: Query, doc: int) -> Why:
        """What brought ``docs[doc]`` for ``query``, the strongest first, at most three words.

        Its own phrases where they stand in the paper; else the words of both that weigh most.
        """
        paper = self.docs[doc]
        phrases = [p for p in dict.fromkeys(query.phrases) if _spell(p) in self._spelled(doc)]
        if phrases:
            return Why(words=tuple(phrases[:3]))
        category = next((c for c in query.categories if c in paper.categories), "")
        weights = self._vectors([query]).multiply(self._matrix[doc]).tocoo()
        ranked = sorted(zip(-weights.data, weights.col, strict=True))
        spoken: dict[str, str] = {}
        for _, column in ranked:
            parts = self._terms[column].split(" ")
            if any(part in spoken for part in parts):
                continue
            if said := _as_written(parts, paper):
                spoken |= dict.fromkeys(parts, said)
            if len(set(spoken.values())) == 3:
                break
        return Why(words=tuple(dict.fromkeys(spoken.values())), category=category)

    def _vectors(self, queries: Sequence[Query]) -> sparse.csr_matrix:
        return self._lexicon.vectors((q.text, *q.phrases, *q.phrases) for q in queries)

    @cached_property
    def _terms(self) -> list[str]:
        return list(self._lexicon.columns)

    @cached_property
    def _by_term(self) -> sparse.csr_matrix:
        return self._matrix.T.tocsr()

    def _in_categories(self, categories: Sequence[str]) -> Mask:
        wanted = set(categories)
        return np.array([not wanted.isdisjoint(doc.categories) for doc in self.docs])

    def _by_author(self, author: str) -> Mask:
        return np.array([any(same_author(author, name) for name in d.authors) for d in self.docs])


def _spell(text: str) -> str:
    return f" {' '.join(stems(text))} "


def _as_written(parts: list[str], paper: Doc) -> str:
    """The words of the paper with these stems and what is between them, within a sentence."""
    for text in (paper.title, paper.abstract):
        found = list(spans(text))
        keys = [stem(text[start:end]) for start, end in found]
        for first in range(len(found) - len(parts) + 1):
            if keys[first : first + len(parts)] == parts:
                said = text[found[first][0] : found[first + len(parts) - 1][1]]
                if _TOGETHER.fullmatch(said):
                    return said
    return ""
