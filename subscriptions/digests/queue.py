"""The ledger's first move: a digest is queued once."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Sequence

from django.db import models, transaction
from django.db.models import Case, Value, When

from subscriptions.models import Delivery, Item, Subscriber
from subscriptions.models.bulk import insert

from .due import Plan

NOTHING = "no papers in these days"


def queue(plans: Sequence[Plan], items: dict[int, list[Item]], now: dt.datetime) -> Counter[str]:
    """Store the deliveries and move each reader on, in one transaction.

    A reader whose row changed since the plan was made (another worker was quicker, or they
    left) is left alone. Counts ``queued``, ``empty`` and ``advanced`` readers.
    """
    counts: Counter[str] = Counter()
    deliveries: list[Delivery] = []
    moved: list[Plan] = []
    covered: dict[int, dt.date] = {}
    with transaction.atomic():
        rows = {
            row.pk: row
            for row in Subscriber.objects.select_for_update()
            .only("status", "next_digest_at", "covered_until")
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
            moved.append(plan)
            if not plan.days or (row.pk, plan.days[-1]) in had:
                counts["advanced"] += 1
                continue
            covered[row.pk] = plan.days[-1]
            found = items[row.pk]
            counts["queued" if found else "empty"] += 1
            deliveries.append(
                Delivery(
                    subscriber=row,
                    first_day=plan.days[0],
                    newest_day=plan.days[-1],
                    items=found,
                    status=Delivery.Status.QUEUED if found else Delivery.Status.SKIPPED,
                    last_reply="" if found else NOTHING,
                    created_at=now,
                )
            )
        insert(deliveries)
        _move(moved, covered)
    return counts


def _state(row: Subscriber) -> tuple[object, ...]:
    return row.status, row.next_digest_at, row.covered_until


def _move(plans: list[Plan], covered: dict[int, dt.date]) -> None:
    """Set the next slot of these readers, and the newest day of those who got a digest."""
    if not plans:
        return
    slots: dict[object, list[int]] = defaultdict(list)
    days: dict[object, list[int]] = defaultdict(list)
    for plan in plans:
        slots[plan.next_digest_at].append(plan.subscriber.pk)
    for pk, day in covered.items():
        days[day].append(pk)
    Subscriber.objects.filter(pk__in=[plan.subscriber.pk for plan in plans]).update(
        status=Subscriber.Status.ACTIVE,
        paused_until=None,
        next_digest_at=_each(slots, "next_digest_at", models.DateTimeField()),
        covered_until=_each(days, "covered_until", models.DateField()),
    )


def _each(values: dict[object, list[int]], field: str, kind: models.Field[object, object]) -> Case:
    """Its own value for each row; the field as it is for the others."""
    cases = [When(pk__in=pks, then=Value(value, kind)) for value, pks in values.items()]
    return Case(*cases, default=models.F(field), output_field=kind)
