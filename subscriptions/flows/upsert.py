"""One batch of records becomes papers, listings and votes, in a fixed number of statements."""

import datetime as dt
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import Q

from subscriptions.models import (
    DoubtfulPair,
    Edition,
    Listing,
    ListingDays,
    ListingVotes,
    Paper,
    PaperTerms,
    SourceRun,
    title_key,
)
from subscriptions.models.bulk import insert
from subscriptions.sources import PaperRecord, Withdrawal

from .merging import IDS, MERGED, Record, merge, paper_fields
from .trends import Usual, learn_usual, most, upvotes_of
from .twins import Likeness, likeness


def upsert(records: list[Record], run: SourceRun, usual: Usual) -> "Writes":
    """Store one batch; what was written. Tried again where another run was quicker."""
    for _ in range(2):
        try:
            with transaction.atomic():
                return _upsert(records, run, usual)
        except IntegrityError:
            continue
    with transaction.atomic():
        return _upsert(records, run, usual)


@dataclass
class _Known:
    """A paper with its listings, and the newest votes of each, by source and day announced."""

    paper: Paper
    listings: dict[tuple[str, dt.date], Listing] = field(default_factory=dict)
    votes: dict[tuple[str, dt.date], ListingVotes] = field(default_factory=dict)
    upvotes: int = 0
    """Of this site's readers."""

    def trend(self, usual: Usual) -> float:
        listed = [
            (key[0], listing.day, self.votes[key].count if key in self.votes else 0)
            for key, listing in self.listings.items()
        ]
        return most(listed, self.upvotes, usual)


class _Index:
    """The papers a batch may touch, found by any of their ids or their titles: four queries."""

    def __init__(self, records: list[Record]) -> None:
        self.by_id: dict[tuple[str, str], _Known] = {}
        self.by_title: dict[str, list[_Known]] = {}
        keys = {title_key(record.title) for record in records if isinstance(record, PaperRecord)}
        wanted = Q(title_key__in=keys)
        for name in IDS:
            values = {value for record in records if (value := getattr(record, name, None))}
            if values:
                wanted |= Q((f"{name}__in", values))
        papers = Paper.objects.select_for_update().filter(wanted).order_by("pk")
        by_pk = {paper.pk: _Known(paper) for paper in papers}
        keys_of = {}
        for listing in Listing.objects.filter(paper__in=by_pk):
            key = keys_of[listing.pk] = listing.source, listing.announced
            by_pk[listing.paper_id].listings[key] = listing
        votes = ListingVotes.objects.filter(listing__in=keys_of).select_related("listing")
        for row in votes.order_by("date"):
            by_pk[row.listing.paper_id].votes[keys_of[row.listing_id]] = row
        for pk, count in upvotes_of(by_pk).items():
            by_pk[pk].upvotes = count
        for known in by_pk.values():
            self.add(known)

    def add(self, known: _Known) -> None:
        for name in IDS:
            if value := getattr(known.paper, name):
                self.by_id[name, value] = known
        namesakes = self.by_title.setdefault(known.paper.title_key, [])
        if known not in namesakes:
            namesakes.append(known)

    def find(self, record: Record) -> tuple[_Known | None, Paper | None]:
        """The paper of a record, and another that may be it.

        It is the paper of any of the record's ids, but never one that has another arXiv id;
        else one with the same title, where who wrote it leaves no doubt. Where the ids are
        those of two papers, an editor must say.
        """
        named = [self.by_id.get((name, getattr(record, name, None) or "")) for name in IDS]
        found = [known for known in named if known]
        for known in found:
            if not record.arxiv_id or known.paper.arxiv_id in (None, record.arxiv_id):
                others = (one.paper for one in found if one is not known)
                return known, next(
                    (one for one in others if not (one.arxiv_id and known.paper.arxiv_id)), None
                )
        if isinstance(record, Withdrawal):
            return None, None
        doubtful = None
        for known in self.by_title.get(title_key(record.title), ()):
            like = likeness(known.paper, record)
            if like is Likeness.SAME:
                return known, None
            if like is Likeness.DOUBTFUL:
                doubtful = doubtful or known.paper
        return None, doubtful


@dataclass
class Writes:
    """What a batch will write: a fixed number of statements, whatever its size.

    Papers go in order of their ids, so that of two imports at once one waits for the other
    and never both for each other.
    """

    new: list[Paper] = field(default_factory=list)
    changed: dict[int, Paper] = field(default_factory=dict)
    reworded: list[Paper] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    votes: dict[int, ListingVotes] = field(default_factory=dict)
    pairs: list[DoubtfulPair] = field(default_factory=list)
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
        PaperTerms.objects.filter(paper__in=self.reworded).delete()
        # Apart and conditional, as an editor may hide one meanwhile.
        gone = [pk for pk, paper in self.changed.items() if paper.hidden == Paper.Hidden.WITHDRAWN]
        visible = Paper.objects.filter(pk__in=gone, hidden=Paper.Hidden.NO)
        visible.update(hidden=Paper.Hidden.WITHDRAWN)
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
        self._save_pairs()

    def _save_pairs(self) -> None:
        """Those that are not there yet, whichever of the two came first."""
        if not self.pairs:
            return
        for pair in self.pairs:
            pair.paper_id, pair.other_id = pair.paper.pk, pair.other.pk
        new = {frozenset((pair.paper_id, pair.other_id)): pair for pair in self.pairs}
        pks = {pk for both in new for pk in both}
        there = DoubtfulPair.objects.filter(paper__in=pks, other__in=pks)
        for both in map(frozenset, there.values_list("paper", "other")):
            new.pop(both, None)
        insert(list(new.values()))


def _upsert(records: list[Record], run: SourceRun, usual: Usual) -> Writes:
    days = Edition.objects.listing_day()
    index, writes = _Index(records), Writes()
    voted = {key[0] for known in index.by_id.values() for key in known.votes}
    learn_usual(usual, [run.source, *sorted(voted)])
    for record in records:
        known, doubtful = index.find(record)
        if known is not None:
            text = known.paper.title, known.paper.abstract
            merged = merge(known.paper, record, index.by_id)
            if known.paper.pk and text != (known.paper.title, known.paper.abstract):
                writes.reworded.append(known.paper)
            announced = isinstance(record, PaperRecord) and _announce(
                known, record, run, days, writes
            )
            if doubtful:
                writes.pairs.append(
                    DoubtfulPair(paper=known.paper, other=doubtful, found_at=run.started_at)
                )
            if merged or announced:
                writes.updated += 1
                if known.paper.pk:
                    writes.changed[known.paper.pk] = known.paper
        elif isinstance(record, PaperRecord):
            known = _Known(Paper(first_seen=run.started_at, **paper_fields(record, index.by_id)))
            writes.new.append(known.paper)
            _announce(known, record, run, days, writes)
            if doubtful:
                writes.pairs.append(
                    DoubtfulPair(paper=doubtful, other=known.paper, found_at=run.started_at)
                )
        else:
            continue
        known.paper.trend = known.trend(usual)
        index.add(known)
    writes.save()
    return writes


def _announce(
    known: _Known, record: PaperRecord, run: SourceRun, days: ListingDays, writes: Writes
) -> bool:
    """Note a record's listing and votes, if it is an announcement; whether either is news."""
    if record.announced is None:
        return False
    key = run.source, record.announced
    listing = known.listings.get(key)
    if (
        listing is None
        and record.once
        and any(source == run.source for source, _ in known.listings)
    ):
        return False
    news = listing is None
    if listing is None:
        listing = Listing(
            paper=known.paper,
            source=run.source,
            announced=record.announced,
            day=days.day(record.announced),
        )
        known.listings[key] = listing
        writes.listings.append(listing)
    if record.votes is not None and (counted := _count(known.votes.get(key), record, listing, run)):
        known.votes[key] = writes.votes[id(counted)] = counted
        news = True
    return news


def _count(
    newest: ListingVotes | None, record: PaperRecord, listing: Listing, run: SourceRun
) -> ListingVotes | None:
    """The count of a record's votes, if it is news: of today, or of a file's own day."""
    date = run.started_at.date() if run.feed else listing.announced
    if newest and (newest.date > date or newest.count == record.votes):
        return None
    counted = newest if newest and newest.date == date else ListingVotes(listing=listing, date=date)
    counted.count = record.votes or 0
    return counted
