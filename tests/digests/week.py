"""A week, and what readers get of it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from subscriptions.digests.select import Request, select
from subscriptions.models import Item, Paper, Subscriber

WEEK = tuple(dt.date(2025, 10, 6) + dt.timedelta(days=n) for n in range(7))
FRIDAY = WEEK[4]

Make = Callable[..., Any]


def items_of(reader: Subscriber, days: tuple[dt.date, ...] = WEEK) -> list[Item]:
    return select([Request(reader, days)])[reader.pk].items


def titles(items: list[Item], section: str | None = None) -> list[str]:
    names = dict(Paper.objects.values_list("pk", "title"))
    return [names[item["paper"]] for item in items if section in (None, item["section"])]
