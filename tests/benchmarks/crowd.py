"""What it costs to score and select for very many readers, apart from the database."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .edition import REAL, together
from .figures import Figure

if TYPE_CHECKING:
    from subscriptions.digests.interests import Followed
    from subscriptions.matching import Doc, Query

PAPERS, PAST = 3_000, 2_000
TOPICS, PHRASES, AUTHORS = 300, 200_000, 10_000
READERS = 1_000, 10_000, 100_000, 1_000_000
CHUNK, SIZE, PROCESSES = 1_000, 10, 2
FOLLOWED = ("topic", "topic", "phrase", "phrase", "author")
SPOKEN_OF, ONE_IN = 20, 5
"""One reader in five said something of twenty papers that their interests brought."""


def measure_crowd(scale: float, meaning: str) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Two processes, each with half of the readers; ``meaning`` is words or vectors."""
    rows, costs = [], []
    variables = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    for readers in (max(round(count * scale), PROCESSES) for count in READERS):
        print(f"crowd, {meaning}: {readers:,} readers", file=sys.stderr, flush=True)
        half = readers // PROCESSES
        jobs = [
            json.dumps({"first": n * half, "count": half, "scale": scale, "meaning": meaning})
            for n in range(PROCESSES)
        ]
        found = together(variables, [["crowd", job] for job in jobs])
        seconds = max(process["spent"] for process in found)
        once = max(process["once"] for process in found)
        peak = sum(process["peak_mb"] for process in found)
        costs.append(seconds / half)
        rows.append((f"scored and selected by {meaning}, {readers:,} readers", f"{seconds:.1f} s"))
        rows.append(("  once; both processes", f"{once:.1f} s; {peak:,.0f} MB"))
    return rows, [
        Figure(f"crowd_{meaning}_s", seconds + once, "<120"),
        Figure(f"crowd_{meaning}_mb", peak, "<1500"),
        Figure(f"crowd_{meaning}_growth", costs[-1] / costs[0], "<1.1"),
    ]


def score_and_select(job: str) -> dict[str, float]:
    """Seconds for a pool, and for readers who are made up while the clock stands."""
    from subscriptions.digests.scored import Scored
    from subscriptions.matching import Pool, share_out

    given = json.loads(job)
    crowd = _Crowd(given["scale"])
    begun = time.perf_counter()
    scored = Scored(
        Pool(crowd.docs, crowd.past, vectors if given["meaning"] == "vectors" else None)
    )
    once, spent, chosen = time.perf_counter() - begun, 0.0, 0
    readers = crowd.readers(given["first"], given["count"])
    while chunk := list(islice(readers, CHUNK)):
        begun = time.perf_counter()
        scored.score(interest for reader in chunk for interest in reader)
        for reader in chunk:
            ranked = [scored.ranked(interest) for interest in reader]
            weights, crowded_by = [i.weight for i in reader], scored.crowding(reader)
            chosen += len(share_out(ranked, weights, SIZE, crowded_by=crowded_by))
        spent += time.perf_counter() - begun
    return {"once": once, "spent": spent, "chosen": chosen / given["count"]}


def vectors(texts: Sequence[str]) -> "np.typing.NDArray[np.float32]":
    """In place of an encoder's that are made and stored: as many numbers, drawn at random."""
    found = np.random.default_rng(len(texts)).standard_normal((len(texts), 384), dtype=np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


class _Crowd:
    """Readers of topics, phrases and authors that stand in real papers."""

    def __init__(self, scale: float) -> None:
        from subscriptions.matching import Doc, Query
        from subscriptions.matching.text import words

        folder = REAL / "matching"
        docs = _docs(folder / "papers.jsonl")
        older = _docs(folder / "background" / "papers.jsonl")
        self.docs = docs[: max(round(PAPERS * scale), 30)]
        self.past, rest = older[:PAST], older[PAST:]
        pairs = dict.fromkeys(
            f"{one} {two}" for doc in rest for one, two in pairwise(words(doc.abstract))
        )
        phrases = list(islice(pairs, round(PHRASES * scale)))
        authors = list(dict.fromkeys(name for doc in docs for name in doc.authors))[
            : round(AUTHORS * scale)
        ]
        self.queries: dict[str, list[tuple[str, Query]]] = {
            "topic": [
                (doc.title, Query(doc.title, tuple(phrases[n::TOPICS][:5])))
                for n, doc in enumerate(rest[:TOPICS])
            ],
            "phrase": [(phrase, Query(phrases=(phrase,))) for phrase in phrases],
            "author": [(author, Query(author=author)) for author in authors],
        }
        self.earlier = [Doc(doc.title, doc.abstract) for doc in self.past]

    def readers(self, first: int, count: int) -> Iterator[list["Followed"]]:
        """The interests of readers, one in five trained; the same for the same reader."""
        from subscriptions.digests.interests import Followed

        for reader in range(first, first + count):
            draw = np.random.default_rng(reader)
            found = []
            for n, kind in enumerate(FOLLOWED):
                some = self.queries[kind]
                place = int(draw.integers(len(some)))
                name, query = some[place]
                key: tuple[object, ...] = (kind, place)
                if reader % ONE_IN == 0:
                    query, key = self._trained(query, draw), (*key, reader, n)
                found.append(Followed(n, kind, None, name, key, query, 2))
            yield found

    def _trained(self, query: "Query", draw: np.random.Generator) -> "Query":
        from dataclasses import replace

        each = SPOKEN_OF // len(FOLLOWED)
        said: list[Doc] = [self.earlier[n] for n in draw.integers(len(self.earlier), size=each)]
        return replace(query, liked=tuple(said[1:]), disliked=tuple(said[:1]))


def _docs(path: Path) -> list["Doc"]:
    from subscriptions.matching import Doc

    with path.open(encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return [
        Doc(
            e["title"],
            e["abstract"],
            tuple(e.get("categories") or ()),
            tuple(e.get("authors") or ()),
        )
        for e in entries
    ]
