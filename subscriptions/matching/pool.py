"""A pool of papers, and how well each fits what somebody follows."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from .asked import Asked
from .authors import Authors
from .crowding import Crowding
from .kept import MUCH, Kept
from .lexicon import Lexicon
from .liked import DISLIKED, Liked
from .meaning import LEAST_PAPERS, Encode, Meaning, encoded, latent
from .phrases import Mask, Phrases, Places
from .queries import Doc, Query, asked, segments
from .standout import standing_out
from .views import Column, Scores, Usual, View, grade, grade_some
from .why import Reasons, Why

FLOOR, WITHOUT_PHRASE = 3.5, 5.0
"""What stands as high above past papers is a match; higher, where an interest has phrases and
none of them stands in the paper. Read on a real week, nine of ten between the two were right
with a phrase, and one of three without."""
ENCODED = 0.8
"""Of these floors where a model tells meaning: its cosines have no long tail, and on a real week
as many papers reach this part of them, nine of ten right."""
ALIKE = 0.15
"""So is what has many words in common with what is said, of a subject that many past papers
share; and what is as much like the liked papers, by the mean cosine to them."""
CATEGORY, AUTHOR = 0.5, 10.0
LEAST = 0.01
"""Of what matches by more than its standing."""
LEAST_PAST = 200
"""With fewer past papers than these, those to be ranked count as past too."""
ENOUGH_LIKED = 5
"""With more liked papers than these, what a reader says counts less than what they like."""


class Pool:
    """``docs`` to be ranked, on a scale that ``background``, papers of the past, sets.

    Meaning is told by ``encode``, or where there is none by what past papers teach.
    """

    def __init__(
        self,
        docs: Sequence[Doc],
        background: Sequence[Doc] = (),
        encode: Encode | None = None,
        kept: Kept = MUCH,
    ) -> None:
        self.docs, self.kept = docs, kept
        past = background if len(background) >= LEAST_PAST else [*background, *docs]
        lexicon = self._lexicon = Lexicon(map(segments, docs), map(segments, past))
        matrix, before = lexicon.weigh(lexicon.counts), lexicon.weigh(lexicon.past)
        self._by_term = matrix.T.tocsr()
        texts = [(doc.title, doc.abstract) for doc in docs]
        self._phrases = Phrases(texts, lexicon.columns, self._by_term, kept.phrases)
        vectors = encoded(encode) if encode and past else None
        if encode is None and len(past) >= LEAST_PAPERS:
            vectors = latent(before, lexicon.words_seen_twice())
        self._reached = ENCODED if encode else 1
        self._meaning = vectors and Meaning(
            vectors, ([*map(segments, docs)], matrix), ([*map(segments, past)], before)
        )
        self._asked = Asked(lexicon, self._by_term, self._meaning, kept.texts)
        by_term = self._by_term, before.T.tocsr()
        self._liked = Liked(self._weigh, by_term, past, self._meaning, kept.papers)
        self._reasons = Reasons(docs, matrix, lexicon, self._phrases, self._weigh)
        self._authors = Authors(doc.authors for doc in docs)
        self.crowding = Crowding(docs, matrix)
        self._by_category: defaultdict[str, list[int]] = defaultdict(list)
        for place, doc in enumerate(docs):
            for category in doc.categories:
                self._by_category[category.casefold()].append(place)

    def grade(self, queries: Sequence[Query]) -> Scores:
        """How well papers fit, of shape (queries, docs), in deviations from past papers' mean."""
        return grade(self.views(queries), range(len(queries)), len(self.docs))

    def views(self, queries: Sequence[Query]) -> list[View]:
        """What a grade is the mean of.

        By what each query says, root BM25 on words and pairs of words, and cosine of meaning;
        by what was liked, cosine of TF-IDF to the mean of those papers, and what in their meaning
        tells them from past papers. From six liked papers on, what it says counts less. What is
        disliked counts a quarter against.
        """
        return self._find(queries)[0] if self.docs else []

    def match(self, queries: Sequence[Query]) -> list[tuple[Places, Scores]]:
        """For each query the papers that stand out or have the words, by place, and their scores.

        The score is the grade, and more for a category. A query for an author matches all of
        theirs alike, within its categories if it has some; one for categories alone, all in
        these. Phrases without a text around them match wherever they stand and, where nothing
        was liked, nowhere without all of their words.
        """
        others = iter(self._match([query for query in queries if not query.author]))
        return [self._by_author(q) if q.author else next(others) for q in queries]

    def fit(self, query: Query) -> Scores:
        """The score of each paper for a query with words, whether or not it matches."""
        more = np.float32(CATEGORY) * self._at(self._in_categories(query))
        return np.asarray(self.grade([query])[0] + more)

    @property
    def floors(self) -> tuple[float, float]:
        """From which score a paper matches, and from which one with none of the phrases."""
        return FLOOR * self._reached, WITHOUT_PHRASE * self._reached

    def standing_out(self, docs: Sequence[Doc], most: int) -> list[str]:
        """The words by which these papers, of the pool or not, differ from those of the past."""
        return standing_out(self._lexicon, docs, most)

    def _by_author(self, query: Query) -> tuple[Places, Scores]:
        found = self._authors.papers(query.author)
        within = set(self._in_categories(query)) if query.categories else found
        places = np.array([place for place in found if place in within], dtype=np.intp)
        return places, np.full(len(places), AUTHOR, dtype=np.float32)

    def _match(self, queries: Sequence[Query]) -> list[tuple[Places, Scores]]:
        views, common = self._find(queries)
        only = {
            row: places for row, q in enumerate(queries) if (places := self._only(q)) is not None
        }
        others = [row for row in range(len(queries)) if row not in only]
        graded = grade_some(views, only)
        graded |= zip(others, grade(views, others, len(self.docs)), strict=True)
        everywhere = np.arange(len(self.docs))
        return [
            self._matches(query, only.get(row, everywhere), graded[row], common[row])
            for row, query in enumerate(queries)
        ]

    def _only(self, query: Query) -> Places | None:
        """The only papers that may match, where few may: these alone are graded."""
        if not query.says:
            return np.unique(np.array(self._in_categories(query), dtype=np.intp))
        if query.phrases and not query.text and not query.liked:
            return np.flatnonzero(self._phrases.has_words(query.phrases))
        return None

    def _matches(
        self, query: Query, places: Places, grades: Scores, common: Mask
    ) -> tuple[Places, Scores]:
        """Those of ``places`` that match; ``common`` is of all papers."""
        if not query.says:
            return places, np.maximum(grades + FLOOR, LEAST)
        if query.categories:
            more = np.float32(CATEGORY) * self._at(self._in_categories(query))[places]
            grades = grades + more
        matches = common[places] | (grades >= np.float32(FLOOR * self._reached))
        if query.phrases:
            here = self._at(self._phrases.places(query.phrases))[places]
            if not query.liked:
                far = grades >= np.float32(WITHOUT_PHRASE * self._reached)
                matches &= common[places] | here | far
            if query.liked or not query.text:
                matches |= here
        return places[matches], np.maximum(grades[matches], LEAST)

    def why(self, query: Query, doc: int) -> Why:
        """What brought ``docs[doc]`` for ``query``."""
        return self._reasons.why(query, doc)

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        return self._phrases.contains(phrases)

    def _find(self, queries: Sequence[Query]) -> tuple[list[View], Mask]:
        """Views, and what has words enough in common with what is said or liked."""
        liked = np.array([len(query.liked) for query in queries], dtype=np.float64)
        says = np.minimum(1, ENOUGH_LIKED / np.maximum(liked, 1))
        says *= [any(asked(query)) for query in queries]
        views, places_of = self._asked.compare(queries, says)
        common = np.zeros((len(queries), len(self.docs)), dtype=np.bool_)
        for row, places in enumerate(places_of):
            common[row, places] = True
        if any(query.trained for query in queries):
            views += self._likes(queries, np.minimum(liked, 1), common)
        return views, common

    def _likes(self, queries: Sequence[Query], shares: Column, common: Mask) -> list[View]:
        """Where nothing is liked, what is disliked takes from the grade and has no share in it."""
        disliked = np.array([bool(query.disliked) for query in queries])
        counts = np.where(shares > 0, shares, DISLIKED * disliked)
        self._liked.learn(queries)
        share, spoken_of = self._liked.shares(queries), self._liked.past(queries)
        docs, past = self._liked.alike()
        before = share @ past
        usual = Usual.among(before)
        usual.without(spoken_of[0], before[spoken_of])
        alike = np.asarray(share @ docs)
        views = [View("words of liked papers", counts, alike, None, usual, shares)]
        common |= alike >= ALIKE
        if self._meaning:
            apart = self._meaning.apart(share, self._liked.vectors())
            usual = self._meaning.usual(apart)
            usual.without(spoken_of[0], self._meaning.of_past(apart[spoken_of[0]], spoken_of[1]))
            docs = self._meaning.docs
            views.append(View("meaning of liked papers", counts, apart, docs, usual, shares))
        return views

    def _weigh(self, docs: Sequence[Doc]) -> sparse.csr_matrix:
        return self._lexicon.weigh(self._lexicon.count(map(segments, docs)))

    def _in_categories(self, query: Query) -> list[int]:
        wanted = (category.casefold() for category in query.categories)
        return [place for category in wanted for place in self._by_category.get(category, ())]

    def _at(self, places: Sequence[int] | Places) -> Mask:
        mask = np.zeros(len(self.docs), dtype=np.bool_)
        mask[places] = True
        return mask
