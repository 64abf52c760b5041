"""The ledger's two moves: a digest is queued once, and each is sent at most once."""

import datetime as dt
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import OperationalError, connection, transaction

from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.delivery.transport import CannotConnect, Transport
from subscriptions.models import Delivery, Item, Subscriber, Suppression

from .compose import compose, load_content
from .due import Plan

Status = Delivery.Status

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=20)
"""How long a window of messages is its worker's; no new message begins in the last third."""
SHIFT = dt.timedelta(minutes=5)
"""How long one call goes on beginning windows; the next tick takes up the rest."""
FIRST_RETRY, LONGEST_RETRY, MAX_ATTEMPTS = dt.timedelta(minutes=5), dt.timedelta(hours=4), 15

NOTHING = "no papers in these days"


def queue(plans: Sequence[Plan], items: dict[int, list[Item]], now: dt.datetime) -> Counter[str]:
    """Store the deliveries and move each reader on, in one transaction.

    A reader whose row changed since the plan was made (another worker was quicker, or they
    left) is left alone. Counts ``queued``, ``empty`` and ``advanced`` readers.
    """
    counts: Counter[str] = Counter()
    deliveries, moved = [], []
    with transaction.atomic():
        rows = {
            row.pk: row
            for row in Subscriber.objects.select_for_update()
            .filter(pk__in=[plan.subscriber.pk for plan in plans])
            .order_by("pk")
        }
        had = set(
            Delivery.objects.filter(
                subscriber__in=rows, newest_day__in={plan.days[-1] for plan in plans if plan.days}
            ).values_list("subscriber_id", "newest_day")
        )
        for plan in plans:
            row = rows.get(plan.subscriber.pk)
            if row is None or _state(row) != _state(plan.subscriber):
                continue
            row.next_digest_at = plan.next_digest_at
            row.status, row.paused_until = Subscriber.Status.ACTIVE, None
            moved.append(row)
            if not plan.days or (row.pk, plan.days[-1]) in had:
                counts["advanced"] += 1
                continue
            row.covered_until = plan.days[-1]
            found = items[row.pk]
            counts["queued" if found else "empty"] += 1
            deliveries.append(
                Delivery(
                    subscriber=row,
                    first_day=plan.days[0],
                    newest_day=plan.days[-1],
                    items=found,
                    status=Status.QUEUED if found else Status.SKIPPED,
                    last_reply="" if found else NOTHING,
                    created_at=now,
                )
            )
        Delivery.objects.bulk_create(deliveries)
        Subscriber.objects.bulk_update(
            moved, ["next_digest_at", "covered_until", "status", "paused_until"]
        )
    return counts


def _state(row: Subscriber) -> tuple[object, ...]:
    return row.status, row.next_digest_at, row.covered_until


def send_queued(clock: Callable[[], dt.datetime]) -> Counter[str]:
    """Send what is queued or due for another try, window by window, for one shift at most.

    Counts ``sent``, ``deferred``, ``failed``, ``in_doubt`` and ``skipped``. Stops where the
    mail server cannot be reached; the rest stays queued for the next tick.
    """
    counts: Counter[str] = Counter()
    reachable, last_window = True, clock() + SHIFT
    with Transport() as transport:
        while (reachable and clock() <= last_window) and (
            window := Delivery.objects.claim(settings.DELIVERY_WINDOW, clock(), LEASE)
        ):
            outcomes: dict[int, Outcome] = {}
            try:
                counts["skipped"] += _send_window(window, transport, clock, outcomes)
            finally:
                counts += _record(window, outcomes, clock())
            reachable = all(outcome.result is not Result.NOT_TRIED for outcome in outcomes.values())
    return counts


def _send_window(
    window: list[Delivery],
    transport: Transport,
    clock: Callable[[], dt.datetime],
    outcomes: dict[int, Outcome],
) -> int:
    """Send a claimed window; how many of its rows were skipped.

    ``outcomes`` says at every moment what became of each message, so that whatever
    interrupts this, the answers that came are recorded and the rest is known.
    """
    token = window[0].claim_token
    content = load_content(window)
    suppressed = Suppression.objects.suppressed([row.subscriber.email for row in window])
    barred = {row.pk for row in window if row.subscriber.email in suppressed}
    hidden = {row.pk for row in window if not content.visible(row)} - barred
    skipped = Delivery.objects.skip(barred, token, "suppressed")
    skipped += Delivery.objects.skip(hidden, token, "all its papers were hidden since")
    rows = {row.pk: row for row in window if row.pk not in barred | hidden}
    sending = Delivery.objects.begin(list(rows), token, clock())
    skipped += Delivery.objects.skip_inactive(rows.keys() - sending, token)
    last_start = clock() + LEASE * 2 / 3
    outcomes.update(dict.fromkeys(sorted(sending), Outcome(Result.NOT_TRIED, "interrupted")))
    for pk in sorted(sending):
        if clock() >= last_start:
            break
        try:
            message = compose(rows[pk], content, clock())
            outcomes[pk] = Outcome(Result.IN_DOUBT, "interrupted while it was handed over")
            outcomes[pk] = transport.send(message)
        except CannotConnect as error:
            outcomes.update(
                dict.fromkeys(
                    (left for left in sorted(sending) if left >= pk),
                    Outcome(Result.NOT_TRIED, str(error)),
                )
            )
            break
        except Exception as error:  # one bad message must not stop the rest
            logger.exception("digest %s was not sent", pk)
            if outcomes[pk].result is Result.NOT_TRIED:
                outcomes[pk] = Outcome(Result.REFUSED, f"not composed: {type(error).__name__}")
    return skipped


def _record(window: list[Delivery], outcomes: dict[int, Outcome], now: dt.datetime) -> Counter[str]:
    """Write the answers of one window; rows that another worker owns by now stay as they are.

    Tried again for half a minute where the database is away.
    """
    for pause in (1, 2, 4, 8, 16):
        try:
            return _write(window, outcomes, now)
        except OperationalError:
            logger.warning("the answers of a window are not written yet; again in %s s", pause)
            connection.close()
            time.sleep(pause)
    return _write(window, outcomes, now)


def _write(window: list[Delivery], outcomes: dict[int, Outcome], now: dt.datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    token = window[0].claim_token
    by_answer: dict[tuple[Status, str, dt.datetime | None, int], list[int]] = defaultdict(list)
    for row in window:
        if row.pk in outcomes:
            outcome = outcomes[row.pk]
            attempts = row.attempts + (outcome.result is not Result.NOT_TRIED)
            status, retry_at = _settle(outcome, attempts, now)
            by_answer[status, outcome.reply, retry_at, attempts].append(row.pk)
    for (status, reply, retry_at, attempts), pks in by_answer.items():
        counts[status.value] += Delivery.objects.filter(
            pk__in=pks, claim_token=token, status=Status.SENDING
        ).update(
            status=status,
            last_reply=reply,
            attempts=attempts,
            retry_at=retry_at,
            sent_at=now if status == Status.SENT else None,
            claim_token=None,
            claim_expires_at=None,
        )
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
    return Status.DEFERRED, now + min(FIRST_RETRY * 2 ** (attempts - 1), LONGEST_RETRY)
