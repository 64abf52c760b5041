"""When a reader's next digest is due: pure calendar arithmetic, no database."""

import datetime as dt
from zoneinfo import ZoneInfo


def next_slot(
    after: dt.datetime, *, daily: bool, weekday: int, hour: int, zone: ZoneInfo
) -> dt.datetime:
    """The first slot strictly after ``after``, in UTC.

    A slot is ``hour``:00 by the reader's clock, every day or on ``weekday`` (Monday 0).
    An hour that daylight saving skips counts as the first moment after the gap; an hour
    that happens twice counts the first time only.
    """
    day = after.astimezone(zone).date() - dt.timedelta(days=1)
    while True:
        if daily or day.weekday() == weekday:
            slot = _instant(day, hour, zone)
            if slot > after:
                return slot
        day += dt.timedelta(days=1)


def _instant(day: dt.date, hour: int, zone: ZoneInfo) -> dt.datetime:
    local = dt.datetime.combine(day, dt.time(hour), tzinfo=zone)
    instant = local.astimezone(dt.UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # A gap: with fold=1 the offset after it is used, which gives an instant before it, and
    # the wall clock jumps at the transition, found by halving.
    before, after = local.replace(fold=1).astimezone(dt.UTC), instant
    offset = before.astimezone(zone).utcoffset()
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
