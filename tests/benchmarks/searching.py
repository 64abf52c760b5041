"""Searching among very many papers: what the first search of a process costs, and the others."""

import datetime as dt
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .database import fresh_database, run
from .edition import REAL
from .figures import Figure

if TYPE_CHECKING:
    from subscriptions.models import Paper

PAPERS, CHUNK, ASKED = 100_000, 5_000, 20
SENTENCES, DIMENSIONS = 8, 384
FIRST_DAY, DAYS = dt.date(2023, 1, 2), 700


def measure_search(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Papers of real sentences; vectors drawn at random, but the questions' by the encoder."""
    papers = round(PAPERS * scale)
    with fresh_database() as variables:
        variables["ENCODER"] = "default"
        print(f"search: {papers:,} papers", file=sys.stderr, flush=True)
        filled = _run(variables, "search_fill", str(papers))
        found = _run(variables, "search", str(ASKED))
    return [
        (f"search among {papers:,} papers, two words", f"{found['words_ms']:.0f} ms"),
        ("  a pasted abstract", f"{found['abstract_ms']:.0f} ms"),
        ("  the slowest of all", f"{found['worst_ms']:.0f} ms"),
        ("  papers like one", f"{found['related_ms']:.0f} ms"),
        ("  the first search of a process", f"{found['load_s']:.1f} s"),
        ("  memory it keeps; at most", f"{found['kept_mb']:.0f}; {found['peak_mb']:.0f} MB"),
        ("  packing a paper, in the tick", f"{filled['pack_ms']:.2f} ms"),
    ], [
        Figure("search_words_ms", found["words_ms"], "<150"),
        Figure("search_abstract_ms", found["abstract_ms"], "<150"),
        Figure("related_ms", found["related_ms"], "<150"),
        Figure("search_load_s", found["load_s"], "<10"),
        Figure("search_memory_mb", found["kept_mb"], "<600"),
    ]


def fill(papers: str) -> dict[str, float]:
    """Papers of released days with their vectors, and their terms as the tick makes them."""
    from subscriptions.flows.indexing import index_papers, unindexed
    from subscriptions.matching import paper_text
    from subscriptions.models import Edition, Listing, Paper, TextVector
    from subscriptions.models.bulk import insert
    from subscriptions.vectors import STORED, site_vectors, text_hash

    vectors = site_vectors()
    assert vectors is not None
    draw, made, count = np.random.default_rng(0), _papers(int(papers)), int(papers)
    days = [FIRST_DAY + dt.timedelta(n) for n in range(DAYS)]
    now = dt.datetime(2025, 10, 13, tzinfo=dt.UTC)
    released = Edition.Status.RELEASED
    Edition.objects.bulk_create(Edition(day=d, status=released, released_at=now) for d in days)
    while chunk := list(islice(made, CHUNK)):
        for place, paper in enumerate(chunk):
            paper.first_seen, paper.title_key = now, f"{place}"
        insert(chunk)
        insert(
            [
                Listing(paper=paper, source="file", announced=day, day=day)
                for n, paper in enumerate(chunk)
                for day in [days[n % DAYS]]
            ]
        )
        drawn = draw.standard_normal((len(chunk), DIMENSIONS), dtype=np.float32)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        insert(
            [
                TextVector(
                    encoder=vectors.version,
                    text=text_hash(paper_text(paper.title, paper.abstract)),
                    vector=vector.astype(STORED).tobytes(),
                )
                for paper, vector in zip(chunk, drawn, strict=True)
            ]
        )
    begun = time.perf_counter()
    while unindexed().exists():
        index_papers()
    assert Paper.objects.count() == count
    return {"pack_ms": (time.perf_counter() - begun) / count * 1000}


def search(asked: str) -> dict[str, float]:
    """Pages as a server answers them, in a process that has not searched before."""
    from django.test import Client

    from subscriptions.flows.search import related
    from subscriptions.models import Paper

    client = Client(SERVER_NAME="localhost")
    draw, times = random.Random(3), {}
    papers = draw.sample(list(Paper.objects.order_by("pk")[:2000]), int(asked))

    def answer(text: str) -> float:
        begun = time.perf_counter()
        page = client.get("/search/", {"q": text})
        took = time.perf_counter() - begun
        assert page.status_code == 200 and b'class="rank"' in page.content
        return took * 1000

    before = _memory_mb()
    client.get("/search/")
    load = answer("state space")
    kept = _memory_mb() - before
    times["words"] = [answer(" ".join(_two_words(paper.abstract, draw))) for paper in papers]
    times["abstract"] = [answer(paper.abstract) for paper in papers]
    times["related"] = []
    for paper in papers:
        begun = time.perf_counter()
        assert len(related(paper)) == 6
        times["related"].append((time.perf_counter() - begun) * 1000)
    return {
        "load_s": load / 1000,
        "kept_mb": kept,
        "worst_ms": max(times["words"] + times["abstract"]),
        **{f"{name}_ms": statistics.median(some) for name, some in times.items()},
    }


def _papers(count: int) -> Iterator["Paper"]:
    """Each with the sentences of several real ones, and a real title's words in another order."""
    from subscriptions.models import Paper

    with (REAL / "matching" / "background" / "papers.jsonl").open(encoding="utf-8") as lines:
        real = [json.loads(line) for line in lines]
    sentences = [one for paper in real for one in re.split(r"(?<=\.)\s+", paper["abstract"])]
    draw = random.Random(1)
    for number in range(count):
        title = " ".join(draw.sample(words := draw.choice(real)["title"].split(), len(words)))
        yield Paper(
            own_id=f"made:{number}",
            title=title[:500],
            abstract=" ".join(draw.sample(sentences, SENTENCES)),
            authors=["Ada Ito", "Bo Lee"],
            categories=["cs.LG"],
        )


def _two_words(text: str, draw: random.Random) -> list[str]:
    return draw.sample(re.findall(r"[a-z]{6,}", text), 2)


def _memory_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def _run(variables: dict[str, str], *command: str) -> dict[str, float]:
    measured: dict[str, float] = json.loads(
        run(variables, "-m", "tests.benchmarks.worker", *command)
    )
    return measured
