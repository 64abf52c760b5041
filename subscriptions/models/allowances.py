"""How many messages of a day's most were taken, counted for all workers."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import models, transaction
from django.db.models import F

ALL = ""
"""Stands for all domains together."""


class AllowanceQuerySet(models.QuerySet["Allowance"]):
    def take(
        self, day: dt.date, limits: Mapping[str, int], domains: Sequence[str]
    ) -> list[str | None]:
        """Take a place for a message to each of these domains, in turn.

        None where there is one; else whose limit is reached, which may be ``ALL``.

        The rows are locked in the order of their domains, so that workers neither take more
        than ``limits`` between them nor wait for each other for good.
        """
        concerned = sorted(limits.keys() & {ALL, *domains})
        if not concerned:
            return [None] * len(domains)
        found: list[str | None] = []
        with transaction.atomic():
            empty = [Allowance(day=day, domain=domain) for domain in concerned]
            self.bulk_create(empty, ignore_conflicts=True)
            locked = self.filter(day=day, domain__in=concerned).order_by("domain")
            rows = {row.domain: row for row in locked.select_for_update()}
            for domain in domains:
                drawn_on = [rows[name] for name in (domain, ALL) if name in rows]
                full = next((row for row in drawn_on if row.used >= limits[row.domain]), None)
                if full:
                    found.append(full.domain)
                    full.waiting += 1
                    continue
                found.append(None)
                for row in drawn_on:
                    row.used += 1
            self.bulk_update(rows.values(), ["used", "waiting"])
        return found

    def give_back(self, day: dt.date, unused: Mapping[str, int]) -> None:
        """Of what was taken, so many for each domain were not sent."""
        for domain, count in sorted(unused.items()):
            if count:
                self.filter(day=day, domain=domain).update(used=F("used") - count)


class Allowance(models.Model):
    """What was taken, on a UTC day, of the most that may go to a domain, or to all."""

    day = models.DateField()
    domain = models.CharField(max_length=253, blank=True, help_text="in A-labels; empty: all")
    used = models.PositiveIntegerField(default=0, help_text="sent, being sent, or in doubt")
    waiting = models.PositiveIntegerField(default=0, help_text="put off to the next day")

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "domain"], name="allowance_once")]

    def __str__(self) -> str:
        return f"{self.domain or 'all domains'}, {self.day}: {self.used} used"
