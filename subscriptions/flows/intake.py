"""Papers in: what a source run reads is stored in batches, and the run keeps account of it."""

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from subscriptions.models import LEASE, SourceRun
from subscriptions.sources import Checkpoint, Found, PaperRecord, Rejection, SourceFormatError
from subscriptions.sources.records import clean

from .indexing import encode
from .trends import Usual, refresh
from .upsert import upsert

logger = logging.getLogger(__name__)

BATCH = 1000
KEPT_REJECTIONS = 100
MANY = 5
"""So many rejections and nothing else are another format, and no day without papers."""
KEPT_DAYS = 62
"""Of so many newest days a run keeps how many papers it saw."""


class TakenForDead(Exception):
    """This run gave no sign of life for so long that another may have begun."""


def open_run(source: str, origin: str, now: dt.datetime, **fields: object) -> SourceRun:
    """A run that begins now. Raises IntegrityError where its source is being fetched."""
    return SourceRun.objects.create(
        source=source,
        origin=clean(origin, 500),
        started_at=now,
        expires_at=now + LEASE,
        **fields,
    )


def take_in(
    records: Iterable[Found | Checkpoint],
    run: SourceRun,
    *,
    rejected: Callable[[Rejection], None],
    progress: Callable[[int], object] = lambda count: None,
) -> SourceRun:
    """Store what a source announced, and close the run with its counts.

    Idempotent: the same records again are all unchanged. A paper that is already here
    takes over what is richer. An exception while reading is recorded and raised again;
    batches stored before it stay. The run has the cursor of the last Checkpoint whose papers
    are stored.
    """
    now, begun = run.started_at, time.monotonic()
    usual: Usual = {}

    def at() -> dt.datetime:
        return now + dt.timedelta(seconds=time.monotonic() - begun)

    try:
        for batch, cursor in _batches(records):
            _take_in_batch(run, batch, rejected, usual)
            if cursor is not None:
                run.cursor = cursor
            if not SourceRun.objects.record(run, expires_at=at() + LEASE):
                raise TakenForDead("it stood still for too long, and was taken for dead")
            progress(len(batch))
        if run.feed and run.rejected >= MANY and not run.new + run.updated + run.unchanged:
            raise SourceFormatError(f"has no record that can be taken: {run.rejections[0][1]}")
        refresh(usual, now.date())
        run.status = SourceRun.Status.OK
    except BaseException as error:  # Ctrl-C, too, ends a run
        run.status = SourceRun.Status.FAILED
        run.error = clean(f"{type(error).__name__}: {error}", 2000)
        raise
    finally:
        SourceRun.objects.record(
            run,
            status=run.status,
            error=run.error,
            retry_at=run.retry_at,
            finished_at=at(),
            expires_at=None,
        )
    return run


def _batches(records: Iterable[Found | Checkpoint]) -> Iterator[tuple[list[Found], str | None]]:
    """Batches of records, and the cursor of the Checkpoint where one ends there."""
    batch: list[Found] = []
    for record in records:
        if isinstance(record, Checkpoint):
            yield batch, record.cursor
            batch = []
            continue
        batch.append(record)
        if len(batch) == BATCH:
            yield batch, None
            batch = []
    if batch:
        yield batch, None


def _take_in_batch(
    run: SourceRun, batch: list[Found], rejected: Callable[[Rejection], None], usual: Usual
) -> None:
    """``usual`` has the usual votes of sources, as far as known."""
    good = [record for record in batch if not isinstance(record, Rejection)]
    bad = [record for record in batch if isinstance(record, Rejection)]
    for rejection in bad:
        rejected(rejection)
    run.rejected += len(bad)
    run.rejections = (run.rejections + [[r.number, r.reason] for r in bad])[:KEPT_REJECTIONS]
    stored = upsert(good, run, usual)
    run.new += len(stored.new)
    run.updated += stored.updated
    run.unchanged += len(good) - len(stored.new) - stored.updated
    tomorrow = run.started_at.date() + dt.timedelta(days=1)  # further on, a date is a mistake
    days = [
        record.announced
        for record in good
        if isinstance(record, PaperRecord) and record.announced and record.announced <= tomorrow
    ]
    run.newest_day = max([*days, *filter(None, [run.newest_day])], default=None)
    listed = Counter(run.listed) + Counter(map(str, days))
    run.listed = dict(sorted(listed.items())[-KEPT_DAYS:])
    encode([*stored.new, *stored.changed.values()])
