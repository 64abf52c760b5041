"""Pauses: of all sending, or of what goes to one receiving domain. Nothing is lost meanwhile."""

import datetime as dt

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy


class Cause(models.TextChoices):
    """Why sending pauses; the first three are the brakes of ``flows/brakes.py``."""

    COMPLAINTS = "complaints", "too many complaints"
    BOUNCES = "bounces", "too many dead addresses"
    REFUSALS = "refusals", "too many refusals of what we are or send"
    WARNING = "warning", "a warning: nothing is paused"
    SERVER = "server", "the mail server refuses this site"
    HAND = "hand", "by hand"


BRAKES = Cause.COMPLAINTS, Cause.BOUNCES, Cause.REFUSALS
LONGEST_REASON = 500


class SendingPauseQuerySet(models.QuerySet["SendingPause"]):
    def begin(self, cause: Cause, reason: str, now: dt.datetime) -> bool:
        """Send nothing from now on. False where that was so already; its reason stays."""
        _, begun = self.get_or_create(pk=1, defaults=_values(cause, reason, now))
        return begun


class SendingPause(models.Model):
    """While its one row is there, no digest is sent."""

    cause = models.CharField(max_length=10, choices=Cause.choices, default=Cause.HAND)
    reason = models.CharField(max_length=LONGEST_REASON)
    since = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True, help_text="when staff were mailed")
    telling_until = models.DateTimeField(
        null=True, blank=True, help_text="until then a worker mails staff"
    )

    objects = SendingPauseQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="sending_pause_is_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"paused since {self.since:%Y-%m-%d %H:%M}: {self.reason}"


class DomainPauseQuerySet(models.QuerySet["DomainPause"]):
    def begin(self, domain: str, cause: Cause, reason: str, now: dt.datetime) -> bool:
        """Send nothing to a domain from now on. False where that was so already."""
        _, begun = self.get_or_create(
            domain=domain, ended_at=None, defaults=_values(cause, reason, now)
        )
        return begun

    def warn(self, domain: str, reason: str, now: dt.datetime) -> None:
        """Have staff told of a domain, or of all with an empty one, and pause nothing."""
        self.create(domain=domain, ended_at=now, **_values(Cause.WARNING, reason, now))

    def active(self) -> "DomainPauseQuerySet":
        return self.filter(ended_at=None)


class DomainPause(models.Model):
    """While one that has not ended is there, nothing is sent to its domain.

    Former pauses of all sending are among those that ended, with an empty domain.
    """

    domain = models.CharField(max_length=253, blank=True, help_text="in A-labels; empty: all")
    cause = models.CharField(max_length=10, choices=Cause.choices, default=Cause.HAND)
    reason = models.CharField(max_length=LONGEST_REASON)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="when staff were mailed")
    telling_until = models.DateTimeField(
        null=True, blank=True, help_text="until then a worker mails staff"
    )

    objects = DomainPauseQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("pause of a domain")
        verbose_name_plural = gettext_lazy("pauses of domains")
        constraints = [
            models.UniqueConstraint(
                fields=["domain"], name="domain_paused_once", condition=Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain or 'all domains'}, since {self.since:%Y-%m-%d %H:%M}: {self.reason}"


def _values(cause: Cause, reason: str, now: dt.datetime) -> dict[str, object]:
    """Who pauses by hand knows of it, so that nobody is mailed."""
    return {
        "cause": cause,
        "reason": reason[:LONGEST_REASON],
        "since": now,
        "told_at": now if cause is Cause.HAND else None,
    }
