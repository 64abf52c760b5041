"""What would be too much of the same in one digest."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from scipy import sparse

from .authors import Name, parse_name, same_name
from .queries import Doc

NEAR = 0.7
"""TF-IDF cosine of papers that are nearly the same; others of one subject reach 0.3."""
MOST_OF_GROUP = 2
"""How many papers of one group of authors a digest may have."""
SHARED = 2
"""So many authors in common are a group; one name alone may be two people's."""


class Crowding:
    """Which papers of a pool are nearly the same, or by the same group."""

    def __init__(self, docs: Sequence[Doc], matrix: sparse.csr_matrix) -> None:
        """The papers, and their TF-IDF."""
        self._docs, self._matrix = docs, matrix
        self._names = [frozenset(filter(None, map(parse_name, doc.authors))) for doc in docs]
        self._by_name: dict[Name, list[int]] = {}
        for place, names in enumerate(self._names):
            for name in names:
                self._by_name.setdefault(name, []).append(place)
        self._same: dict[int, tuple[list[int], list[int]]] = {}

    def near(self, place: int) -> list[int]:
        """What is nearly the same as a paper."""
        return self._likes_of(place)[0]

    def begin(self, followed: Collection[str] = ()) -> Callable[[int], list[int]]:
        """For one digest: told of each paper that is chosen, which others are too much.

        Those nearly the same, and those of a group that has two, unless by one of ``followed``.
        """
        spared = [parse_name(name) for name in followed]
        seen: Counter[int] = Counter()

        def crowded_by(place: int) -> list[int]:
            near, group = self._likes_of(place)
            seen.update(group)
            full = (other for other in group if seen[other] == MOST_OF_GROUP)
            return near + [other for other in full if not self._is_by(spared, other)]

        return crowded_by

    def _is_by(self, authors: Collection[Name], place: int) -> bool:
        return any(same_name(one, name) for one in authors for name in self._names[place])

    def _likes_of(self, place: int) -> tuple[list[int], list[int]]:
        if place not in self._same:
            self._same[place] = self._near(place), self._of_group(place)
        return self._same[place]

    def _near(self, place: int) -> list[int]:
        """By title and abstract: a title alone says too little."""
        if not self._docs[place].abstract:
            return []
        alike = (self._matrix @ self._matrix[place].T).tocoo()
        found: list[int] = alike.row[alike.data >= NEAR].tolist()
        return [other for other in found if other != place and self._docs[other].abstract]

    def _of_group(self, place: int) -> list[int]:
        shared = Counter(other for name in self._names[place] for other in self._by_name[name])
        return [
            other
            for other, count in shared.items()
            if other != place
            and count >= min(SHARED, len(self._names[place]), len(self._names[other]))
        ]
