"""Whether phrases stand in papers, as a reader would see it."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .text import key_stems, stems, terms

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


class Phrases:
    """Finds phrases in the titles and abstracts of papers."""

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        columns: Mapping[str, int],
        by_term: sparse.csr_matrix,
        kept: int,
    ) -> None:
        """Titles and abstracts; which row of ``by_term`` (terms, texts) has which stem.

        And of how many phrases it is kept where they stand.
        """
        self._kept = kept
        self._texts, self._columns, self._by_term = texts, columns, by_term
        self._spellings: dict[int, str] = {}
        self._places: dict[str, Places] = {}

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        found = np.zeros((len(phrases), len(self._texts)), dtype=np.bool_)
        for row, phrase in enumerate(phrases):
            found[row, self._stands_in(phrase)] = True
        return found

    def places(self, phrases: Sequence[str]) -> Places:
        """The papers in which one of the phrases stands; one with two of them comes twice."""
        if len(phrases) == 1:
            return self._stands_in(phrases[0])
        return np.concatenate([np.empty(0, np.intp), *map(self._stands_in, phrases)])

    def _stands_in(self, phrase: str) -> Places:
        if phrase not in self._places:
            if len(self._places) == self._kept:
                self._places.clear()
            self._places[phrase] = self._find(phrase)
        return self._places[phrase]

    def _find(self, phrase: str) -> Places:
        found, words = terms([phrase]), stems(phrase)
        # Where a phrase of several words stands, so do its pairs.
        docs = np.flatnonzero(self._has_all([term for term in found if " " in term] or found))
        if len(words) == len(found) == 1:
            return docs
        said = _spell(words)
        return docs[[said in self._spelled(doc) for doc in docs.tolist()]]

    def has_words(self, phrases: Sequence[str]) -> Mask:
        """Of shape (docs,): whether every word of one of the phrases is somewhere in the paper."""
        found = np.zeros(len(self._texts), dtype=np.bool_)
        for phrase in phrases:
            found |= self._has_all(key_stems(phrase))
        return found

    def _has_all(self, terms: Iterable[str]) -> Mask:
        all_there = np.ones(len(self._texts), dtype=np.bool_)
        for term in terms:
            all_there &= self._has(term)
        return all_there

    def _has(self, term: str) -> Mask:
        there = np.zeros(len(self._texts), dtype=np.bool_)
        if (column := self._columns.get(term)) is not None:
            start, end = self._by_term.indptr[column : column + 2]
            there[self._by_term.indices[start:end]] = True
        return there

    def stands(self, phrase: str, doc: int) -> bool:
        """Whether the phrase stands in one paper."""
        return _spell(stems(phrase)) in self._spelled(doc)

    def _spelled(self, doc: int) -> str:
        if doc not in self._spellings:
            title, abstract = self._texts[doc]
            self._spellings[doc] = _spell([*stems(title), "|", *stems(abstract)])
        return self._spellings[doc]


def _spell(stems: Iterable[str]) -> str:
    return f" {' '.join(stems)} "
