"""Words: how papers, topics and phrases are cut into terms that can be compared."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

import Stemmer

_WORD = re.compile(r"[^\W_]+(?:\+\+)?")
STOP_WORDS = frozenset(
    """
    a about above across after again against all almost alone along already also although
    always am among an and another any are around as at be became because been before being
    below between both but by can cannot could did do does doing done down during each
    either else enough etc even ever every few find for from further had has have having he
    hence her here him his how however i if in indeed instead into is it its itself just
    least less made many may me might more moreover most much must my namely neither never
    nevertheless no nonetheless nor not now of off often on once one only onto or other
    others our out over own per perhaps rather s same several shall she should show shown
    shows since so some such t than that the their them themselves then there thereby
    therefore these they this those though three through throughout thus to together too
    toward towards two under until up upon us use used uses using very via was we well were
    what when where whereas whether which while who whole whom whose why will with within
    without would yet you your
    """.split()  # noqa: SIM905
)
KEPT_WORDS = 65_536
"""How many words' stems are kept; a week of papers has some 16,000."""
KEPT_PHRASES = 4_096


@lru_cache(maxsize=KEPT_WORDS)
def stem(word: str) -> str:
    """Lower case without diacritics, cut to its stem (Porter 2): "Diffusions" is "diffus"."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(char for char in folded if char.isalnum() or char == "+")
    # A stemmer of its own each time: one holds the word it works on, and threads would mix them.
    return str(Stemmer.Stemmer("english", 0).stemWord(plain)) or word


def words(text: str) -> Iterator[str]:
    """The words of a text as they stand, without those that mean nothing alone.

    A hyphen parts words, so that "text-to-image" and "text to image" are the same.
    """
    return (text[start:end] for start, end in spans(text))


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the words of ``words`` begin and end."""
    found = _WORD.finditer(text)
    return (match.span() for match in found if match[0].casefold() not in STOP_WORDS)


def terms(segments: Iterable[str]) -> list[str]:
    """Stems and pairs of neighbouring stems; no pair reaches over a segment's end."""
    found: list[str] = []
    for segment in segments:
        single = keys(segment)
        found += single
        found += map(" ".join, pairwise(single))
    return found


def keys(text: str) -> list[str]:
    """The stem of each word that means something alone, in order."""
    return list(filter(None, map(_key, _WORD.findall(text))))


@lru_cache(maxsize=KEPT_WORDS)
def _key(word: str) -> str:
    """The stem of a word, and nothing for one that means nothing alone."""
    return "" if word.casefold() in STOP_WORDS else stem(word)


def stems(text: str) -> list[str]:
    """The stem of every word of a text, in order."""
    return [stem(word) for word in _WORD.findall(text)]


@lru_cache(maxsize=KEPT_PHRASES)
def key_stems(phrase: str) -> tuple[str, ...]:
    """The distinct stems a paper must have to contain the phrase, as ``terms`` has them."""
    return tuple(dict.fromkeys(stem(word) for word in words(phrase)))
