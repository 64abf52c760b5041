"""Which feeds this site fetches by itself, and when each is due."""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings

from subscriptions.models import SourceRun
from subscriptions.sources import Feed, SourceFormatError, feeds
from subscriptions.sources.http import FetchError

from .fetch import BeingFetched, fetch
from .intake import TakenForDead

AGAIN = dt.timedelta(minutes=30)
"""When a run that failed is tried again."""
BUDGET = dt.timedelta(minutes=5)
"""A run stops after so long, and goes on at the next tick: others wait for the same worker."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scheduled:
    """A feed that the clock fetches, and the part of it."""

    feed: Feed
    part: str

    @property
    def name(self) -> str:
        return f"{self.feed.name}:{self.part}" if self.part else self.feed.name


def scheduled() -> list[Scheduled]:
    """What ``SOURCES`` names. Raises KeyError for a feed that there is not."""
    entries = [entry.partition(":") for entry in settings.SOURCES if entry != "none"]
    return [Scheduled(feeds()[name], part) for name, _, part in entries]


def due(now: dt.datetime) -> Iterator[str]:
    """The names of the feeds to fetch now. Runs that died are marked so first."""
    SourceRun.objects.bury(now)
    for one in scheduled():
        runs = SourceRun.objects.filter(feed=one.feed.name, part=one.part)
        if is_due(runs.order_by("-pk").first(), one.feed.every, now):
            yield one.name


def is_due(last: SourceRun | None, every: dt.timedelta, now: dt.datetime) -> bool:
    """Whether to fetch again what ``last`` fetched, and is worth a look ``every`` so often."""
    if last is None:
        return True
    if last.finished_at is None:
        return False
    if last.retry_at and now < last.retry_at:
        return False
    if last.status == SourceRun.Status.FAILED:
        return last.finished_at + AGAIN <= now
    return bool(last.cursor) or last.started_at + every <= now


def fetch_due(name: str, now: dt.datetime) -> None:
    """Fetch a feed if it still is due; what goes wrong is in its run, and in the log."""
    one = next((one for one in scheduled() if one.name == name), None)
    if one is None or name not in due(now):
        return
    try:
        fetch(one.feed, now, part=one.part, budget=BUDGET)
    except BeingFetched as error:
        logger.info("%s waits: %s", name, error)
    except (FetchError, SourceFormatError, TakenForDead) as error:
        logger.warning("%s could not be fetched: %s", name, error)
