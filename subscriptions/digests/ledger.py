"""The ledger's second move: each digest that is queued is sent at most once."""

import datetime as dt
import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Case, Value, When

from subscriptions.delivery.outcomes import Outcome, Result, Stopped, Unavailable
from subscriptions.delivery.throttle import Throttle, seat
from subscriptions.delivery.transport import Transport, open_transport
from subscriptions.models import Delivery, Suppression

from .compose import Composer
from .content import Content
from .message import Digest
from .settle import pause

Status = Delivery.Status
Clock = Callable[[], dt.datetime]

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=20)
"""How long claimed messages are their worker's; no new one begins in the last third."""
SHIFT = dt.timedelta(minutes=5)
"""How long one call goes on claiming; the next tick takes up the rest."""
WINDOWS = 10
"""How many windows are claimed at once, so that what they share is read once."""
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
    with seat() as seated, open_transport() as transport:
        worker = None
        while (seated and seated.renew() and clock() <= last_claim) and (
            claimed := Delivery.objects.claim(size * WINDOWS, clock(), LEASE)
        ):
            try:
                worker = worker or _Worker(clock, transport, counts)
                worker.load(claimed)
                for start in range(0, len(claimed), size):
                    worker.send(claimed[start : start + size])
            except Stopped as error:
                logger.error("sending is paused: %s", error)
                pause(str(error), clock())
                break
            except Unavailable as error:
                logger.warning("the mail server cannot be reached: %s", error)
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


class _Worker:
    """What one call keeps from window to window."""

    def __init__(self, clock: Clock, transport: Transport, counts: Counter[str]) -> None:
        self.clock, self.transport, self.counts = clock, transport, counts
        self.content = Content()
        self.composer = Composer(self.content)
        self.throttle = Throttle()

    def load(self, claimed: list[Delivery]) -> None:
        self.content.load(claimed, self.clock())

    def send(self, window: list[Delivery]) -> None:
        """Send a claimed window; record what became of each message, whatever happens.

        Raises Unavailable where no more can be sent now.
        """
        self.throttle.wait_for(len(window))
        token = window[0].claim_token
        suppressed = Suppression.objects.suppressed([row.subscriber.email for row in window])
        barred = {row.pk for row in window if row.subscriber.email in suppressed}
        hidden = {row.pk for row in window if not self.content.shown(row)} - barred
        self._skip(barred, token, "suppressed")
        self._skip(hidden, token, "all its papers were hidden since")
        rows = {row.pk: row for row in window if row.pk not in barred | hidden}
        now = self.clock()
        sending = Delivery.objects.begin(list(rows), token, now)
        if sending != rows.keys():
            self.counts["skipped"] += Delivery.objects.skip_inactive(rows.keys() - sending, token)
        begun = [row for row in window if row.pk in sending]
        outcomes = dict.fromkeys(sorted(sending), Outcome(Result.NOT_TRIED, "interrupted"))
        try:
            self.transport.send(self._compose(begun, outcomes, now + LEASE * 2 / 3), outcomes)
        finally:
            self.counts.update(_record(begun, outcomes, self.clock()))

    def _skip(self, pks: set[int], token: uuid.UUID | None, reason: str) -> None:
        if pks:
            self.counts["skipped"] += Delivery.objects.skip(pks, token, reason)

    def _compose(
        self, rows: list[Delivery], outcomes: dict[int, Outcome], last_start: dt.datetime
    ) -> Iterator[tuple[int, Digest]]:
        """Each message when the transport has use for it; none after ``last_start``."""
        for row in rows:
            if (now := self.clock()) >= last_start:
                return
            try:
                message = self.composer.compose(row, now)
            except Exception as error:  # one bad message must not stop the rest
                logger.exception("digest %s was not composed", row.pk)
                reason = f"not composed: {type(error).__name__}"
                outcomes[row.pk] = Outcome(Result.REFUSED, reason)
                continue
            yield row.pk, message


def _record(rows: list[Delivery], outcomes: dict[int, Outcome], now: dt.datetime) -> Counter[str]:
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


def _write(rows: list[Delivery], outcomes: dict[int, Outcome], now: dt.datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    alike: dict[tuple[Status, int, dt.datetime | None], dict[int, str]] = defaultdict(dict)
    for row in rows:
        outcome = outcomes[row.pk]
        attempts = row.attempts + (outcome.result is not Result.NOT_TRIED)
        status, retry_at = _settle(outcome, attempts, now)
        alike[status, attempts, retry_at][row.pk] = outcome.reply
    for (status, attempts, retry_at), replies in alike.items():
        counts[status.value] += Delivery.objects.filter(
            pk__in=replies, claim_token=rows[0].claim_token, status=Status.SENDING
        ).update(
            status=status,
            last_reply=_each(replies),
            attempts=attempts,
            retry_at=retry_at,
            sent_at=now if status == Status.SENT else None,
            claim_token=None,
            claim_expires_at=None,
        )
    return counts


def _each(replies: dict[int, str]) -> Case | Value:
    first = next(iter(replies.values()))
    if set(replies.values()) == {first}:
        return Value(first)
    return Case(*(When(pk=pk, then=Value(reply)) for pk, reply in replies.items()))


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
