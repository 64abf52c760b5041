"""A file of readers, from its upload to its import: looked at, then brought in or forgotten.

The import mails nobody.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction

from subscriptions.models import ImportFile, Interest, Movement, Paper, Subscriber
from subscriptions.models.bulk import insert

from .importing import CHUNK, NEW, Examined, Fate, Plan, examine, shorten
from .preferences import rest_until
from .reader_columns import Reader, guess
from .reader_file import Table, read
from .wanted import want

CONSENT_VERSION = "import"
KEPT = dt.timedelta(days=1)
MOST_BAD, MOST_OTHERS = 1_000, 100
"""Rows that are kept to be shown."""

Status = Subscriber.Status


@dataclass
class Imported:
    """What an import did: how many readers of each fate, and what was good no more by then."""

    counts: Counter[Fate] = field(default_factory=Counter)
    dropped: list[Examined] = field(default_factory=list)


class FileGone(Exception):
    """It was imported already, or is older than a day."""


def keep(
    content: bytes, name: str, consent_source: str, agreed: bool, now: dt.datetime
) -> uuid.UUID:
    """Store a file with a guess at its columns, and look at its rows.

    Raises UnreadableFile for one that is no table.
    """
    table = read(content)
    columns = guess(table.names, next((row.cells for row in table.rows()), ()))
    plan = Plan(columns, consent_source, agreed)
    return ImportFile.objects.create(
        name=name, content=content, uploaded_at=now, plan=plan.as_json(),
        seen=_found(table, plan, now),
    ).pk  # fmt: skip


def look(file: ImportFile, plan: Plan, now: dt.datetime) -> None:
    """Examine each row as ``plan`` says, and store it with what was found; nobody comes in.

    Raises UnreadableFile for too many rows.
    """
    file.seen = _found(read(bytes(file.content)), plan, now)
    file.plan = plan.as_json()
    file.save(update_fields=["plan", "seen"])


def _found(table: Table, plan: Plan, now: dt.datetime) -> dict[str, Any]:
    """How many rows there are of each fate, which are good, and some of each kind."""
    found: dict[str, list[dict[str, Any]]] = {"bad": [], "passed": [], "good": []}
    counts: Counter[str] = Counter()
    lines = []
    for one in examine(table, plan, now) if "email" in plan.columns else ():
        counts[one.fate.name] += 1
        good, bad = one.fate in NEW, one.fate is Fate.BAD
        if good:
            lines.append(one.row.line)
        kept = found["good" if good else "bad" if bad else "passed"]
        if len(kept) < (MOST_BAD if bad else MOST_OTHERS):
            kept.append(one.shown(len(table.names)))
    samples = [row.cells for row in islice(table.rows(), 3) if not row.fault]
    return {
        **found, "counts": counts, "lines": lines, "names": table.names, "headed": table.headed,
        "encoding": table.encoding, "samples": [[shorten(c) for c in cells] for cells in samples],
    }  # fmt: skip


def bad_rows(file: ImportFile, now: dt.datetime) -> Iterator[list[str]]:
    """The names of a file's columns, then its bad rows; each with the reason before it."""
    table = read(bytes(file.content))
    yield ["line", "reason", *table.names]
    for one in examine(table, Plan.from_json(file.plan), now):
        if one.fate is Fate.BAD:
            yield [str(one.row.line), one.reason, *one.row.cells]


def bring_in(pk: uuid.UUID, now: dt.datetime) -> Imported:
    """Bring in the readers that were good when the file was last looked at, and still are.

    All or none, in one transaction, in which the file is deleted, too. Raises FileGone.
    """
    try:
        with transaction.atomic():
            return _bring_in(pk, now)
    except IntegrityError:  # somebody signed up at this moment
        with transaction.atomic():
            return _bring_in(pk, now)


def purge(now: dt.datetime) -> None:
    """Forget files that nobody imported."""
    ImportFile.objects.filter(uploaded_at__lte=now - KEPT).delete()


def _bring_in(pk: uuid.UUID, now: dt.datetime) -> Imported:
    file = ImportFile.objects.select_for_update().filter(pk=pk).first()
    if file is None:
        raise FileGone
    plan, promised, done = Plan.from_json(file.plan), set(file.seen["lines"]), Imported()
    rows = (
        one for one in examine(read(bytes(file.content)), plan, now) if one.row.line in promised
    )
    while chunk := list(islice(rows, CHUNK)):
        good = [one for one in chunk if one.fate in NEW]
        done.dropped += [one for one in chunk if one.fate not in NEW]
        done.counts.update(one.fate for one in good)
        _insert(good, plan, now)
    joined = done.counts[Fate.ACTIVE] + done.counts[Fate.PAUSED]
    Movement.objects.note(Movement.Kind.JOINED, now, joined)
    file.delete()
    return done


def _insert(rows: list[Examined], plan: Plan, now: dt.datetime) -> None:
    pairs = [
        (one.reader, _subscriber(one.reader, one.fate, plan, now)) for one in rows if one.reader
    ]
    insert([subscriber for _, subscriber in pairs])
    named = {arxiv_id for reader, _ in pairs for arxiv_id in reader.choices.papers}
    papers = Paper.objects.filter(arxiv_id__in=named).only("arxiv_id")
    here = {paper.arxiv_id: paper for paper in papers}
    interests = [
        interest
        for reader, subscriber in pairs
        for interest in reader.choices.interests_among(subscriber, reader.choices.topics, here)
    ]
    try:
        with transaction.atomic():
            insert(interests)
    except IntegrityError:  # this database knows two spellings as one
        Interest.objects.bulk_create(interests, ignore_conflicts=True)
    reading = [reader for reader, new in pairs if new.status != Status.PENDING]
    want({i for reader in reading for i in reader.choices.papers} - here.keys(), now)


def _subscriber(reader: Reader, fate: Fate, plan: Plan, now: dt.datetime) -> Subscriber:
    """A reader of that fate; the first digest of an active one comes at their next slot."""
    new = Subscriber(
        email=reader.email,
        consent_version=CONSENT_VERSION,
        consent_source=reader.consent_source or plan.consent_source,
        consent_asked_at=now,
    )
    reader.choices.apply_settings(new)
    if fate is Fate.WAITS:
        return new
    new.confirmed_at = new.consent_asked_at = reader.confirmed_at or now
    if fate is Fate.PAUSED and reader.paused_until:
        rest_until(new, reader.paused_until, now)
    elif fate is Fate.PAUSED:
        new.status = Status.PAUSED
    else:
        new.status = Status.ACTIVE
        new.reschedule(now)
    return new
