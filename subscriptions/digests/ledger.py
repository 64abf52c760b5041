"""The ledger's second move: each digest that is queued is sent at most once."""

import datetime as dt
import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing

from django.conf import settings
from django.db import OperationalError, connection

from subscriptions.delivery.outcomes import Outcome, Outcomes, Result, Stopped, Unavailable
from subscriptions.delivery.throttle import Throttle, seat
from subscriptions.delivery.transport import Transport, open_transport
from subscriptions.models import Cause, Delivery, SendingPause, Suppression
from subscriptions.models.windows import begin_window, record_window

from .allowance import Share, admitted
from .compose import Composer
from .content import Content
from .failures import record_failed
from .message import Digest

Status = Delivery.Status
Clock = Callable[[], dt.datetime]

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=20)
"""How long claimed messages are their worker's; no new one begins in the last third."""
SHIFT = dt.timedelta(minutes=5)
"""How long one call goes on claiming; the next tick takes up the rest."""
WINDOWS = 10
"""How many windows are claimed at once, so that what they share is read once."""
STOOD_STILL = "this worker stood still until its claim was nearly over"
FRESH = dt.timedelta(minutes=1)
"""How long compiled templates and papers are kept before they are read again."""
SOON = dt.timedelta(minutes=1)
FIRST_RETRY, LONGEST_RETRY, MAX_ATTEMPTS = dt.timedelta(minutes=5), dt.timedelta(hours=4), 15


def sweep(now: dt.datetime) -> None:
    """Give back what dead workers held; by ``IN_DOUBT_POLICY`` queue again what is in doubt."""
    Delivery.objects.release_expired(now)
    if settings.IN_DOUBT_POLICY == "resend":
        Delivery.objects.filter(status=Status.IN_DOUBT, attempts__lt=MAX_ATTEMPTS).update(
            status=Status.QUEUED
        )


def send_queued(clock: Clock) -> Counter[str]:
    """Send what is queued or due for another try, window by window, for one shift at most.

    Counts ``sent``, ``deferred``, ``failed``, ``in_doubt`` and ``skipped``. Ends early where
    the mail server cannot be reached, and pauses all sending where it refuses this site.
    """
    counts: Counter[str] = Counter()
    size, last_claim = _window_size(), clock() + SHIFT
    with seat() as seated, closing(open_transport()) as transport:
        while (seated and clock() <= last_claim) and (
            claimed := Delivery.objects.claim(size * WINDOWS, clock(), LEASE)
        ):
            try:
                with admitted(claimed, clock()) as share:
                    counts["deferred"] += len(claimed) - len(share.rows)
                    if not share.rows:
                        continue
                    composer = _composer(clock())
                    composer.content.load(share.rows)
                    worker = _Worker(clock, transport, composer, counts, share)
                    ready = worker.sort_out(claimed[0].claim_token)
                    for start in range(0, len(ready), size):
                        if not seated.renew():
                            raise Unavailable("others have all connections now")
                        worker.send(ready[start : start + size])
            except Stopped as error:
                logger.error("sending is paused: %s", error)
                SendingPause.objects.begin(Cause.SERVER, str(error), clock())
                break
            except Unavailable as error:
                logger.warning("sending ends for now: %s", error)
                break
            finally:
                Delivery.objects.give_back(claimed[0].claim_token)
    return counts


def _window_size() -> int:
    """Messages in one window: at a low rate fewer, so that none waits for minutes."""
    size: int = settings.DELIVERY_WINDOW
    if settings.DELIVERY_RATE:
        size = min(size, int(settings.DELIVERY_RATE * 60 / WINDOWS))
    return max(size, 1)


_kept: tuple[dt.datetime, Composer] | None = None


def _composer(now: dt.datetime) -> Composer:
    """The templates and papers of the last minute, or those of now."""
    global _kept
    if _kept is None or not _kept[0] <= now < _kept[0] + FRESH:
        _kept = now, Composer(Content())
    return _kept[1]


class _Worker:
    """Sends windows over one connection."""

    def __init__(
        self,
        clock: Clock,
        transport: Transport,
        composer: Composer,
        counts: Counter[str],
        share: Share,
    ) -> None:
        self.clock, self.transport, self.composer, self.counts = clock, transport, composer, counts
        self.share = share
        self.throttle = Throttle()

    def sort_out(self, token: uuid.UUID | None) -> list[Delivery]:
        """Skip what must not be sent of its share; return the rest."""
        rows = self.share.rows
        suppressed = Suppression.objects.suppressed([row.subscriber.email for row in rows])
        barred = {row.pk for row in rows if row.subscriber.email in suppressed}
        hidden = {row.pk for row in rows if not self.composer.content.shows(row)} - barred
        for pks, reason in ((barred, "suppressed"), (hidden, "all its papers were hidden since")):
            if pks:
                self.counts["skipped"] += Delivery.objects.skip(pks, token, reason)
        return [row for row in rows if row.pk not in barred | hidden]

    def send(self, window: list[Delivery]) -> None:
        """Send a claimed window; record what became of each message, whatever happens.

        Raises Unavailable where no more can be sent now.
        """
        self.throttle.wait_for(len(window))
        now = self.clock()
        last_start = (window[0].claim_expires_at or now) - LEASE / 3
        if now >= last_start:
            raise Unavailable(STOOD_STILL)
        sending = begin_window(window, now)
        if idle := {row.pk for row in window} - sending:
            left = Delivery.objects.skip_inactive(idle, window[0].claim_token)
            self.counts["skipped"] += left
        begun = [row for row in window if row.pk in sending]
        if not begun:
            return
        outcomes = dict.fromkeys(sorted(sending), Outcome(Result.NOT_TRIED, "interrupted"))

        def check() -> None:
            if self.clock() >= last_start:
                raise Unavailable(STOOD_STILL)

        try:
            self.transport.send(self._compose(begun, outcomes), outcomes, check)
        finally:
            self.share.note(begun, outcomes)
            self.counts.update(_record(begun, outcomes, self.clock()))

    def _compose(self, rows: list[Delivery], outcomes: Outcomes) -> Iterator[tuple[int, Digest]]:
        """Each message when the transport has use for it."""
        for row in rows:
            try:
                message = self.composer.compose(row, self.clock())
            except Exception as error:  # one bad message must not stop the rest
                logger.exception("digest %s was not composed", row.pk)
                reason = f"not composed: {type(error).__name__}"
                outcomes[row.pk] = Outcome(Result.REFUSED, reason)
                continue
            yield row.pk, message


def _record(rows: list[Delivery], outcomes: Outcomes, now: dt.datetime) -> Counter[str]:
    """Write the answers of one window; rows that another worker owns by now stay as they are.

    Tried again for half a minute where the database is away.
    """
    for wait in (1, 2, 4, 8, 16):
        try:
            return _write(rows, outcomes, now)
        except OperationalError:
            logger.warning("the answers of a window are not written yet; again in %s s", wait)
            connection.close()
            time.sleep(wait)
    return _write(rows, outcomes, now)


def _write(rows: list[Delivery], outcomes: Outcomes, now: dt.datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    alike: dict[tuple[Status, int, dt.datetime | None], list[Delivery]] = defaultdict(list)
    for row in rows:
        outcome = outcomes[row.pk]
        attempts = row.attempts + (outcome.result is not Result.NOT_TRIED)
        status, retry_at = _settle(outcome, attempts, now)
        alike[status, attempts, retry_at].append(row)
    token = rows[0].claim_token
    for (status, attempts, retry_at), some in alike.items():
        if status is Status.FAILED:
            counts[status.value] += record_failed(some, outcomes, attempts, now)
            continue
        replies = {row.pk: outcomes[row.pk].reply for row in some}
        sent_at = now if status is Status.SENT else None
        counts[status.value] += record_window(token, replies, status, attempts, retry_at, sent_at)
    return counts


def _settle(outcome: Outcome, attempts: int, now: dt.datetime) -> tuple[Status, dt.datetime | None]:
    if outcome.result is Result.SENT:
        return Status.SENT, None
    if outcome.result is Result.NOT_TRIED:
        return Status.DEFERRED, now + FIRST_RETRY
    if outcome.result is Result.IN_DOUBT:
        return Status.IN_DOUBT, None
    if outcome.result is Result.REFUSED or attempts >= MAX_ATTEMPTS:
        return Status.FAILED, None
    if outcome.result is Result.RETRY_SOON and attempts == 1:
        return Status.DEFERRED, now + SOON
    return Status.DEFERRED, now + min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
