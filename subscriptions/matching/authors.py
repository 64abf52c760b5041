"""Authors by name, as far as a name tells."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
_CATEGORY = re.compile(r"[\w.-]+")
_INITIALS = re.compile(r"[A-Z]{2,3}")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "œ": "oe"})
"""Letters that Unicode does not take apart."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue"})
SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})

MANY = 50
"""So many people with one surname are looked at; more tell nothing."""

Name = tuple[str, ...]
"""Given names and particles, then the surname's last part, folded."""


def split_author(value: str) -> tuple[str, tuple[str, ...]]:
    """``("Wei Zhang", ("cs.CV",))`` of "Wei Zhang (cs.CV)"; of a name alone, no categories."""
    name, _, within = value.rstrip(")").partition("(")
    return name.strip() or value, tuple(_CATEGORY.findall(within))


def parse_name(name: str) -> Name:
    """ "Jörg van der Berg", "Berg, Jorg van der" and "van der Berg, JÖRG" are one name."""
    surname, comma, given = name.partition(",")
    if comma and any(fold not in SUFFIXES for fold in map(_fold, _WORD.findall(given))):
        name = f"{given} {surname}"
    words = _WORD.findall(name)
    last = len(words) - 1
    parts: list[str] = []
    for n, word in enumerate(words):
        if n and _fold(word) in SUFFIXES:
            continue
        # As in "JA Smith"; but in "LI MING SMITH" any word may be a name.
        initials = n < last and _INITIALS.fullmatch(word) and not name.isupper()
        parts += map(_fold, word) if initials else [_fold(word)]
    return tuple(filter(None, parts))


def _fold(word: str) -> str:
    """Without case and diacritics."""
    folded = unicodedata.normalize("NFKD", word.casefold().translate(_LETTERS))
    return "".join(char for char in folded if not unicodedata.combining(char))


def _spellings(name: str) -> Iterator[Name]:
    """A name as it is, and with its umlauts written out: "Müller" is Mueller too."""
    composed = unicodedata.normalize("NFC", name.casefold())
    yield parse_name(name)
    if (written_out := composed.translate(_UMLAUTS)) != composed:
        yield parse_name(written_out)


def same_name(one: Name, other: Name) -> bool:
    """Whether two names can be one person's: surname, and given names as far as given.

    "J. Smith", "Jane Smith" and "Smith, Jane" agree; "Jane Smith" and "John Smith" do not,
    nor do "Wei Zhang" and "Weijie Zhang".
    """
    if not one or not other or one[-1] != other[-1]:
        return False
    given, others = one[:-1], other[:-1]
    return "".join(given) == "".join(others) or all(
        a == b or (a[0] == b[0] and 1 in (len(a), len(b)))
        for a, b in zip(given, others, strict=False)
    )


def same_people(ones: Sequence[str], others: Sequence[str]) -> int:
    """How many of ``ones`` can be among ``others``, by name."""
    by_surname: dict[str, list[Name]] = {}
    for other in filter(None, map(parse_name, others)):
        by_surname.setdefault(other[-1], []).append(other)
    names = filter(None, map(parse_name, ones))
    return sum(any(same_name(one, o) for o in by_surname.get(one[-1], ())[:MANY]) for one in names)


class Authors:
    """The authors of papers, by surname and first initial."""

    def __init__(self, authors: Iterable[Sequence[str]]) -> None:
        self._papers: dict[str, dict[str, dict[Name, list[int]]]] = {}
        for place, names in enumerate(authors):
            spellings = {spelling for name in names for spelling in _spellings(name)}
            for name in filter(None, spellings):
                by_initial = self._papers.setdefault(name[-1], {})
                by_initial.setdefault(_initial(name), {}).setdefault(name, []).append(place)

    def papers(self, author: str) -> list[int]:
        """The places of the papers that can be by this author, in order."""
        found: set[int] = set()
        for wanted in filter(None, _spellings(author)):
            by_initial = self._papers.get(wanted[-1], {})
            initial = _initial(wanted)
            for other in {initial, ""} if initial else by_initial:
                for name, places in by_initial.get(other, {}).items():
                    if same_name(wanted, name):
                        found.update(places)
        return sorted(found)


def _initial(name: Name) -> str:
    return name[0][0] if len(name) > 1 else ""
