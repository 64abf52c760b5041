"""One turn of the clock: what is due becomes deliveries, what is queued is sent."""

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from subscriptions.models import Edition, Subscriber

from .due import plan
from .ledger import send_queued, sweep
from .queue import queue
from .select import Request, select

CHUNK = 500
NEEDED = (
    "status", "next_digest_at", "covered_until", "cadence", "weekday", "hour", "timezone",
    "max_papers", "sections_off",
)  # fmt: skip
"""What planning and choosing ask of a reader."""

logger = logging.getLogger(__name__)


def begin(now: dt.datetime) -> Iterator[list[int]]:
    """Roll the editions, give back what dead workers held, and name who is due, in chunks."""
    Edition.objects.roll(now)
    sweep(now)
    return _chunks(Subscriber.objects.due(now).values_list("pk", flat=True).iterator(CHUNK))


def _chunks(pks: Iterator[int]) -> Iterator[list[int]]:
    while chunk := list(islice(pks, CHUNK)):
        yield chunk


def prepare(pks: list[int], now: dt.datetime) -> Counter[str]:
    """Choose and queue the digests of these subscribers, as far as they still are due.

    Doing it twice, or in two workers at once, queues each digest once.
    """
    plans = plan(list(Subscriber.objects.due(now).filter(pk__in=pks).only(*NEEDED)), now)
    requests = [Request(p.subscriber, p.days) for p in plans if p.days]
    return queue(plans, select(requests, as_of=now), now)


def send_due(
    now: dt.datetime,
    clock: Callable[[], dt.datetime],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counter[str]:
    """One whole tick in this process; counts of both steps together."""
    counts: Counter[str] = Counter()
    chunks, total, done = begin(now), Subscriber.objects.due(now).count(), 0
    for chunk in chunks:
        try:
            counts += prepare(chunk, now)
        except Exception:  # its readers stay due; the others must not wait for them
            logger.exception("a chunk of %s readers was not prepared", len(chunk))
            counts["not prepared"] += len(chunk)
        counts += send_queued(clock)
        done += len(chunk)
        progress(done, total)
    return counts + send_queued(clock)
