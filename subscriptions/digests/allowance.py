"""What of a claim may be sent now: not to a domain that pauses, and no more than a day's most."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.conf import settings

from subscriptions.delivery.outcomes import Outcomes, Result
from subscriptions.models import ALL, Allowance, Delivery, DomainDay, DomainPause, domain_of

PAUSED_FOR = dt.timedelta(hours=1)
"""After so long a row looks again whether its domain pauses; the end of the pause brings it at
once."""


class Use(NamedTuple):
    """How much of a day's most is taken."""

    domain: str
    """``ALL`` for the warm-up."""
    used: int
    most: int
    waiting: int

    def __str__(self) -> str:
        name = self.domain or "warm-up, all domains"
        waiting = f", {self.waiting:,} put off" if self.waiting else ""
        return f"{name}: {self.used:,} of {self.most:,} today{waiting}"


def limits(day: dt.date) -> dict[str, int]:
    """The most messages of a UTC day, by domain; of all together under ``ALL``."""
    found: dict[str, int] = dict(settings.DOMAIN_LIMITS)
    if settings.WARM_UP and (most := settings.WARM_UP.limit(day)) is not None:
        found[ALL] = most
    return found


def uses(now: dt.datetime) -> list[Use]:
    """Today's use of each limit that there is, in one query."""
    if not (most := limits(now.date())):
        return []
    rows = {row.domain: row for row in Allowance.objects.filter(day=now.date())}
    drawn_on = ((name, rows.get(name) or Allowance()) for name in sorted(most))
    return [Use(name, row.used, most[name], row.waiting) for name, row in drawn_on]


def paused_reply(domain: str) -> str:
    """What a row says that waits for the end of its domain's pause."""
    return f"sending to {domain} is paused"


class Share:
    """The rows of a claim that may be sent now, and what became of them."""

    def __init__(self, day: dt.date, rows: list[Delivery], limited: frozenset[str]) -> None:
        self.rows, self.day, self._limited = rows, day, limited
        self._sent: Counter[str] = Counter()
        self._unused: Counter[str] = Counter()
        for row in rows:
            self._draw(row, 1)

    def note(self, rows: Sequence[Delivery], outcomes: Outcomes) -> None:
        """Count what was sent of some rows. What is in doubt may have been."""
        for row in rows:
            result = outcomes[row.pk].result
            if result is Result.SENT:
                self._sent[domain_of(row.subscriber.email)] += 1
            if result in (Result.SENT, Result.IN_DOUBT):
                self._draw(row, -1)

    def settle(self) -> None:
        """Store the counts; what was taken of the limits and not sent is given back."""
        DomainDay.objects.add(self.day, {name: {"sent": n} for name, n in self._sent.items()})
        Allowance.objects.give_back(self.day, self._unused)

    def _draw(self, row: Delivery, count: int) -> None:
        for name in self._limited & {ALL, domain_of(row.subscriber.email)}:
            self._unused[name] += count


@contextmanager
def admitted(claimed: list[Delivery], now: dt.datetime) -> Iterator[Share]:
    """Put off what may not be sent now; of the rest, count what was sent within the block."""
    day, most = now.date(), limits(now.date())
    domains = {row.pk: domain_of(row.subscriber.email) for row in claimed}
    paused = set(DomainPause.objects.active().values_list("domain", flat=True))
    put_off: dict[tuple[str, dt.datetime], list[int]] = defaultdict(list)
    rows = [row for row in claimed if domains[row.pk] not in paused]
    for row in claimed:
        if domains[row.pk] in paused:
            put_off[paused_reply(domains[row.pk]), now + PAUSED_FOR].append(row.pk)
    full = Allowance.objects.take(day, most, [domains[row.pk] for row in rows])
    midnight = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
    for row, reached in zip(rows, full, strict=True):
        if reached is not None:
            put_off[_full_reply(reached, most[reached]), midnight].append(row.pk)
    for (reply, until), pks in put_off.items():
        Delivery.objects.put_off(pks, claimed[0].claim_token, until, reply)
    free = [row for row, reached in zip(rows, full, strict=True) if reached is None]
    share = Share(day, free, frozenset(most))
    try:
        yield share
    finally:
        share.settle()


def _full_reply(domain: str, limit: int) -> str:
    messages = "1 message is" if limit == 1 else f"{limit:,} messages are"
    what = "this day of the warm-up" if domain == ALL else f"a day to {domain}"
    return f"{messages} the most of {what}; goes on at 00:00 UTC"
