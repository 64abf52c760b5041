"""Whether a paper and a record with the same title are one paper, told by who wrote them."""

from collections.abc import Sequence
from enum import Enum

from django.db import transaction

from subscriptions.matching import same_people
from subscriptions.models import DoubtfulPair, Paper
from subscriptions.sources import PaperRecord

MANY_WORDS = 4
"""Shorter titles are given more than once."""


class Likeness(Enum):
    SAME = "same"
    DOUBTFUL = "doubtful"
    DIFFERENT = "different"


def likeness(paper: Paper, record: PaperRecord) -> Likeness:
    """Of two with one title and no id in common.

    Two of arXiv's ids are two papers, and so are two that share no author. They are one where
    one of them has no id but its title, which is no "Editorial", and half of the authors of
    the one with fewer are the other's.
    """
    if paper.arxiv_id and record.arxiv_id:
        return Likeness.DIFFERENT
    if not paper.authors or not record.authors:
        return Likeness.DOUBTFUL
    shared = same_people(paper.authors, record.authors)
    if not shared:
        return Likeness.DIFFERENT
    nameless = any(
        not one.arxiv_id and not one.doi and (one.own_id or "").startswith("title:")
        for one in (paper, record)
    )
    if len(paper.title.split()) < MANY_WORDS:
        return Likeness.DOUBTFUL
    if nameless and 2 * shared >= min(len(paper.authors), len(record.authors)):
        return Likeness.SAME
    return Likeness.DOUBTFUL


def settle(pairs: Sequence[DoubtfulPair], status: DoubtfulPair.Status) -> None:
    """Say of pairs whether they are one paper; then the later one is hidden as a duplicate.

    It is not deleted: readers may have had it, and its source will tell of it again. Saying
    otherwise later shows again what this hid.
    """
    others = Paper.objects.filter(pk__in=[pair.other_id for pair in pairs])
    with transaction.atomic():
        DoubtfulPair.objects.filter(pk__in=[pair.pk for pair in pairs]).update(status=status)
        if status == DoubtfulPair.Status.SAME:
            others.filter(hidden=Paper.Hidden.NO).update(hidden=Paper.Hidden.DUPLICATE)
        else:
            others.filter(hidden=Paper.Hidden.DUPLICATE).update(hidden=Paper.Hidden.NO)
