"""Topics whose relevant papers are known, ranked as digests would: how good matching is."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from subscriptions.matching import Doc, Encode, Pool, Query

BATCH = 64
"""How many topics are ranked at once."""


Grades = npt.NDArray[np.floating[Any]]


class JudgedDataError(Exception):
    """The data cannot be used; says which file and line, and what would be right."""


@dataclass(frozen=True)
class JudgedTopic:
    """What is known of one topic: its words, and papers that belong to it, the oldest first."""

    topic_id: str
    group: str
    """Who chose its papers: ``curated`` where people did."""
    phrase: str
    description: str
    examples: tuple[str, ...]
    after: dt.date
    until: dt.date
    categorised: bool
    """Whether only papers whose categories are known are candidates."""


class JudgedData:
    """A folder with ``topics.jsonl``, ``papers.jsonl`` and maybe ``background/papers.jsonl``.

    Raises JudgedDataError.
    """

    def __init__(self, folder: Path, encode: Encode | None = None) -> None:
        papers = dict(_read(folder / "papers.jsonl", _paper))
        past = folder / "background" / "papers.jsonl"
        self.past = [doc for _, (doc, _) in _read(past, _paper)] if past.exists() else []
        self.topics = list(_read(folder / "topics.jsonl", _topic))
        self.docs = {paper: doc for paper, (doc, _) in papers.items()}
        """Of every paper, in the order of the pool."""
        self.pool = Pool(list(self.docs.values()), self.past, encode)
        self._ids = list(papers)
        self._place = {paper: place for place, paper in enumerate(papers)}
        self._dates = np.array([date for _, date in papers.values()], dtype="datetime64[D]")

    def grades(self, given: int) -> Iterator[tuple[JudgedTopic, Grades]]:
        """Each topic with a grade for each paper; ``given`` examples, the oldest, are liked."""
        for start in range(0, len(self.topics), BATCH):
            batch = self.topics[start : start + BATCH]
            queries = [self.query(topic, topic.examples[:given]) for topic in batch]
            yield from zip(batch, self.pool.grade(queries), strict=True)

    def write(self, out: Path, graded: Iterable[tuple[JudgedTopic, Grades]]) -> None:
        """Lines of topic, candidate and grade, the best first."""
        with out.open("w", encoding="utf-8") as file:
            for topic, grades in graded:
                order = np.argsort(-grades, kind="stable")
                file.writelines(
                    f"{topic.topic_id}\t{self._ids[n]}\t{grades[n]:.6f}\n"
                    for n in order[self.candidates(topic)[order]]
                )

    def query(
        self, topic: JudgedTopic, liked: Iterable[str] = (), disliked: Iterable[str] = ()
    ) -> Query:
        """What a follower of a topic asks for, who said so much of papers."""
        phrases = (topic.phrase,) if topic.phrase else ()
        said = (tuple(self.docs[p] for p in some if p in self.docs) for some in (liked, disliked))
        return Query(topic.description, phrases, (), "", *said)

    def places(self, papers: Iterable[str]) -> list[int]:
        """Where these papers are in the pool, those that are."""
        return [self._place[paper] for paper in papers if paper in self._place]

    def candidates(self, topic: JudgedTopic) -> npt.NDArray[np.bool_]:
        """Which papers may be ranked for a topic.

        Those dated after the topic's first day and until its last that are none of its examples.
        """
        dated = (self._dates > np.datetime64(topic.after)) & (
            self._dates <= np.datetime64(topic.until)
        )
        examples = set(topic.examples)
        may = [
            paper not in examples and bool(doc.categories or not topic.categorised)
            for paper, doc in self.docs.items()
        ]
        return np.asarray(dated & np.array(may, dtype=np.bool_))


def _read(path: Path, parse: Any) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield parse(json.loads(line))
                except (KeyError, TypeError, ValueError) as error:
                    said = f"lacks {error}" if isinstance(error, KeyError) else str(error)
                    raise JudgedDataError(f"{path}, line {number}: {said}") from error
    except OSError as error:
        raise JudgedDataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise JudgedDataError(f"{path} is not UTF-8") from error


def _paper(entry: dict[str, Any]) -> tuple[str, tuple[Doc, dt.date]]:
    categories, authors = entry.get("categories") or (), entry.get("authors") or ()
    doc = Doc(entry["title"], entry["abstract"], tuple(categories), tuple(authors))
    return entry["arxiv_id"], (doc, dt.date.fromisoformat(entry["date"]))


def _topic(entry: dict[str, Any]) -> JudgedTopic:
    return JudgedTopic(
        entry["topic_id"],
        entry.get("group", ""),
        entry["phrase"] or "",
        entry["description"] or "",
        tuple(entry["examples"]),
        dt.date.fromisoformat(entry["after"]),
        dt.date.fromisoformat(entry["until"]),
        bool(entry.get("category")),
    )
