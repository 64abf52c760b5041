"""The ledger's first move: a digest is queued once."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Case, Value, When

from subscriptions.models import Delivery, Subscriber
from subscriptions.models.bulk import insert

from .due import Plan
from .select import Chosen

NOTHING = "no papers in these days"
STATE = "status", "next_digest_at", "covered_until"
"""What of a reader says that a plan still holds."""


def queue(plans: Sequence[Plan], chosen: dict[int, Chosen], now: dt.datetime) -> Counter[str]:
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
            pk: state
            for pk, *state in Subscriber.objects.select_for_update()
            .filter(pk__in=[plan.subscriber.pk for plan in plans])
            .order_by("pk")
            .values_list("pk", *STATE)
        }
        had = set(
            Delivery.objects.filter(
                subscriber__in=rows, newest_day__in={plan.days[-1] for plan in plans if plan.days}
            ).values_list("subscriber_id", "newest_day")
        )
        for plan in plans:
            reader = plan.subscriber
            if rows.get(reader.pk) != [getattr(reader, name) for name in STATE]:
                continue
            moved.append(plan)
            if not plan.days or (reader.pk, plan.days[-1]) in had:
                counts["advanced"] += 1
                continue
            covered[reader.pk] = plan.days[-1]
            found, kept_away = chosen[reader.pk]
            counts["queued" if found else "empty"] += 1
            deliveries.append(
                Delivery(
                    subscriber_id=reader.pk,
                    first_day=plan.days[0],
                    newest_day=plan.days[-1],
                    items=found,
                    kept_away=kept_away,
                    status=Delivery.Status.QUEUED if found else Delivery.Status.SKIPPED,
                    last_reply="" if found else NOTHING,
                    created_at=now,
                )
            )
        insert(deliveries)
        _move(moved, covered)
    return counts


def _move(plans: list[Plan], covered: dict[int, dt.date]) -> None:
    """Set the next slot of these readers, and the newest day of those who got a digest."""
    if not plans:
        return
    pks = [plan.subscriber.pk for plan in plans]
    slots = {plan.subscriber.pk: plan.next_digest_at for plan in plans}
    Subscriber.objects.filter(pk__in=pks).update(
        status=Subscriber.Status.ACTIVE,
        paused_until=None,
        next_digest_at=_each(slots, pks, "next_digest_at", models.DateTimeField()),
        covered_until=_each(covered, pks, "covered_until", models.DateField()),
    )


def _each(
    values: Mapping[int, object], pks: list[int], field: str, kind: models.Field[Any, Any]
) -> Value | Case:
    """Its own value for each of the rows ``pks``; the field as it is for those without."""
    alike: dict[object, list[int]] = defaultdict(list)
    for pk, value in values.items():
        alike[value].append(pk)
    if len(alike) == 1 and len(values) == len(pks):
        return Value(next(iter(alike)), kind)
    cases = [When(pk__in=some, then=Value(value, kind)) for value, some in alike.items()]
    return Case(*cases, default=models.F(field), output_field=kind)
