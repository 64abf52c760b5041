"""Where too much comes back, sending pauses by itself, and staff are told.

What is looked at is the last seven days, so that complaints of Thursday are held against the many
messages of Monday; and today alone, once it has as many messages as a usual day. Each receiving
domain is judged, then all that do not pause together. Where a person ends such a
pause, what came back on that day and before is forgotten, though not what was sent: it goes on
coming back.
"""

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q, Sum
from django.urls import reverse

from subscriptions import links
from subscriptions.models import (
    ALL,
    BRAKES,
    Allowance,
    Cause,
    DomainDay,
    DomainPause,
    SendingPause,
)
from subscriptions.models.mail import DomainDayQuerySet

from .staff_mail import mail_staff

DAY = dt.timedelta(days=1)
DAYS = 7
MOST_DOMAINS = 10
"""Where more than so many pause within a day, it is not the domains: all sending pauses."""
FEWEST = 5
"""Of fewer complaints, bounces or refusals nothing is concluded."""
WARN = 3
"""At such a part of the share of complaints that pauses, staff are warned."""
WARN_AGAIN = dt.timedelta(days=7)
LEASE = dt.timedelta(hours=1)
"""More than a server that hangs takes to be asked for all staff."""
KEPT, USES_KEPT = dt.timedelta(days=400), dt.timedelta(days=8)

JUDGED = "sent", "hard", "ours", "complaint"
RESUME = "python manage.py deliveries resume"

Counts = Mapping[str, int]
"""Messages by what became of them, as ``DomainDay`` counts them."""
Spans = Mapping[str, Counts]
"""What is judged, by when that was, in words."""

logger = logging.getLogger(__name__)


class _Brake(NamedTuple):
    cause: Cause
    counted: str
    setting: str
    words: str


_BRAKES = (
    _Brake(Cause.COMPLAINTS, "complaint", "BRAKE_COMPLAINTS", "complaints"),
    _Brake(Cause.BOUNCES, "hard", "BRAKE_BOUNCES", "addresses that cannot be mailed"),
    _Brake(Cause.REFUSALS, "ours", "BRAKE_REFUSALS", "refusals of what we are or send"),
)


def check(now: dt.datetime) -> None:
    """Pause what is above a limit, and have staff warned of what is near one."""
    today = now.date()
    since = today - (DAYS - 1) * DAY
    days, sums = DomainDay.objects.filter(day__gte=since), _sums(today, _looked_at(since))
    paused = set(DomainPause.objects.active().values_list("domain", flat=True))
    above: dict[str, tuple[Cause, str]] = {}
    for domain, spans in _suspects(days.exclude(domain__in=paused), sums):
        if found := _judge(spans):
            above[domain] = found
        elif warning := _warning(spans):
            _warn(domain, warning, now)
    lately = DomainPause.objects.active().filter(cause__in=BRAKES, since__gt=now - DAY)
    if above and lately.count() + len(above) > MOST_DOMAINS:
        domain, (cause, reason) = next(iter(above.items()))
        _pause_all(cause, f"{len(above):,} domains at once, as {domain}: {reason}", now)
        return
    for domain, (cause, reason) in above.items():
        if DomainPause.objects.begin(domain, cause, reason, now):
            logger.error("sending to %s is paused: %s", domain, reason)
        paused.add(domain)
    if SendingPause.objects.exists():
        return
    total = days.exclude(domain__in=paused).aggregate(**sums)
    if found := _judge(_spans(list(total.values()))):
        _pause_all(*found, now)
    elif warning := _warning(_spans(list(total.values()))):
        _warn(ALL, warning, now)


def _pause_all(cause: Cause, reason: str, now: dt.datetime) -> None:
    if SendingPause.objects.begin(cause, reason, now):
        logger.error("sending is paused: %s", reason)


def _looked_at(since: dt.date) -> Q:
    """The rows of the last days whose counts a person has seen."""
    ended = DomainPause.objects.filter(cause__in=BRAKES, ended_at__date__gte=since)
    found = Q(pk=None)
    for domain, day in ended.values_list("domain", "ended_at__date"):
        found |= Q(day__lte=day) if domain == ALL else Q(day__lte=day, domain=domain)
    return found


def _sums(today: dt.date, looked_at: Q) -> dict[str, Sum]:
    """Of the week, then of today, what was sent and what came back."""
    return {
        f"{when}_{name}": Sum(name, filter=days if name == "sent" else days & ~looked_at, default=0)
        for when, days in (("week", Q()), ("today", Q(day=today)))
        for name in JUDGED
    }


def _suspects(rows: DomainDayQuerySet, sums: dict[str, Sum]) -> Iterator[tuple[str, Spans]]:
    """The domains of which enough came back to be judged."""
    several = Q(week_hard__gte=FEWEST) | Q(week_ours__gte=FEWEST) | Q(week_complaint__gte=FEWEST)
    grouped = rows.order_by("domain").values("domain").annotate(**sums)
    for domain, *counts in grouped.filter(several).values_list("domain", *sums):
        yield domain, _spans(counts)


def _spans(counts: list[int]) -> Spans:
    """The week, and today where it has as many messages as a usual day of it."""
    week, today = (
        dict(zip(JUDGED, some, strict=True))
        for some in (counts[: len(JUDGED)], counts[len(JUDGED) :])
    )
    usual = DAYS * _tried(today) >= _tried(week)
    return {"in seven days": week} | ({"today": today} if usual else {})


def _tried(counts: Counts) -> int:
    return counts["sent"] + counts["hard"] + counts["ours"]


def _judge(spans: Spans) -> tuple[Cause, str] | None:
    """The first brake that these counts are above, and why in words."""
    for brake in _BRAKES:
        limit: float = getattr(settings, brake.setting)
        if limit and (why := _above(spans, brake, limit)):
            return brake.cause, why
    return None


def _warning(spans: Spans) -> str:
    limit = settings.BRAKE_COMPLAINTS / WARN
    return _above(spans, _BRAKES[0], limit) if limit else ""


def _above(spans: Spans, brake: _Brake, limit: float) -> str:
    """That a share is above a limit, in words; empty where it is not, or says nothing yet."""
    for when, counts in spans.items():
        many = counts[brake.counted]
        of = max(counts["sent"], many)  # what is refused at once was not sent
        if many >= FEWEST and of >= settings.BRAKE_LEAST and many > limit * of:
            return (
                f"{many:,} {brake.words} for {of:,} messages {when}: "
                f"{many / of:.2%}, above {limit:.2%}"
            )
    return ""


def _warn(domain: str, reason: str, now: dt.datetime) -> None:
    """Once in a while; of all together only where no domain had staff told of complaints."""
    lately = DomainPause.objects.filter(
        cause__in=(Cause.COMPLAINTS, Cause.WARNING), since__gt=now - WARN_AGAIN
    )
    told = list(lately.values_list("domain", flat=True)[:MOST_DOMAINS])
    if not (domain in told or (told and domain == ALL) or len(told) == MOST_DOMAINS):
        DomainPause.objects.warn(domain, reason, now)


def purge(now: dt.datetime) -> None:
    """Forget old counts; pauses are kept."""
    DomainDay.objects.filter(day__lt=now.date() - KEPT).delete()
    Allowance.objects.filter(day__lt=now.date() - USES_KEPT).delete()


def untold(now: dt.datetime) -> list[SendingPause | DomainPause]:
    """Pauses and warnings that staff were not mailed, and that no worker is mailing them."""
    free = Q(told_at=None) & (Q(telling_until=None) | Q(telling_until__lte=now))
    news = Q(ended_at=None) | Q(cause=Cause.WARNING)
    domains = DomainPause.objects.filter(free, news).order_by("pk")
    return [*SendingPause.objects.filter(free), *domains]


def tell_staff(clock: Callable[[], dt.datetime]) -> None:
    """Mail each pause and each warning once; what no mail server takes, the next tick tries.

    Each is claimed before it is mailed. Of a worker that dies meanwhile another takes over
    after ``LEASE``: then staff may have a mail twice, but never none.
    """
    for pause in untold(clock()):
        try:
            _tell(pause, clock())
        except ConnectionError as error:
            logger.warning("staff could not be told yet of pauses: %s", error)
            return
        except Exception:
            logger.exception("staff could not be told of a pause: %s", pause)


def _tell(pause: SendingPause | DomainPause, now: dt.datetime) -> None:
    rows, until = type(pause).objects.filter(pk=pause.pk), now + LEASE
    claimed = rows.filter(since=pause.since, told_at=None, telling_until=pause.telling_until)
    if not claimed.update(telling_until=until):
        return
    mine = rows.filter(telling_until=until)
    try:
        mail_staff("sending_paused", _context(pause), str(pause))
    except BaseException:
        mine.update(telling_until=None)
        raise
    mine.update(told_at=now, telling_until=None)


def _context(pause: SendingPause | DomainPause) -> dict[str, object]:
    domain = pause.domain if isinstance(pause, DomainPause) else ALL
    figures = reverse("admin:subscriptions_domainday_changelist")
    pauses = reverse("admin:subscriptions_domainpause_changelist")
    return {
        "pause": pause,
        "domain": domain,
        "command": " ".join([RESUME, *(["--domain", domain] if domain else [])]),
        "figures_url": links.absolute(figures + (f"?q={domain}" if domain else "")),
        "pauses_url": links.absolute(pauses),
        "deliveries_url": links.absolute(reverse("admin:subscriptions_delivery_changelist")),
    }
