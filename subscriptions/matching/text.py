"""Words: how papers, topics and phrases are cut into terms that can be compared."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

import snowballstemmer
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

_WORD = re.compile(r"[^\W_]+(?:\+\+)?")
_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Lower case without diacritics, cut to its stem (Porter 2): "Diffusions" is "diffus"."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return str(_stemmer.stemWord(plain))


def words(text: str) -> Iterator[str]:
    """The words of a text as they stand, without those that mean nothing alone.

    A hyphen parts words, so that "text-to-image" and "text to image" are the same.
    """
    return (match for match in _WORD.findall(text) if match.casefold() not in ENGLISH_STOP_WORDS)


def terms(segments: Iterable[str]) -> list[str]:
    """Stems and pairs of neighbouring stems; no pair reaches over a segment's end."""
    found: list[str] = []
    for segment in segments:
        stems = [stem(word) for word in words(segment)]
        found += stems
        found += map(" ".join, pairwise(stems))
    return found


def phrase_terms(phrase: str) -> list[str]:
    """What a text must contain to contain the phrase: its word, or each pair in it."""
    stems = [stem(word) for word in words(phrase)] or [stem(w) for w in _WORD.findall(phrase)]
    return stems if len(stems) == 1 else list(map(" ".join, pairwise(stems)))


def same_author(one: str, other: str) -> bool:
    """Whether two names can be one person's: surname, and given names as far as given.

    "J. Smith", "Jane Smith" and "Smith, Jane" agree; "Jane Smith" and "John Smith" do not.
    """
    first, second = _name(one), _name(other)
    if not first or not second or first[-1] != second[-1]:
        return False
    pairs = zip(first[:1], second[:1], strict=True)
    return all(a.startswith(b) or b.startswith(a) for a, b in pairs)


def _name(name: str) -> list[str]:
    surname, comma, given = name.partition(",")
    folded = unicodedata.normalize("NFKD", (f"{given} {surname}" if comma else name).casefold())
    plain = "".join(char for char in folded if not unicodedata.combining(char))
    return _WORD.findall(plain)
