"""Whether the sources bring what they should, told from their own past.

A source that brings nothing is quiet, or late: its weekdays and its country's holidays tell
which. Staff are told of both ends of a trouble, readers while it lasts.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

import holidays
from django.db.models.functions import TruncDate

from subscriptions.models import SourceRun

from .schedule import Scheduled, scheduled

PAST = dt.timedelta(weeks=8)
"""How far back the same weekdays tell what is usual."""
SHORT = 0.2
"""A day with less than this share of the usual is as good as none."""
LATE, STALE = 2, 5
"""So many days that should have brought papers and did not; one alone may be a holiday."""
UNANSWERED = dt.timedelta(hours=6)
"""After so long without an answer a source is broken."""
FIRST_DAYS = dt.timedelta(days=3)
"""A source that never brought anything is late after so long."""
DAY = dt.timedelta(days=1)


class State(StrEnum):
    FRESH = "fresh"
    QUIET = "quiet"
    LATE = "late"
    STALE = "stale"
    BROKEN = "broken"

    @property
    def is_trouble(self) -> bool:
        return self in (State.LATE, State.STALE, State.BROKEN)


@dataclass(frozen=True)
class Health:
    """How a scheduled feed does."""

    name: str
    feed: str
    label: str
    state: State
    last_day: dt.date | None
    """The newest day whose papers are here."""
    detail: str
    run: SourceRun | None
    """The newest one."""


def source_health(now: dt.datetime) -> list[Health]:
    """Each scheduled feed: two queries for each."""
    return [_health(one, now) for one in scheduled()]


def _health(one: Scheduled, now: dt.datetime) -> Health:
    runs = SourceRun.objects.filter(feed=one.feed.name, part=one.part).order_by("pk")
    brought = runs.filter(newest_day__lte=now.date() + DAY).order_by("-newest_day").first()
    newest = brought.newest_day if brought else None
    since = now - (now.date() - min(newest or now.date(), now.date())) - PAST - DAY
    news = runs.filter(until__gte=TruncDate("started_at"))  # the others brought history
    recent = list(news.filter(started_at__gte=since).defer("rejections"))
    state, detail = _assess(one, recent, newest, now)
    return Health(
        one.name,
        one.feed.name,
        one.feed.label,
        state,
        newest,
        detail,
        recent[-1] if recent else None,
    )


def _assess(
    one: Scheduled, runs: list[SourceRun], newest: dt.date | None, now: dt.datetime
) -> tuple[State, str]:
    ended = [run for run in runs if run.finished_at]
    answered = [run for run in ended if run.status == SourceRun.Status.OK]
    failed = ended[ended.index(answered[-1]) + 1 :] if answered else ended
    if failed:
        first = failed[0].started_at
        if now - first >= UNANSWERED:
            return State.BROKEN, f"no answer since {first:%d %B, %H:%M} UTC: {failed[-1].error}"
    if ended and ended[-1] is runs[-1] and now - runs[-1].started_at > one.feed.every + UNANSWERED:
        asked = f"{runs[-1].started_at:%d %B, %H:%M} UTC"
        return State.LATE, f"not asked since {asked}: the clock or the workers stand still"
    if newest is None:
        if answered and now - answered[0].started_at > FIRST_DAYS:
            return State.LATE, "it has never brought a paper"
        return State.QUIET, "nothing has come yet"
    missed = list(_missed(_listed(runs), newest, now.date(), one.feed.country))
    if len(missed) >= LATE:
        state = State.STALE if len(missed) >= STALE else State.LATE
        return state, f"{len(missed)} days without the usual papers, the first {missed[0]:%d %B}"
    if newest >= now.date() - DAY:
        return State.FRESH, f"papers of {newest:%d %B} are here"
    return State.QUIET, f"nothing since {newest:%d %B}, as expected"


def _listed(runs: Iterable[SourceRun]) -> dict[dt.date, int]:
    """Papers by day, as the run saw them that saw most."""
    most: dict[dt.date, int] = {}
    for run in runs:
        for day, count in run.listed.items():
            date = dt.date.fromisoformat(day)
            most[date] = max(count, most.get(date, 0))
    return most


def _missed(
    listed: Mapping[dt.date, int], newest: dt.date, today: dt.date, country: str
) -> Iterator[dt.date]:
    """The days that are over whose papers are not here, since those of the last one were."""
    first, day = min(listed, default=today), today
    busiest = max(_usual(listed, first, newest, weekday) for weekday in range(7))
    missed: list[dt.date] = []
    while day >= first:
        usual = _usual(listed, first, min(day - DAY, newest), day.weekday())
        if listed.get(day, 0) >= max(1, SHORT * usual):
            break
        if day < today and usual >= max(1, SHORT * busiest) and not _is_holiday(day, country):
            missed.append(day)
        day -= DAY
    return reversed(missed)


def _usual(listed: Mapping[dt.date, int], first: dt.date, until: dt.date, weekday: int) -> float:
    """The median of the same weekdays in the weeks up to ``until``; 0 where there are none."""
    days = (until - dt.timedelta(n) for n in range(PAST.days))
    counts = [listed.get(day, 0) for day in days if day >= first and day.weekday() == weekday]
    return median(counts) if counts else 0


def _is_holiday(day: dt.date, country: str) -> bool:
    """Whether this day or the one before is one: what was due at night comes on the next."""
    if not country:
        return False
    kept = holidays.country_holidays(country, years=[day.year, (day - DAY).year])
    return day in kept or day - DAY in kept
