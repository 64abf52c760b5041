"""How far sending is: of the newest edition, and what older ones have left."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Value

from subscriptions.models import Delivery, DomainPause, SendingPause

from .allowance import Use, uses

Status = Delivery.Status

OPEN = (Status.QUEUED, Status.CLAIMED, Status.SENDING, Status.DEFERRED)
ORDER = (
    Status.SENT, Status.SKIPPED, Status.FAILED, Status.IN_DOUBT,
    Status.DEFERRED, Status.SENDING, Status.CLAIMED, Status.QUEUED,
)  # fmt: skip
MINUTE = dt.timedelta(minutes=1)

Counts = Mapping[Status, int]
"""Deliveries by state, in the order they are shown, without those that are none."""


@dataclass(frozen=True)
class Progress:
    """The newest edition's deliveries, the older ones that are open or in doubt, the pauses."""

    day: dt.date | None
    counts: Counts
    older: Counts
    last_minute: int
    """How many of the newest edition were sent in the last minute."""
    pause: SendingPause | None
    paused: Sequence[DomainPause] = ()
    """Those of domains."""
    uses: Sequence[Use] = ()
    """How much of today's limits is taken."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """Of the newest edition, what is still to be sent."""
        return sum(self.counts.get(status, 0) for status in OPEN)

    @property
    def percent(self) -> int:
        """Rounded down: a hundred means that nothing is open."""
        return 100 * (self.total - self.open) // self.total if self.total else 0

    @property
    def done(self) -> bool:
        """Whether nothing is open, of older editions neither."""
        return not self.open and not any(status in OPEN for status in self.older)

    @property
    def rate(self) -> float:
        """Messages a second, over the last minute."""
        return self.last_minute / MINUTE.total_seconds()

    @property
    def time_left(self) -> dt.timedelta | None:
        """For what is open at the rate of the last minute; None where that is 0."""
        return dt.timedelta(seconds=self.open / self.rate) if self.rate else None

    @property
    def pace(self) -> str:
        """Rate and time left in words; empty where nothing moves or will."""
        if self.time_left is None or not self.open or self.pause:
            return ""
        rate = f"{self.rate:,.1f} a second" if self.rate >= 1 else f"{self.last_minute} a minute"
        return f"{rate}, about {in_words(self.time_left)} left"


def newest_day() -> dt.date | None:
    """The newest edition day that has deliveries."""
    return Delivery.objects.order_by("-newest_day").values_list("newest_day", flat=True).first()


def progress(now: dt.datetime) -> Progress:
    """How far sending is, in four queries; in five where there are limits."""
    pause = SendingPause.objects.first()
    paused = list(DomainPause.objects.active().order_by("domain"))
    used = uses(now)
    if (day := newest_day()) is None:
        return Progress(None, {}, {}, 0, pause, paused, used)
    parts = {
        "day": Delivery.objects.filter(newest_day=day),
        "open": Delivery.objects.filter(status__in=[*OPEN, Status.IN_DOUBT]),
        "rate": Delivery.objects.filter(
            newest_day=day, status=Status.SENT, sent_at__gt=now - MINUTE
        ),
    }
    counted = [
        rows.values("status").annotate(part=Value(part), rows=Count("*"))
        for part, rows in parts.items()
    ]
    # One statement, so that nothing moves between the counts.
    found = counted[0].union(*counted[1:], all=True)
    counts = {(row["part"], row["status"]): row["rows"] for row in found}
    newest = {status: counts.get(("day", status), 0) for status in ORDER}
    older = {status: counts.get(("open", status), 0) - newest[status] for status in ORDER}
    return Progress(
        day=day,
        counts={status: count for status, count in newest.items() if count},
        older={status: count for status, count in older.items() if count > 0},
        last_minute=counts.get(("rate", Status.SENT), 0),
        pause=pause,
        paused=paused,
        uses=used,
    )


def in_words(span: dt.timedelta) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``."""
    seconds = round(span.total_seconds())
    if seconds < 100:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
