"""Search over all papers, from an index that each process keeps and brings up to date."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import BinaryField, Count, Max, OuterRef, Q, QuerySet, Subquery, Value

from subscriptions import matching
from subscriptions.matching import Doc, Index, pack, pack_text
from subscriptions.matching.index import ENTRY, best, unpack
from subscriptions.models import Paper, PaperTerms, public_papers
from subscriptions.models.papers import PaperQuerySet
from subscriptions.sources.ids import arxiv_id, doi
from subscriptions.vectors import site_vectors, unpacked

LOOK_EVERY = 60.0
"""Seconds for which nobody asks the database whether papers came."""
RECENT = 5_000
"""So many papers are added to those of the first load before all are loaded anew."""
CHUNK = 2_000
SHOWN = 200
"""So many results can be paged through."""
SPARE = 2
"""Of so many times the wanted it is asked first whether they are among those to be found."""
FEWEST = 50

GONE = 0

logger = logging.getLogger(__name__)
Numbers = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Part:
    """Some papers, each known by its place."""

    index: Index
    rows: Numbers
    """The pks of their terms."""
    papers: Numbers
    """Their own; ``GONE`` for one that is not there any more with this text."""


@dataclass(frozen=True)
class _Kept:
    """All papers, those that came since the first load in a second part."""

    parts: tuple[_Part, ...]
    state: object
    """Differs once there are other papers."""
    looked: float


_kept: _Kept | None = None
_lock = threading.Lock()


def search(text: str, among: PaperQuerySet | None = None) -> list[int]:
    """The papers nearest to a text by their pks, the nearest first: ``SHOWN`` at most.

    ``among``: of these; of the public ones unless said. To an id, which says nothing, none.
    """
    if not text or _id_in(text):
        return []
    return _nearest(pack_text(text), _meaning(text), SHOWN, among)


def related(paper: Paper, n: int = 6) -> list[Paper]:
    """The public papers most like a paper, the nearest first."""
    row = _rows(PaperTerms.objects.filter(paper=paper)).first()
    packed = bytes(row[2]) if row else pack(Doc(paper.title, paper.abstract))
    vector = unpacked([bytes(row[3])])[0].astype(np.float32) if row and row[3] else None
    found = _nearest(packed, vector, n + 1)
    return papers_in_order([pk for pk in found if pk != paper.pk][:n])


def named(text: str, among: PaperQuerySet | None = None) -> Paper | None:
    """The paper whose id a text is; ``among`` as in a search."""
    papers = public_papers() if among is None else among
    wanted = _id_in(text)
    return papers.filter(wanted).first() if wanted else None


def papers_in_order(pks: Sequence[int]) -> list[Paper]:
    """Papers with votes, in the order of these pks."""
    found = Paper.objects.visible().with_votes().in_bulk(pks)
    return [found[pk] for pk in pks if pk in found]


def _nearest(
    packed: bytes, vector: Vector | None, count: int, among: PaperQuerySet | None = None
) -> list[int]:
    """The papers nearest to terms and a vector, by their pks; ``among`` as in a search."""
    wanted = (public_papers() if among is None else among.order_by()).values_list("pk", flat=True)
    parts = _current().parts
    papers = np.concatenate([part.papers for part in parts])
    scores = matching.search([part.index for part in parts], packed, vector)
    scores[papers == GONE] = -np.inf
    first = max(SPARE * count, FEWEST)
    pks = papers[best(scores, first)].tolist()
    fit = set(wanted.filter(pk__in=pks))
    if len(fit) < count and len(pks) == first:  # rare for readers: most papers are public
        scores[~np.isin(papers, np.fromiter(wanted, np.int64))] = -np.inf
        return [*map(int, papers[best(scores, count)])]
    return [pk for pk in pks if pk in fit][:count]


def _id_in(text: str) -> Q | None:
    """An arXiv id or a DOI, in any of their usual forms."""
    if arxiv := arxiv_id(text):
        return Q(arxiv_id=arxiv[0])
    return Q(doi=of_paper) if (of_paper := doi(text)) else None


def _meaning(text: str) -> Vector | None:
    try:
        vectors = site_vectors()
        return vectors.passing(text) if vectors else None
    except Exception:
        logger.exception("The sentence encoder failed; see ENCODER")
        return None


def _current() -> _Kept:
    """While one thread brings the index up to date, others use it as it was."""
    global _kept
    kept = _kept
    if kept and (time.monotonic() < kept.looked + LOOK_EVERY or _lock.locked()):
        return kept
    with _lock:
        if _kept is kept or _kept is None:
            _kept = _refreshed(kept)
        return _kept


def _refreshed(before: _Kept | None) -> _Kept:
    """Two queries, or one where no paper came: terms are never changed, only made anew."""
    now = time.monotonic()
    state = PaperTerms.objects.aggregate(Count("pk"), Max("pk"))
    if before and state == before.state:
        return replace(before, looked=now)
    if before:
        there = np.fromiter(PaperTerms.objects.values_list("pk", flat=True), np.int64)
        base = before.parts[0]
        new = np.setdiff1d(there, base.rows)
        if len(new) <= RECENT:
            left = replace(base, papers=np.where(np.isin(base.rows, there), base.papers, GONE))
            return _Kept((left, _load(PaperTerms.objects.filter(pk__in=new.tolist()))), state, now)
    return _Kept((_load(PaperTerms.objects.all()),), state, now)


def _load(terms: QuerySet[PaperTerms]) -> _Part:
    """Each chunk becomes arrays at once, as objects would take many times their memory."""
    pks: list[int] = []
    papers: list[int] = []
    sizes: list[int] = []
    known: list[int] = []
    entries, vectors = [unpack([])], [unpacked([]).ravel()]
    rows = _rows(terms.order_by("pk")).iterator(CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        packed = [bytes(row[2]) for row in chunk]
        entries.append(unpack(packed))
        sizes += [len(one) // ENTRY.itemsize for one in packed]
        known += [len(pks) + n for n, row in enumerate(chunk) if row[3] is not None]
        if some := [bytes(row[3]) for row in chunk if row[3] is not None]:
            vectors.append(unpacked(some).ravel())
        pks += [row[0] for row in chunk]
        papers += [row[1] for row in chunk]
    ends = np.cumsum(np.array(sizes, np.int64))
    index = Index(
        _joined(entries, ENTRY), ends, np.array(known, np.int64), _joined(vectors, np.float32)
    )
    return _Part(index, np.array(pks, np.int64), np.array(papers, np.int64))


def _joined(arrays: list[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """One array of several, which are let go."""
    joined = np.concatenate(arrays, dtype=dtype)
    arrays.clear()
    return joined


def _rows(terms: QuerySet[PaperTerms]) -> Any:
    """Their pks, papers, terms and, where the site's encoder has made them, vectors."""
    vector: Any = Value(None, BinaryField())
    if vectors := site_vectors():
        of_text = vectors.stored.filter(text=OuterRef("text"))
        vector = Subquery(of_text.values("vector")[:1])
    return terms.annotate(vector=vector).values_list("pk", "paper", "packed", "vector")
