"""A source that turns late, stale or broken, and its recovery: each is told to staff once."""

import datetime as dt
import logging

from django.db import transaction
from django.urls import reverse

from subscriptions import links
from subscriptions.models import SourceTrouble
from subscriptions.sources.records import clean

from .health import Health, source_health
from .staff_mail import mail_staff

logger = logging.getLogger(__name__)


def tell_staff(now: dt.datetime) -> None:
    """Note which sources are in trouble and which no longer are, and mail the news.

    Where no mail could be handed over, the next tick tries again.
    """
    open_troubles = {row.feed: row for row in SourceTrouble.objects.filter(ended_at=None)}
    for health in source_health(now):
        trouble = open_troubles.pop(health.name, None)
        try:
            with transaction.atomic():
                _note(health, trouble, now)
        except Exception:
            logger.exception("staff could not be told that %s is %s", health.name, health.state)
    gone = [row.pk for row in open_troubles.values()]  # no longer fetched
    SourceTrouble.objects.filter(pk__in=gone).update(ended_at=now)


def _note(health: Health, trouble: SourceTrouble | None, now: dt.datetime) -> None:
    if trouble is None and health.state.is_trouble:
        values = {"state": health.state.value, **_words(health)}
        _, begins = SourceTrouble.objects.get_or_create(
            feed=health.name, ended_at=None, defaults={**values, "began_at": now}
        )
        if begins:
            _mail(health, now)
    elif trouble and health.state.is_trouble:
        row = SourceTrouble.objects.filter(pk=trouble.pk, ended_at=None)
        row.update(state=health.state.value, **_words(health))
    elif trouble and SourceTrouble.objects.filter(pk=trouble.pk, ended_at=None).update(
        ended_at=now
    ):
        _mail(health, now)


def _words(health: Health) -> dict[str, object]:
    return {
        "label": health.label,
        "last_day": health.last_day,
        "detail": clean(health.detail, 500),
    }


def _mail(health: Health, now: dt.datetime) -> None:
    context = {
        "health": health,
        "now": now,
        "runs_url": links.absolute(reverse("admin:subscriptions_sourcerun_changelist")),
    }
    mail_staff("source_health", context, f"{health.name} is {health.state}")
