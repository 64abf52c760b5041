"""How the mailbox for what comes back is read, and how much of it staff were sent."""

import datetime as dt

from django.db import models
from django.db.models import F, Q


class MailboxStateQuerySet(models.QuerySet["MailboxState"]):
    def lease(self, now: dt.datetime, until: dt.datetime, every: dt.timedelta) -> bool:
        """Take the mailbox for oneself until then, where nobody has it and it is due."""
        self.get_or_create(pk=1)
        return bool(self._free(now, every).update(leased_until=until, polled_at=now))

    def due(self, now: dt.datetime, every: dt.timedelta) -> bool:
        return self._free(now, every).exists() or not self.exists()

    def passed_on_at(self, day: dt.date) -> int:
        """Mails of readers that staff were sent on the day."""
        counted = self.filter(passed_on_day=day).values_list("passed_on", flat=True)
        return counted.first() or 0

    def count_passed_on(self, day: dt.date) -> None:
        self.get_or_create(pk=1)
        if not self.filter(passed_on_day=day).update(passed_on=F("passed_on") + 1):
            self.update(passed_on_day=day, passed_on=1)

    def _free(self, now: dt.datetime, every: dt.timedelta) -> "MailboxStateQuerySet":
        nobodys = Q(leased_until=None) | Q(leased_until__lte=now)
        return self.filter(nobodys, Q(polled_at=None) | Q(polled_at__lte=now - every))


class MailboxState(models.Model):
    """One row: who reads the mailbox, how far, and since when it cannot be read."""

    polled_at = models.DateTimeField(null=True, blank=True, help_text="when the last look began")
    leased_until = models.DateTimeField(null=True, blank=True)
    mailbox = models.CharField(max_length=64, blank=True, help_text="hash of what was read")
    uid_validity = models.PositiveBigIntegerField(default=0, help_text="RFC 9051, 2.3.1.1")
    last_uid = models.PositiveBigIntegerField(default=0, help_text="the newest that was looked at")
    trouble = models.CharField(max_length=500, blank=True, help_text="why it cannot be read")
    trouble_since = models.DateTimeField(null=True, blank=True)
    passed_on_day = models.DateField(null=True, blank=True)
    passed_on = models.PositiveIntegerField(default=0, help_text="mails sent to staff on that day")

    objects = MailboxStateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="mailbox_state_is_one", condition=Q(id=1)),
            models.CheckConstraint(
                name="mailbox_trouble_has_its_time",
                condition=Q(trouble="", trouble_since=None)
                | (~Q(trouble="") & Q(trouble_since__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.trouble or "readable"
