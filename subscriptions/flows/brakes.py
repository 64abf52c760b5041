"""Where too much comes back, sending pauses by itself, and staff are told.

What is looked at is today and yesterday, in UTC: of each receiving domain, and of all that do not
pause together. A person who ends such a pause has that day forgotten, as what was sent before
goes on coming back: the brake looks again at what is sent from the next day on.
"""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
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
WINDOW = DAY
"""So far before today the counts begin."""
FEWEST = 5
"""Of fewer complaints, bounces or refusals nothing is concluded."""
WARN = 3
"""At such a part of the share of complaints that pauses, staff are warned."""
WARN_AGAIN = dt.timedelta(days=7)
KEPT, USES_KEPT = dt.timedelta(days=400), dt.timedelta(days=8)

RESUME = "python manage.py deliveries resume"

Counts = Mapping[str, int]
"""Messages by what became of them, as ``DomainDay`` counts them."""

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
    """Pause what is above a limit, have staff warned of what is near one, and forget old counts."""
    today = now.date()
    DomainDay.objects.filter(day__lt=today - KEPT).delete()
    Allowance.objects.filter(day__lt=today - USES_KEPT).delete()
    days = _counted_days(now)
    paused = set(DomainPause.objects.active().values_list("domain", flat=True))
    for domain, counts in _suspects(days, paused):
        if found := _judge(counts):
            if DomainPause.objects.begin(domain, *found, now):
                logger.error("sending to %s is paused: %s", domain, found[1])
            paused.add(domain)
        elif warning := _warning(counts):
            _warn(domain, warning, now)
    if SendingPause.objects.exists():
        return
    sums = {name: Sum(name, default=0) for name in ("sent", "hard", "ours", "complaint")}
    total = days.exclude(domain__in=paused).aggregate(**sums)
    if found := _judge(total):
        if SendingPause.objects.begin(*found, now):
            logger.error("sending is paused: %s", found[1])
    elif warning := _warning(total):
        _warn(ALL, warning, now)


def _counted_days(now: dt.datetime) -> DomainDayQuerySet:
    """The rows of the last days, without those that a person has looked at."""
    since = now.date() - WINDOW
    rows = DomainDay.objects.filter(day__gte=since)
    ended = DomainPause.objects.filter(cause__in=BRAKES, ended_at__date__gte=since)
    for domain, ended_at in ended.values_list("domain", "ended_at"):
        looked_at = Q(day__lte=ended_at.date())
        rows = rows.exclude(looked_at if domain == ALL else looked_at & Q(domain=domain))
    return rows


def _suspects(rows: DomainDayQuerySet, paused: set[str]) -> Iterator[tuple[str, Counts]]:
    """The domains of which enough came back to be judged."""
    grouped = rows.exclude(domain__in=paused).values("domain").order_by("domain").annotate(
        all_sent=Sum("sent"), all_hard=Sum("hard"), all_ours=Sum("ours"),
        all_complaint=Sum("complaint"),
    )  # fmt: skip
    several = Q(all_hard__gte=FEWEST) | Q(all_ours__gte=FEWEST) | Q(all_complaint__gte=FEWEST)
    for row in grouped.filter(several):
        yield row.pop("domain"), {name.removeprefix("all_"): n for name, n in row.items()}


def _judge(counts: Counts) -> tuple[Cause, str] | None:
    """The first brake that these counts are above, and why in words."""
    for brake in _BRAKES:
        limit: float = getattr(settings, brake.setting)
        if limit and (why := _above(counts, brake, limit)):
            return brake.cause, why
    return None


def _warning(counts: Counts) -> str:
    limit = settings.BRAKE_COMPLAINTS / WARN
    return _above(counts, _BRAKES[0], limit) if limit else ""


def _above(counts: Counts, brake: _Brake, limit: float) -> str:
    """That a share is above a limit, in words; empty where it is not, or says nothing yet."""
    many = counts[brake.counted]
    of = max(counts["sent"], many)  # what is refused at once was not sent
    if many < FEWEST or of < settings.BRAKE_LEAST or many <= limit * of:
        return ""
    return (
        f"{many:,} {brake.words} for {of:,} messages since yesterday: "
        f"{many / of:.2%}, above {limit:.2%}"
    )


def _warn(domain: str, reason: str, now: dt.datetime) -> None:
    """Once in a while; of all together only where no domain had staff told of complaints."""
    lately = DomainPause.objects.filter(
        cause__in=(Cause.COMPLAINTS, Cause.WARNING), since__gt=now - WARN_AGAIN
    )
    if domain != ALL:
        lately = lately.filter(domain=domain)
    if not lately.exists():
        DomainPause.objects.warn(domain, reason, now)


def tell_staff(now: dt.datetime) -> None:
    """Mail each pause and each warning once; what no mail server takes, the next tick tries."""
    for site in SendingPause.objects.filter(told_at=None):
        _tell(site, ALL, now)
    news = Q(ended_at=None) | Q(cause=Cause.WARNING)
    for pause in DomainPause.objects.filter(news, told_at=None).order_by("pk"):
        _tell(pause, pause.domain, now)


def _tell(pause: SendingPause | DomainPause, domain: str, now: dt.datetime) -> None:
    figures = reverse("admin:subscriptions_domainday_changelist")
    pauses = reverse("admin:subscriptions_domainpause_changelist")
    context = {
        "pause": pause,
        "domain": domain,
        "command": " ".join([RESUME, *(["--domain", domain] if domain else [])]),
        "figures_url": links.absolute(figures + (f"?q={domain}" if domain else "")),
        "pauses_url": links.absolute(pauses),
        "deliveries_url": links.absolute(reverse("admin:subscriptions_delivery_changelist")),
    }
    try:
        with transaction.atomic():
            told = type(pause).objects.filter(pk=pause.pk, told_at=None).update(told_at=now)
            if told:
                mail_staff("sending_paused", context, str(pause))
    except Exception:
        logger.exception("staff could not be told of a pause of %s", domain or "all sending")
