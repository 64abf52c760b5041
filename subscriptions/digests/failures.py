"""A digest that failed says something of its reader's address, or of this site."""

import datetime as dt

from django.db import transaction

from subscriptions.delivery.outcomes import Outcome, Outcomes
from subscriptions.delivery.refusals import refusal
from subscriptions.models import Delivery, MailEvent, Subscriber
from subscriptions.models.windows import record_window

FAILED = Delivery.Status.FAILED


def record_failed(rows: list[Delivery], outcomes: Outcomes, attempts: int, now: dt.datetime) -> int:
    """Write that rows of a window failed, and note it with their readers; how many.

    Those that another worker owns by now, or whose readers were erased, are left alone.
    """
    token, replies = rows[0].claim_token, {row.pk: outcomes[row.pk].reply for row in rows}
    readers = Subscriber.objects.filter(pk__in={row.subscriber_id for row in rows}).order_by("pk")
    with transaction.atomic():
        # Readers are locked before their rows, as by who erases them.
        list(readers.select_for_update(no_key=True).values_list("pk"))
        count = record_window(token, replies, FAILED, attempts, None, None)
        if count < len(rows):
            failed = Delivery.objects.filter(pk__in=replies, status=FAILED, attempts=attempts)
            ours = set(failed.values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in ours]
        MailEvent.objects.note([_event(row, outcomes[row.pk], now) for row in rows])
    return count


def _event(row: Delivery, outcome: Outcome, now: dt.datetime) -> MailEvent:
    report = refusal(outcome, row.subscriber.email)
    return MailEvent.about(
        row.subscriber,
        report.kind,
        MailEvent.Way.SMTP,
        ours=report.ours,
        key=f"smtp-{row.pk}-{now.isoformat()}",
        now=now,
        delivery=row.pk,
        status=report.status,
        reason=report.reason,
    )
