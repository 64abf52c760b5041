"""Whether phrases stand in papers, as a reader would see it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .text import key_stems, stems

Mask = npt.NDArray[np.bool_]


class Phrases:
    """Finds phrases in the titles and abstracts of papers."""

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        columns: Mapping[str, int],
        by_term: sparse.csr_matrix,
    ) -> None:
        """Titles and abstracts; which row of ``by_term`` (terms, texts) has which stem."""
        self._texts, self._columns, self._by_term = texts, columns, by_term
        self._spellings: dict[int, str] = {}

    def contains(self, phrases: Sequence[str]) -> Mask:
        """Of shape (phrases, docs): whether the phrase stands in the paper, inflected or not."""
        found = np.zeros((len(phrases), len(self._texts)), dtype=np.bool_)
        for row, phrase in enumerate(phrases):
            found[row] = self.has_words([phrase])
            if len(stems(phrase)) == len(key_stems(phrase)) == 1:
                continue
            said, docs = _spell(phrase), np.flatnonzero(found[row])
            found[row, docs] = [said in self._spelled(doc) for doc in docs.tolist()]
        return found

    def has_words(self, phrases: Sequence[str]) -> Mask:
        """Of shape (docs,): whether every word of one of the phrases is somewhere in the paper."""
        found = np.zeros(len(self._texts), dtype=np.bool_)
        for phrase in phrases:
            all_there = np.ones(len(self._texts), dtype=np.bool_)
            for word in key_stems(phrase):
                all_there &= self._has_word(word)
            found |= all_there
        return found

    def _has_word(self, word: str) -> Mask:
        there = np.zeros(len(self._texts), dtype=np.bool_)
        if (column := self._columns.get(word)) is not None:
            start, end = self._by_term.indptr[column : column + 2]
            there[self._by_term.indices[start:end]] = True
        return there

    def stands(self, phrase: str, doc: int) -> bool:
        """Whether the phrase stands in one paper."""
        return _spell(phrase) in self._spelled(doc)

    def _spelled(self, doc: int) -> str:
        if doc not in self._spellings:
            title, abstract = self._texts[doc]
            self._spellings[doc] = f" {' '.join([*stems(title), '|', *stems(abstract)])} "
        return self._spellings[doc]


def _spell(text: str) -> str:
    return f" {' '.join(stems(text))} "
