"""The ledger's two moves: a digest is queued once, and each is sent at most once."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import transaction

from subscriptions.delivery.outcomes import Outcome, Result
from subscriptions.delivery.transport import CannotConnect, Transport
from subscriptions.models import Delivery, Item, Subscriber, Suppression

from .compose import compose, load_content
from .due import Plan

Status = Delivery.Status

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
        for plan in plans:
            row = rows.get(plan.subscriber.pk)
            if row is None or _state(row) != _state(plan.subscriber):
                continue
            row.next_digest_at = plan.next_digest_at
            row.status, row.paused_until = Subscriber.Status.ACTIVE, None
            moved.append(row)
            if not plan.days:
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
            outcomes, skipped = _send_window(window, transport, clock)
            counts += _record(window, outcomes, clock())
            counts["skipped"] += skipped
            reachable = all(outcome.result is not Result.NOT_TRIED for outcome in outcomes.values())
    return counts


def _send_window(
    window: list[Delivery], transport: Transport, clock: Callable[[], dt.datetime]
) -> tuple[dict[int, Outcome], int]:
    """What became of each message of a claimed window, and how many rows were skipped."""
    token = window[0].claim_token
    content = load_content(window)
    suppressed = Suppression.objects.suppressed([row.subscriber.email for row in window])
    barred = {row.pk for row in window if row.subscriber.email in suppressed}
    hidden = {row.pk for row in window if not content.visible(row)} - barred
    skipped = Delivery.objects.skip(barred, token, "suppressed")
    skipped += Delivery.objects.skip(hidden, token, "all its papers were hidden since")
    messages = {
        row.pk: compose(row, content, clock()) for row in window if row.pk not in barred | hidden
    }
    sending = Delivery.objects.begin(list(messages), token, clock())
    skipped += Delivery.objects.skip(messages.keys() - sending, token, "no longer subscribed")
    last_start = clock() + LEASE * 2 / 3
    outcomes: dict[int, Outcome] = {}
    trouble = ""
    for pk in sorted(sending):
        if trouble or clock() >= last_start:
            outcomes[pk] = Outcome(Result.NOT_TRIED, trouble or "its window took too long")
            continue
        try:
            outcomes[pk] = transport.send(messages[pk])
        except CannotConnect as error:
            trouble = str(error)
            outcomes[pk] = Outcome(Result.NOT_TRIED, trouble)
    return outcomes, skipped


def _record(window: list[Delivery], outcomes: dict[int, Outcome], now: dt.datetime) -> Counter[str]:
    """Write the answers of one window; rows that another worker owns by now stay as they are."""
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
