"""One run of a feed: claimed, polite, and going on where an earlier one broke off."""

import datetime as dt
import time
from collections.abc import Callable, Iterator

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import TruncDate

from subscriptions.models import LEASE, SourceRun
from subscriptions.sources import Checkpoint, Feed, Found, Rejection, Window
from subscriptions.sources.http import ComeAgainLater, Http

from .intake import TakenForDead, open_run, take_in

FIRST_WINDOW = dt.timedelta(days=7)
"""What the first run of a feed asks for: the days that a first digest covers."""
RESUMABLE = dt.timedelta(days=2)
"""Later than this a cursor means nothing."""
LATEST = dt.timedelta(days=30)
"""What a source shows so much later than its day, after nothing at all, is still found."""
LOOKED_AT = 500
"""So many newest runs tell what is fetched."""


class BeingFetched(Exception):
    """Another run has the source."""


def fetch(
    feed: Feed,
    now: dt.datetime,
    *,
    part: str = "",
    since: dt.date | None = None,
    until: dt.date | None = None,
    base_url: str = "",
    budget: dt.timedelta = dt.timedelta(days=7),
    rejected: Callable[[Rejection], None] = lambda rejection: None,
    progress: Callable[[int], object] = lambda count: None,
) -> SourceRun:
    """Fetch and store what ``feed`` announced from ``since`` to ``until``.

    Without these, from where its last whole run ended to today; without that, a week. Raises
    BeingFetched where another run has the source, and lets through what the feed raises.
    """
    origin = base_url or feed.base_url
    SourceRun.objects.bury(now)
    window = _window(feed, part, origin, now, since, until)
    try:
        with transaction.atomic():
            run = open_run(
                feed.source, origin, now, feed=feed.name, part=part, since=window.since,
                until=window.until, cursor=window.cursor,
            )  # fmt: skip
    except IntegrityError:
        raise BeingFetched(f"{feed.label} is being fetched by another run") from None
    begun = time.monotonic()
    with Http(origin, lambda requests, octets: _alive(run, requests, octets, begun)) as http:
        return take_in(
            _records(feed, http, window, run, begun + budget.total_seconds()),
            run,
            rejected=rejected,
            progress=progress,
        )


def _alive(run: SourceRun, requests: int, octets: int, begun: float) -> None:
    elapsed = dt.timedelta(seconds=time.monotonic() - begun)
    run.requests, run.octets = requests, octets
    if not SourceRun.objects.record(run, expires_at=run.started_at + elapsed + LEASE):
        raise TakenForDead("it stood still for too long, and was taken for dead")


def _records(
    feed: Feed, http: Http, window: Window, run: SourceRun, deadline: float
) -> Iterator[Found | Checkpoint]:
    """What the feed yields, up to a Checkpoint after the deadline; an empty one at its end."""
    try:
        for found in feed.fetch(http, window):
            yield found
            if isinstance(found, Checkpoint) and time.monotonic() > deadline:
                return
    except ComeAgainLater as error:
        run.retry_at = run.started_at + dt.timedelta(seconds=error.seconds)
        raise
    finally:
        run.requests, run.octets = http.requests, http.octets
    yield Checkpoint("")


def _window(
    feed: Feed,
    part: str,
    origin: str,
    now: dt.datetime,
    since: dt.date | None,
    until: dt.date | None,
) -> Window:
    """The days to ask for: those of a run that broke off, or those after the last whole one."""
    today = now.date()
    before = SourceRun.objects.filter(feed=feed.name, part=part, origin=origin).order_by("-pk")
    last = before.first()
    if last and last.cursor and last.since and last.until:
        same = (since, until) == (last.since, last.until)
        newest = since is until is None and today - last.until < RESUMABLE
        if last.started_at > now - RESUMABLE and (same or newest):
            return Window(last.since, last.until, today, part, last.cursor)
    until = until or today
    if since is None:
        covered = _covered(before.filter(status=SourceRun.Status.OK, cursor=""))
        since = until - FIRST_WINDOW
        if covered:
            seen = before.filter(newest_day__lte=today).aggregate(day=Max("newest_day"))["day"]
            late = max(min(covered, seen or covered), covered - LATEST)
            since = late - feed.again
    return Window(min(since, until), until, today, part)


def _covered(whole: QuerySet[SourceRun]) -> dt.date | None:
    """The day up to which whole runs fetched all, each going on from the ones before it.

    Those that ended before their own day brought history, and say nothing of what is new.
    """
    runs = whole.filter(until__gte=TruncDate("started_at")).only("since", "until")[:LOOKED_AT]
    covered: dt.date | None = None
    for run in reversed(runs):
        if run.since and run.until and (covered is None or run.since <= covered < run.until):
            covered = run.until
    return covered
