"""What the search needs of each paper: made once, by the tick, and stored."""

import logging
import time
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef

from subscriptions.matching import Doc, pack, paper_text
from subscriptions.models import Paper, PaperTerms
from subscriptions.models.papers import PaperQuerySet
from subscriptions.vectors import site_vectors, text_hash

CHUNK = 500
BUDGET = 20.0
"""Seconds after which the next tick goes on."""

logger = logging.getLogger(__name__)


def unindexed() -> PaperQuerySet:
    """The papers that the search does not know yet, the newest first."""
    known = PaperTerms.objects.filter(paper=OuterRef("pk"))
    return Paper.objects.filter(~Exists(known)).order_by("-pk")


def index_papers() -> int:
    """Make the terms of papers that lack them, as many as a tick may take; how many."""
    begun, made = time.monotonic(), 0
    while pks := list(unindexed().values_list("pk", flat=True)[:CHUNK]):
        encode(list(Paper.objects.filter(pk__in=pks).only("title", "abstract")))
        made += index(pks)
        if time.monotonic() - begun > BUDGET:
            break
    return made


def encode(papers: Sequence[Paper]) -> None:
    """Make the vectors of papers; where that fails, digests make them later."""
    try:
        if vectors := site_vectors():
            vectors([paper_text(paper.title, paper.abstract) for paper in papers])
    except Exception:
        logger.exception("The sentence encoder failed; see ENCODER")


@transaction.atomic
def index(pks: Sequence[int]) -> int:
    """Make the terms of these papers anew; processes that search take in what is new.

    Under a lock, or a text that changes meanwhile would keep the terms it had.
    """
    locked = Paper.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    rows = [
        PaperTerms(
            paper=paper,
            text=text_hash(paper_text(paper.title, paper.abstract)),
            packed=pack(Doc(paper.title, paper.abstract)),
        )
        for paper in locked.only("title", "abstract")
    ]
    PaperTerms.objects.filter(paper__in=pks).delete()
    PaperTerms.objects.bulk_create(rows)
    return len(rows)
