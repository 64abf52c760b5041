"""Papers in: records of a source become papers, listings and votes, in batches."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Q

from subscriptions.matching import paper_text, trend
from subscriptions.models import (
    Edition,
    Listing,
    ListingDays,
    ListingVotes,
    Paper,
    Source,
    SourceRun,
)
from subscriptions.models.bulk import insert
from subscriptions.sources import PaperRecord, Rejection
from subscriptions.sources.records import clean
from subscriptions.vectors import site_vectors

from .trends import Usual, learn_usual, refresh

logger = logging.getLogger(__name__)

BATCH = 1000
KEPT_REJECTIONS = 100
MERGED = [
    "arxiv_id", "doi", "own_id", "title", "abstract", "authors", "categories", "submitted",
    "version", "url", "trend",
]  # fmt: skip
IDS = ("arxiv_id", "doi", "own_id")


def take_in(
    records: Iterable[PaperRecord | Rejection],
    *,
    source: Source,
    origin: str,
    now: dt.datetime,
    rejected: Callable[[Rejection], None],
    progress: Callable[[int], object] = lambda count: None,
) -> SourceRun:
    """Store what a source announced, and the run itself with its counts.

    Idempotent: the same records again are all unchanged. A paper that is already here
    takes over what is richer. An exception while reading is recorded and raised again;
    batches stored before it stay.
    """
    run = SourceRun.objects.create(source=source, origin=clean(origin, 500), started_at=now)
    begun = time.monotonic()
    stream = iter(records)
    usual: Usual = {}
    try:
        while batch := list(islice(stream, BATCH)):
            _take_in_batch(run, batch, rejected, usual)
            progress(len(batch))
        refresh(usual, now.date())
        run.status = SourceRun.Status.OK
    except BaseException as error:  # Ctrl-C, too, ends a run
        run.status = SourceRun.Status.FAILED
        run.error = clean(f"{type(error).__name__}: {error}", 2000)
        raise
    finally:
        if run.status != SourceRun.Status.RUNNING:
            run.finished_at = now + dt.timedelta(seconds=time.monotonic() - begun)
            run.save()
    return run


def _take_in_batch(
    run: SourceRun,
    batch: list[PaperRecord | Rejection],
    rejected: Callable[[Rejection], None],
    usual: Usual,
) -> None:
    """``usual`` has the usual votes of sources, as far as known."""
    good = [record for record in batch if isinstance(record, PaperRecord)]
    bad = [record for record in batch if isinstance(record, Rejection)]
    for rejection in bad:
        rejected(rejection)
    run.rejected += len(bad)
    run.rejections = (run.rejections + [[r.number, r.reason] for r in bad])[:KEPT_REJECTIONS]
    stored = _store(good, Source(run.source), run.started_at, usual)
    run.new += len(stored.new)
    run.updated += stored.updated
    run.unchanged += len(good) - len(stored.new) - stored.updated
    days = [record.announced for record in good] + [run.newest_day]
    run.newest_day = max(filter(None, days), default=None)
    _encode([*stored.new, *stored.changed.values()])


def _encode(papers: list[Paper]) -> None:
    """Make the vectors of papers that are stored; where that fails, digests make them later."""
    try:
        if vectors := site_vectors():
            vectors([paper_text(paper.title, paper.abstract) for paper in papers])
    except Exception:
        logger.exception("The sentence encoder failed; see ENCODER")


def _store(records: list[PaperRecord], source: Source, now: dt.datetime, usual: Usual) -> "_Writes":
    """Store one batch; what was written. Tried again where another run was quicker."""
    for _ in range(2):
        try:
            with transaction.atomic():
                return _store_once(records, source, now, usual)
        except IntegrityError:
            continue
    with transaction.atomic():
        return _store_once(records, source, now, usual)


@dataclass
class _Known:
    """A paper with its listings, and the newest votes of each, by source and day announced."""

    paper: Paper
    listings: dict[tuple[str, dt.date], Listing] = field(default_factory=dict)
    votes: dict[tuple[str, dt.date], ListingVotes] = field(default_factory=dict)

    def trend(self, usual: Usual) -> float:
        """The most of any listing, each on the scale of its source."""
        trends = [
            trend(self.votes[key].count, listing.day, usual[key[0]])
            if key in self.votes
            else trend(0, listing.day)
            for key, listing in self.listings.items()
        ]
        return max(trends, default=0.0)


class _Index:
    """The papers a batch may touch, found by any of their ids: three queries."""

    def __init__(self, records: list[PaperRecord]) -> None:
        self.by_id: dict[tuple[str, str], _Known] = {}
        wanted = Q(pk__in=[])
        for name in IDS:
            values = {value for record in records if (value := getattr(record, name))}
            if values:
                wanted |= Q((f"{name}__in", values))
        by_pk = {paper.pk: _Known(paper) for paper in Paper.objects.filter(wanted)}
        keys = {}
        for listing in Listing.objects.filter(paper__in=by_pk):
            key = keys[listing.pk] = listing.source, listing.announced
            by_pk[listing.paper_id].listings[key] = listing
        votes = ListingVotes.objects.filter(listing__in=keys).select_related("listing")
        for row in votes.order_by("date"):
            by_pk[row.listing.paper_id].votes[keys[row.listing_id]] = row
        for known in by_pk.values():
            self.add(known)

    def add(self, known: _Known) -> None:
        for name in IDS:
            if value := getattr(known.paper, name):
                self.by_id[name, value] = known

    def find(self, record: PaperRecord) -> _Known | None:
        """The paper of any of a record's ids; never one that has another arXiv id."""
        for name in IDS:
            known = self.by_id.get((name, getattr(record, name)))
            if known and (not record.arxiv_id or known.paper.arxiv_id in (None, record.arxiv_id)):
                return known
        return None


@dataclass
class _Writes:
    """What a batch will write: a fixed number of statements, whatever its size.

    Papers go in order of their ids, so that of two imports at once one waits for the other
    and never both for each other.
    """

    new: list[Paper] = field(default_factory=list)
    changed: dict[int, Paper] = field(default_factory=dict)
    listings: list[Listing] = field(default_factory=list)
    votes: dict[int, ListingVotes] = field(default_factory=dict)
    updated: int = 0
    """How many records told of a paper that was here something new."""

    def save(self) -> None:
        insert(sorted(self.new, key=lambda paper: [getattr(paper, name) or "" for name in IDS]))
        Paper.objects.bulk_create(
            [paper for _, paper in sorted(self.changed.items())],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=MERGED,
        )
        for listing in self.listings:
            listing.paper_id = listing.paper.pk
        insert(self.listings)
        for row in self.votes.values():
            row.listing_id = row.listing.pk
        recounted = [row for row in self.votes.values() if row.pk]
        insert([row for row in self.votes.values() if not row.pk])
        ListingVotes.objects.bulk_create(
            recounted, update_conflicts=True, unique_fields=["id"], update_fields=["count"]
        )


def _store_once(
    records: list[PaperRecord], source: Source, now: dt.datetime, usual: Usual
) -> _Writes:
    days = Edition.objects.listing_day()
    index, writes = _Index(records), _Writes()
    voted = {key[0] for known in index.by_id.values() for key in known.votes}
    learn_usual(usual, [source.value, *sorted(voted)])
    for record in records:
        known = index.find(record)
        if known is None:
            known = _Known(Paper(first_seen=now, **_fields(record, index.by_id)))
            writes.new.append(known.paper)
            _announce(known, record, source, days, writes)
        else:
            merged = _merge(known.paper, record, index.by_id)
            announced = _announce(known, record, source, days, writes)
            if merged or announced:
                writes.updated += 1
                if known.paper.pk:
                    writes.changed[known.paper.pk] = known.paper
        known.paper.trend = known.trend(usual)
        index.add(known)
    writes.save()
    return writes


def _announce(
    known: _Known, record: PaperRecord, source: Source, days: ListingDays, writes: _Writes
) -> bool:
    """Note a record's listing and votes, if it is an announcement; whether either is news."""
    if record.announced is None:
        return False
    key = source.value, record.announced
    listing = known.listings.get(key)
    news = listing is None
    if listing is None:
        listing = Listing(
            paper=known.paper,
            source=source,
            announced=record.announced,
            day=days.day(record.announced),
        )
        known.listings[key] = listing
        writes.listings.append(listing)
    votes = known.votes.get(key)
    if record.votes is not None and (votes is None or votes.count != record.votes):
        votes = votes or ListingVotes(listing=listing, date=record.announced)
        votes.count = record.votes
        known.votes[key] = writes.votes[id(votes)] = votes
        news = True
    return news


def _fields(record: PaperRecord, known: Container[tuple[str, str]]) -> dict[str, object]:
    ids = {name: getattr(record, name) for name in IDS}
    return {
        **{name: value for name, value in ids.items() if (name, value) not in known},
        "title": record.title,
        "abstract": record.abstract,
        "authors": list(record.authors),
        "categories": list(record.categories),
        "submitted": record.submitted,
        "version": record.version,
        "url": record.url,
    }


def _merge(paper: Paper, record: PaperRecord, known: Container[tuple[str, str]]) -> bool:
    """Take over what is richer in ``record``; whether anything changed.

    Of two versions the newer one's text wins, of two texts of one version the longer, of
    two lists the longer, of two dates of submission the earlier; of two of equal length the
    same one whichever came first. An id is added unless another paper has it.
    """
    before = [getattr(paper, name) for name in MERGED]
    newer = (record.version or 0) - (paper.version or 0) if record.version and paper.version else 0
    for name in ("title", "abstract", "authors", "categories"):
        old, value = getattr(paper, name), getattr(record, name)
        value = value if isinstance(value, str) else list(value)
        if value and newer >= 0 and (newer > 0 or (len(value), value) > (len(old), old)):
            setattr(paper, name, value)
    paper.version = max(paper.version or 0, record.version or 0) or None
    paper.submitted = min(filter(None, [paper.submitted, record.submitted]), default=None)
    paper.url = paper.url or record.url
    for name in IDS:
        value = getattr(record, name)
        if value and not getattr(paper, name) and (name, value) not in known:
            setattr(paper, name, value)
    return before != [getattr(paper, name) for name in MERGED]
