"""How good matching is: on topics with judgments, and for readers who say what they like."""

import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import django
import numpy as np

from tests.scorer import ndcg

from .crowd import measure_crowd
from .edition import REAL
from .encoding import measure_encoding
from .figures import Figure, table

if TYPE_CHECKING:
    from subscriptions.management.judged import Grades, JudgedData, JudgedTopic
    from subscriptions.matching import Encode

    from .peers import Peer

GIVEN = {
    "cold": (0, 0.56, 0.60),
    "3": (3, 0.68, 0.71),
    "5": (5, 0.68, 0.73),
    "10": (10, 0.78, 0.82),
}
"""Examples that are given, and the least nDCG@10 without and with an encoder."""
ROUNDS, SIZE, START = 6, 10, 3
PAIRED = 20
VECTORS = Path(__file__).parents[2] / "var" / "vectors"
"""Kept from run to run: to make them takes ten minutes."""


def measure_matching(
    data: Path, topics: int, encoder: str = "none"
) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table, and figures, over the first ``topics`` curated topics."""
    from subscriptions.encoder import KeptVectors, load_encoder
    from subscriptions.management.judged import JudgedData

    model = load_encoder(encoder)
    encode = KeptVectors(model, VECTORS) if model else None
    judged = JudgedData(data, encode)
    judged.topics = [topic for topic in judged.topics if topic.group == "curated"][:topics]
    peers = _peers(judged, encode)
    rows, figures = [], []
    for name, (given, *bars) in GIVEN.items():
        print(f"matching: {name}", file=sys.stderr, flush=True)
        enough = [topic for topic in judged.topics if len(topic.examples) >= given]
        mean = _ndcg(data, judged, enough, judged.grades(given))
        rows.append((f"nDCG@10, given {name}, {len(enough)} topics", f"{mean:.3f}"))
        figures.append(Figure(f"ndcg_{name}", mean, f">={bars[bool(model)]}"))
        if not given:
            theirs = ndcg(data, data / "baseline_runs" / "cold_bm25_phrase.tsv")
            peer = statistics.mean(theirs[topic.topic_id] for topic in enough)
            rows.append(("  BM25 on the phrase", f"{peer:.3f}"))
            continue
        for peer_name, score in peers.items():
            places = {topic.topic_id: judged.places(topic.examples[:given]) for topic in enough}
            graded = ((topic, score(places[topic.topic_id])) for topic in enough)
            rows.append((f"  {peer_name}", f"{_ndcg(data, judged, enough, graded):.3f}"))
    relevant = _relevant(data)
    learning = _simulate(judged, relevant, learn=True)
    rows.append((f"found in {ROUNDS} digests of {SIZE}, saying what is liked", f"{learning:.3f}"))
    still = _simulate(judged, relevant, learn=False)
    rows.append(("  the phrase alone, saying nothing", f"{still:.3f}"))
    figures.append(Figure("feedback_found", learning, ">=0.8"))
    together, kept = _pair(judged, relevant)
    rows.append(("precision of two interests in one digest, of each alone", f"{kept:.2f}"))
    rows.append(("  digests with both, of those that could", f"{together:.2f}"))
    figures.append(Figure("two_interests_kept", kept, ">=0.9"))
    figures.append(Figure("two_interests_present", together, ">=1"))
    return rows, figures


def _peers(judged: "JudgedData", encode: "Encode | None") -> "dict[str, Peer]":
    from .peers import arxiv_sanity, scholar_inbox, zotero_arxiv_daily

    docs = list(judged.docs.values())
    found = {"arxiv-sanity-lite": arxiv_sanity(docs)}
    if encode:
        found["zotero-arxiv-daily"] = zotero_arxiv_daily(docs, encode)
        found["as Scholar Inbox"] = scholar_inbox(docs, judged.past, encode)
    return found


def _ndcg(
    data: Path,
    judged: "JudgedData",
    topics: "Sequence[JudgedTopic]",
    graded: "Iterable[tuple[JudgedTopic, Grades]]",
) -> float:
    """The mean of topics, at ten."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run.tsv"
        judged.write(run, graded)
        found = ndcg(data, run)
    return statistics.mean(found[topic.topic_id] for topic in topics)


def _relevant(data: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (data / "qrels.tsv").read_text(encoding="utf-8").splitlines():
        topic, _, paper, grade = line.split()
        if int(grade) > 0:
            found.setdefault(topic, set()).add(paper)
    return found


def _simulate(judged: "JudgedData", relevant: dict[str, set[str]], *, learn: bool) -> float:
    """What part of the relevant papers a reader finds, mean over topics, at most sixty each.

    They begin with three examples, or with none if they never ``learn``, get six digests of the
    ten best papers they have not had, and say of each whether it is what they want.
    """
    ids = np.array(list(judged.docs))
    liked = {t.topic_id: list(t.examples[:START] if learn else ()) for t in judged.topics}
    disliked: dict[str, list[str]] = {topic: [] for topic in liked}
    free = {topic.topic_id: judged.candidates(topic) for topic in judged.topics}
    there = {topic: relevant[topic] & set(ids[may]) for topic, may in free.items()}
    found = dict.fromkeys(liked, 0)
    for _ in range(ROUNDS):
        grades = judged.pool.grade(
            [judged.query(t, liked[t.topic_id], disliked[t.topic_id]) for t in judged.topics]
        )
        for topic, graded in zip(liked, grades, strict=True):
            for place in np.argsort(np.where(free[topic], -graded, np.inf))[:SIZE]:
                free[topic][place] = False
                found[topic] += ids[place] in there[topic]
                if learn:
                    said = liked if ids[place] in there[topic] else disliked
                    said[topic].append(ids[place])
    most = ROUNDS * SIZE
    return statistics.mean(found[t] / min(most, len(there[t])) for t in found if there[t])


def _pair(judged: "JudgedData", relevant: dict[str, set[str]]) -> tuple[float, float]:
    """Digests of two topics each: how many have both, and how much precision each keeps."""
    from subscriptions.matching import rank, share_out

    ids = list(judged.docs)
    topics = judged.topics[:PAIRED]
    lists = {}
    for topic in topics:
        ((places, scores),) = judged.pool.match([judged.query(topic)])
        may = judged.candidates(topic)[places]
        lists[topic.topic_id] = rank(places[may], scores[may])
    both = could = 0
    in_pairs, alone = 0.0, 0.0
    for pair in combinations(lists, 2):
        chosen = share_out([lists[topic] for topic in pair], [1, 1], SIZE)
        had = {topic: [p for row, p in chosen if pair[row] == topic] for topic in pair}
        could += all(
            any(ids[paper] in relevant[topic] for paper in lists[topic].papers) for topic in pair
        )
        both += all(had.values())
        for topic, papers in had.items():
            best = lists[topic].papers[: len(papers)]
            in_pairs += _precision(ids, papers, relevant[topic])
            alone += _precision(ids, best, relevant[topic])
    return both / max(could, 1), in_pairs / max(alone, 1e-9)


def _precision(ids: list[str], papers: Sequence[int], relevant: set[str]) -> float:
    return sum(ids[paper] in relevant for paper in papers) / max(len(papers), 1)


def main() -> None:
    django.setup()
    for rows, figures in (
        measure_matching(REAL / "matching", 1000, *sys.argv[1:]),
        measure_encoding(1),
        measure_crowd(1, "words"),
        measure_crowd(1, "vectors"),
    ):
        print(table(rows))
        print(*figures, sep="\n", flush=True)


if __name__ == "__main__":
    main()
