"""A pool of papers, and how well each fits what somebody follows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .authors import Authors
from .lexicon import Lexicon, Segments
from .liked import Liked
from .meaning import LEAST_PAPERS, Encode, Meaning, encoded, latent
from .phrases import Mask, Phrases
from .queries import Doc, Query, asked, segments
from .views import Scores, usual_of_dense, usual_of_sparse
from .why import Reasons, Why

FLOOR, WITHOUT_PHRASE = 3.5, 5.0
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
        lexicon = self._lexicon = Lexicon(map(segments, docs), map(segments, past))
        matrix, before = lexicon.weigh(lexicon.counts), lexicon.weigh(lexicon.past)
        self._bm25 = [lexicon.bm25(some).T.tocsr() for some in (lexicon.counts, lexicon.past)]
        self._by_term = matrix.T.tocsr()
        texts = [(doc.title, doc.abstract) for doc in docs]
        self._phrases = Phrases(texts, lexicon.columns, self._by_term)
        vectors = encoded(encode) if encode and past else None
        if encode is None and len(past) >= LEAST_PAPERS:
            vectors = latent(before, lexicon.words_seen_twice())
        self._meaning = vectors and Meaning(
            vectors, ([*map(segments, docs)], matrix), ([*map(segments, past)], before)
        )
        self._liked = Liked(self._weigh, (self._by_term, before.T.tocsr()), past, self._meaning)
        self._reasons = Reasons(docs, matrix, lexicon, self._phrases, self._liked)
        self._authors = Authors(doc.authors for doc in docs)
        self._by_category: defaultdict[str, list[int]] = defaultdict(list)
        for place, doc in enumerate(docs):
            for category in doc.categories:
                self._by_category[category].append(place)

    def grade(self, queries: Sequence[Query]) -> Scores:
        """How well papers fit, of shape (queries, docs), in deviations from past papers' mean.

        The mean of their ``standings``, each by how much it counts.
        """
        return self._grade(self.standings(queries), len(queries))

    def standings(self, queries: Sequence[Query]) -> list[Standing]:
        """By what each query says, root BM25 on words and pairs of words, and cosine of meaning;
        by what was liked, cosine of TF-IDF to the mean of those papers, and what in their meaning
        tells them from past papers.

        From six liked papers on, what it says counts less.
        """
        return self._find(queries)[0] if self.docs else []

    def score(self, queries: Sequence[Query]) -> Scores:
        """What matches: ``grade``, or 0 where a paper neither stands out nor has the words.

        A query for an author or for categories alone matches just these, in the order of what
        was liked; one for an author and categories, what is of both. Phrases without a text
        around them match wherever they stand and, where nothing was liked, nowhere without
        all of their words.
        """
        if not self.docs:
            return np.zeros((len(queries), 0), dtype=np.float32)
        standings, common = self._find(queries)
        scores = self._grade(standings, len(queries))
        for row, query in enumerate(queries):
            if query.author:
                matches = self._at(self._authors.papers(query.author))
                if query.categories:
                    matches &= self._in_categories(query.categories)
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

    def why(self, query: Query, doc: int) -> Why:
        """What brought ``docs[doc]`` for ``query``."""
        return self._reasons.why(query, doc)

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        return self._phrases.contains(phrases)

    def _find(self, queries: Sequence[Query]) -> tuple[list[Standing], Mask]:
        """Standings, and what has words enough in common with what is said or liked."""
        texts = {text: place for place, text in enumerate(dict.fromkeys(map(asked, queries)))}
        rows = [texts[asked(query)] for query in queries]
        found, common = self._find_asked([*texts], np.array(rows, dtype=np.intp))
        liked = [len(query.liked) for query in queries]
        says = np.array([min(1, ENOUGH_LIKED / max(n, 1)) for n in liked], dtype=np.float32)
        says *= [any(asked(query)) for query in queries]
        standings = [Standing(name, says, of) for name, of in found.items()]
        if any(liked):
            likes = np.array([n > 0 for n in liked], dtype=np.float32)
            found, alike = self._find_liked(queries)
            standings += [
                Standing(f"{name} of liked papers", likes, of) for name, of in found.items()
            ]
            common |= alike
        return standings, common

    def _find_asked(
        self, texts: Sequence[Segments], rows: npt.NDArray[np.intp]
    ) -> tuple[dict[str, Scores], Mask]:
        """For each of ``rows``, what is said in ``texts[row]``."""
        counts = self._lexicon.count(texts)
        # Roots, since among past papers BM25 has a long tail, and deviations want none.
        docs, past = ((counts @ some).sqrt() for some in self._bm25)
        found = {"words": usual_of_sparse(past).standing(docs.toarray())}
        weighed = self._lexicon.weigh(counts)
        if self._meaning:
            near, usual = self._meaning.find(self._meaning.vectors((texts, weighed)))
            found["meaning"] = usual.standing(near)
        common = (weighed @ self._by_term).toarray() >= COMMON
        return {name: of[rows] for name, of in found.items()}, common[rows]

    def _find_liked(self, queries: Sequence[Query]) -> tuple[dict[str, Scores], Mask]:
        self._liked.learn(queries)
        share, spoken_of = self._liked.shares(queries), self._liked.past(queries)
        alike, alike_past = self._liked.alike(share)
        usual = usual_of_dense(alike_past)
        usual.without(spoken_of[0], alike_past[spoken_of])
        found = {"words": usual.standing(alike)}
        if self._meaning:
            apart = self._meaning.apart(share, self._liked.vectors())
            near, usual = self._meaning.find(apart)
            usual.without(spoken_of[0], self._meaning.of_past(apart[spoken_of[0]], spoken_of[1]))
            found["meaning"] = usual.standing(near)
        return found, alike >= ALIKE

    def _grade(self, standings: Sequence[Standing], queries: int) -> Scores:
        total = np.zeros((queries, len(self.docs)), dtype=np.float32)
        counts = np.zeros((queries, 1), dtype=np.float32)
        for standing in standings:
            total += standing.counts[:, None] * standing.of
            counts += standing.counts[:, None]
        return np.asarray(total / np.where(counts > 0, counts, 1), dtype=np.float32)

    def _matches(self, query: Query, grades: Scores, common: Mask) -> Mask:
        here = self._phrases.contains(query.phrases).any(axis=0)
        if query.liked:
            return np.asarray(here | common | (grades >= FLOOR))
        stands_out = grades >= np.where(here | (not query.phrases), FLOOR, WITHOUT_PHRASE)
        if query.text or not query.phrases:
            return np.asarray(stands_out | common)
        return np.asarray(here | (common | stands_out) & self._phrases.has_words(query.phrases))

    def _weigh(self, docs: Sequence[Doc]) -> sparse.csr_matrix:
        return self._lexicon.weigh(self._lexicon.count(map(segments, docs)))

    def _in_categories(self, categories: Sequence[str]) -> Mask:
        return self._at([n for c in categories for n in self._by_category.get(c, ())])

    def _at(self, places: Sequence[int]) -> Mask:
        mask = np.zeros(len(self.docs), dtype=np.bool_)
        mask[places] = True
        return mask
