"""Figures that would take long to count anew each time: of an edition, and of readers by day."""

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import F, Q

from .editions import Edition


class EditionReportQuerySet(models.QuerySet["EditionReport"]):
    def claim(self, edition: int, before: dt.datetime, now: dt.datetime) -> bool:
        """Whether to make the report now: there is none, or the last was begun by ``before``.

        Of several who ask at once one is told so.
        """
        start = {"figures": {}, "made_at": now}
        _, new = self.get_or_create(edition_id=edition, defaults=start)
        return new or bool(self.filter(edition=edition, made_at__lte=before).update(made_at=now))

    def keep(self, edition: int, figures: dict[str, Any], now: dt.datetime) -> None:
        """Store what was found by whoever claimed it at ``now``, unless another has since."""
        self.filter(edition=edition, made_at=now).update(figures=figures)


class EditionReport(models.Model):
    """What became of an edition, as counted at one moment; of the open one, the last look ahead."""

    edition = models.OneToOneField(Edition, models.CASCADE, related_name="report")
    figures = models.JSONField(help_text="see digests/figures.py")
    made_at = models.DateTimeField()

    objects = EditionReportQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.edition}, {self.made_at:%Y-%m-%d %H:%M}"


class MovementQuerySet(models.QuerySet["Movement"]):
    def note(self, kind: "Movement.Kind", now: dt.datetime, count: int = 1) -> None:
        """Count readers who came or went; in the transaction that says so of them."""
        if count:
            day = now.astimezone(dt.UTC).date()
            row, _ = self.get_or_create(day=day, kind=kind)
            self.filter(pk=row.pk).update(count=F("count") + count)


class Movement(models.Model):
    """How many readers came or went on a day; it outlives those who are erased."""

    class Kind(models.TextChoices):
        JOINED = "joined"
        LEFT = "left"
        BOUNCED = "bounced"
        COMPLAINED = "complained"
        ERASED = "erased"

    day = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    count = models.PositiveIntegerField(default=0)

    objects = MovementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "kind"], name="movement_once"),
            models.CheckConstraint(
                name="movement_kind",
                condition=Q(kind__in=["joined", "left", "bounced", "complained", "erased"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.count} {self.kind}"
