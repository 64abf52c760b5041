"""A pool of papers, and how well each fits what somebody follows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .lexicon import Lexicon
from .meaning import LEAST_PAPERS, Encode, Meaning, encoded, latent
from .phrases import Mask, Phrases
from .text import same_author, spans, stem
from .views import Scores, View

FLOOR, WITHOUT_PHRASE = 4.0, 6.0
"""What stands as high above past papers is a match; higher, where an interest has phrases and
none of them stands in the paper. Read on a real week, nine of ten between the two were right
with a phrase, and one of three without."""
COMMON = 0.10
"""So is what has as many words in common, by cosine, of a subject that many past papers share."""
ALIKE = 0.15
"""And what is as much like the liked papers, by the mean cosine to them."""
CATEGORY, AUTHOR = 0.5, 10.0
LEAST = 0.01
"""Of what matches by more than its standing."""
LEAST_PAST = 200
"""With fewer past papers than these, those to be ranked count as past too."""
ENOUGH_LIKED = 5
"""With more liked papers than these, what a reader says counts less than what they like."""
KEPT_LIKED = 10_000
DISLIKED = 0.25
"""How much a disliked paper counts against a liked one."""

_TOGETHER = re.compile(r"[\w +-]+")


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
    liked: tuple[Doc, ...] = ()
    disliked: tuple[Doc, ...] = ()


@dataclass(frozen=True)
class Why:
    """What of a query stands in a paper: words as written there, or a category.

    Where none does, ``like`` is the place of the liked paper it resembles most.
    """

    words: tuple[str, ...] = ()
    category: str = ""
    like: int | None = None


class Standing(NamedTuple):
    """One part of a grade, for each of some queries."""

    name: str
    counts: npt.NDArray[np.float32]
    """How much it counts, of shape (queries,)."""
    of: Scores
    """In deviations from past papers' mean, of shape (queries, docs)."""


class Pool:
    """``docs`` to be ranked, on a scale that ``background``, papers of the past, sets.

    Meaning is told by ``encode``, or where there is none by what past papers teach.
    """

    def __init__(
        self, docs: Sequence[Doc], background: Sequence[Doc] = (), encode: Encode | None = None
    ) -> None:
        self.docs = docs
        past = background if len(background) >= LEAST_PAST else [*background, *docs]
        lexicon = self._lexicon = Lexicon(map(_segments, docs), map(_segments, past))
        self._matrix, before = lexicon.weigh(lexicon.counts), lexicon.weigh(lexicon.past)
        self._words = View(lexicon.bm25(lexicon.counts), lexicon.bm25(lexicon.past))
        self._likeness = View(self._matrix, before)
        texts = [(doc.title, doc.abstract) for doc in docs]
        self._phrases = Phrases(texts, lexicon.columns, self._by_term)
        self._rows: dict[Doc, sparse.csr_matrix] = {}
        vectors = encoded(encode) if encode and past else None
        if encode is None and len(past) >= LEAST_PAPERS:
            vectors = latent(before, self._words_seen_twice())
        self._meaning = vectors and Meaning(
            vectors, ([*map(_segments, docs)], self._matrix), ([*map(_segments, past)], before)
        )

    def grade(self, queries: Sequence[Query]) -> Scores:
        """How well papers fit, of shape (queries, docs), in deviations from past papers' mean.

        The mean of their ``standings``, each by how much it counts.
        """
        total = np.zeros((len(queries), len(self.docs)), dtype=np.float32)
        counts = np.zeros((len(queries), 1), dtype=np.float32)
        if self.docs:
            for standing in self.standings(queries):
                total += standing.counts[:, None] * standing.of
                counts += standing.counts[:, None]
        return np.asarray(total / np.where(counts > 0, counts, 1), dtype=np.float32)

    def standings(self, queries: Sequence[Query]) -> list[Standing]:
        """By what each query says, BM25 on words and pairs of words, and cosine of meaning; by
        what was liked, cosine of TF-IDF to the mean of those papers, and what in their meaning
        tells them from past papers.

        From six liked papers on, what it says counts less.
        """
        asked = self._lexicon.count(map(_asked, queries))
        liked = [len(query.liked) for query in queries]
        says = np.array([min(1, ENOUGH_LIKED / max(n, 1)) for n in liked], dtype=np.float32)
        says *= [any(_asked(query)) for query in queries]
        found = [Standing("words", says, self._words.standing(asked))]
        if self._meaning:
            texts = [*map(_asked, queries)], self._lexicon.weigh(asked)
            found.append(Standing("meaning", says, self._meaning.asked(texts)))
        if any(liked):
            likes = np.array([n > 0 for n in liked], dtype=np.float32)
            docs, share = _shares(queries)
            weighed = self._known(docs)
            alike = self._likeness.standing(sparse.csr_matrix(share @ weighed), liked)
            found.append(Standing("words of liked papers", likes, alike))
            if self._meaning:
                alike = self._meaning.liked(([*map(_segments, docs)], weighed), share, liked)
                found.append(Standing("meaning of liked papers", likes, alike))
        return found

    def score(self, queries: Sequence[Query]) -> Scores:
        """What matches: ``grade``, or 0 where a paper neither stands out nor has the words.

        A query for an author or for categories alone matches just these, in the order of what
        was liked. Phrases without a text around them match wherever they stand and, where
        nothing was liked, nowhere without all of their words.
        """
        scores = self.grade(queries)
        if not scores.size:
            return scores
        common = self._common(queries)
        for row, query in enumerate(queries):
            if query.author:
                matches = self._by_author(query.author)
                scores[row] += AUTHOR
            elif query.text or query.phrases or (query.liked and not query.categories):
                if query.categories:
                    scores[row] += CATEGORY * self._in_categories(query.categories)
                matches = self._matches(query, scores[row], common[row])
            else:
                matches = self._in_categories(query.categories)
                scores[row] += FLOOR
            scores[row] = np.where(matches, np.maximum(scores[row], LEAST), 0)
        return scores

    def _common(self, queries: Sequence[Query]) -> Mask:
        """Of shape (queries, docs): what has words enough in common with what is said or liked."""
        asked = self._lexicon.weigh(self._lexicon.count(map(_asked, queries)))
        common = (asked @ self._by_term).toarray() >= COMMON
        docs, share = _shares(queries)
        if docs:
            common |= (share @ self._known(docs) @ self._by_term).toarray() >= ALIKE
        return np.asarray(common)

    def _matches(self, query: Query, grades: Scores, common: Mask) -> Mask:
        here = self._phrases.contains(query.phrases).any(axis=0)
        if query.liked:
            return np.asarray(here | common | (grades >= FLOOR))
        stands_out = grades >= np.where(here | (not query.phrases), FLOOR, WITHOUT_PHRASE)
        if query.text or not query.phrases:
            return np.asarray(stands_out | common)
        return np.asarray(here | (common | stands_out) & self._phrases.has_words(query.phrases))

    def _known(self, docs: Sequence[Doc]) -> sparse.csr_matrix:
        """TF-IDF of liked and disliked papers, kept: they come with every digest."""
        if len(self._rows) > KEPT_LIKED:
            self._rows.clear()
        new = [doc for doc in docs if doc not in self._rows]
        weighed = self._lexicon.weigh(self._lexicon.count(map(_segments, new)))
        self._rows |= {doc: weighed[n] for n, doc in enumerate(new)}
        return sparse.csr_matrix(sparse.vstack([self._rows[doc] for doc in docs]))

    def why(self, query: Query, doc: int) -> Why:
        """What brought ``docs[doc]`` for ``query``, the strongest first, at most three words.

        Its own phrases where they stand in the paper; else the words of both that weigh most.
        """
        paper = self.docs[doc]
        phrases = [p for p in dict.fromkeys(query.phrases) if self._phrases.stands(p, doc)]
        if phrases:
            return Why(words=tuple(phrases[:3]))
        category = next((c for c in query.categories if c in paper.categories), "")
        asked = self._lexicon.weigh(self._lexicon.count([_asked(query)]))
        if said := self._shared_words(asked, doc):
            return Why(words=said, category=category)
        if not query.liked:
            return Why(category=category)
        liked = self._known(query.liked)
        like = int(np.argmax((liked @ self._matrix[doc].T).toarray()))
        return Why(self._shared_words(liked[like], doc), category, like)

    def _shared_words(self, vector: sparse.csr_matrix, doc: int) -> tuple[str, ...]:
        """Up to three words of a paper, as written there, that weigh most in both."""
        weights = vector.multiply(self._matrix[doc]).tocoo()
        ranked = sorted(zip(-weights.data, weights.col, strict=True))
        spoken: dict[str, str] = {}
        for _, column in ranked:
            parts = self._terms[column].split(" ")
            if any(part in spoken for part in parts):
                continue
            if said := _as_written(parts, self.docs[doc]):
                spoken |= dict.fromkeys(parts, said)
            if len(set(spoken.values())) == 3:
                break
        return tuple(dict.fromkeys(spoken.values()))

    def _words_seen_twice(self) -> npt.NDArray[np.intp]:
        """The columns of single words that two past papers have."""
        single = np.array([" " not in term for term in self._terms], dtype=np.bool_)
        return np.flatnonzero(single & (self._lexicon.texts_with > 1))

    @cached_property
    def _terms(self) -> list[str]:
        return list(self._lexicon.columns)

    @cached_property
    def _by_term(self) -> sparse.csr_matrix:
        return self._matrix.T.tocsr()

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        return self._phrases.contains(phrases)

    def _in_categories(self, categories: Sequence[str]) -> Mask:
        wanted = set(categories)
        return np.array([not wanted.isdisjoint(doc.categories) for doc in self.docs])

    def _by_author(self, author: str) -> Mask:
        return np.array([any(same_author(author, name) for name in d.authors) for d in self.docs])


def _shares(queries: Sequence[Query]) -> tuple[list[Doc], sparse.csr_matrix]:
    """All that is liked or disliked, and of shape (queries, docs) how much of each is in the mean.

    The mean of the liked papers, less a part of the mean of the disliked.
    """
    docs = list(dict.fromkeys(d for query in queries for d in (*query.liked, *query.disliked)))
    place = {doc: n for n, doc in enumerate(docs)}
    rows, columns, parts = [], [], []
    for row, query in enumerate(queries):
        for some, part in ((query.liked, 1.0), (query.disliked, -DISLIKED)):
            rows += [row] * len(some)
            columns += [place[doc] for doc in some]
            parts += [part / max(len(some), 1)] * len(some)
    shape = len(queries), len(docs)
    return docs, sparse.csr_matrix((np.array(parts, dtype=np.float32), (rows, columns)), shape)


def _segments(doc: Doc) -> tuple[str, ...]:
    return doc.title, doc.title, doc.abstract


def _asked(query: Query) -> tuple[str, ...]:
    return query.text, *query.phrases, *query.phrases


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
