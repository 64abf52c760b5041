"""The runs that bring papers, and the times when a source brought none."""

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

LEASE = dt.timedelta(minutes=15)
"""A run that gave no sign of life for so long has died."""


class Source(models.TextChoices):
    """Who announces papers, as far as it comes with Paper Round."""

    ARXIV = "arxiv", "arXiv"
    HUGGING_FACE = "hugging-face", "Hugging Face Daily Papers"
    FILE = "file", gettext_lazy("File")
    READERS = "readers", gettext_lazy("Suggested by a reader")


class SourceRunQuerySet(models.QuerySet["SourceRun"]):
    def bury(self, now: dt.datetime) -> int:
        """Mark the runs that died as failed; how many."""
        return self.filter(status=SourceRun.Status.RUNNING, expires_at__lte=now).update(
            status=SourceRun.Status.FAILED,
            finished_at=now,
            expires_at=None,
            error="It broke off without a word: its process was killed, or the machine went down.",
        )

    def record(self, run: "SourceRun", **changes: Any) -> bool:
        """Write what a run did so far, and ``changes``; False if it was taken for dead."""
        values = {name: getattr(run, name) for name in COUNTS} | changes
        for name, value in changes.items():
            setattr(run, name, value)
        return bool(self.filter(pk=run.pk, status=SourceRun.Status.RUNNING).update(**values))


class SourceRun(models.Model):
    """One fetch of a source, or one file of it, and what it brought."""

    class Status(models.TextChoices):
        RUNNING = "running"
        OK = "ok"
        FAILED = "failed"

    source = models.CharField(max_length=32, help_text="who announced the papers")
    feed = models.CharField(max_length=40, blank=True, help_text="how; empty for a file")
    part = models.CharField(max_length=200, blank=True, help_text="set, category or search")
    origin = models.CharField(max_length=500, help_text="the file or address that was read")
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="when it counts as dead")
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text="when the source asked us to come again"
    )
    requests = models.PositiveIntegerField(default=0)
    octets = models.PositiveBigIntegerField("bytes", default=0)
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    newest_day = models.DateField(null=True, blank=True, help_text="newest listing it saw")
    listed = models.JSONField(
        default=dict, blank=True, help_text="papers by the day they were announced"
    )
    rejections = models.JSONField(default=list, blank=True, help_text="the first 100, with reasons")
    cursor = models.TextField(blank=True, help_text="where the next run goes on")
    error = models.TextField(blank=True)

    objects = SourceRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="source_run_status",
                condition=Q(status="running", finished_at__isnull=True, expires_at__isnull=False)
                | Q(
                    status__in=["ok", "failed"], finished_at__isnull=False, expires_at__isnull=True
                ),
            ),
            models.UniqueConstraint(
                fields=["source"],
                condition=Q(status="running") & ~Q(feed=""),
                name="source_fetched_by_one_run",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed or self.source} {self.started_at:%Y-%m-%d %H:%M}"


COUNTS = (
    "requests", "octets", "new", "updated", "unchanged", "rejected", "newest_day", "listed",
    "rejections", "cursor",
)  # fmt: skip
"""What grows while a run goes on."""


class SourceTrouble(models.Model):
    """A time in which a feed brought less than it should: staff are told of both ends."""

    class State(models.TextChoices):
        LATE = "late"
        STALE = "stale"
        BROKEN = "broken"

    feed = models.CharField(max_length=241, help_text="its name, or name:part")
    label = models.CharField(max_length=100, help_text="as readers know it")
    state = models.CharField(max_length=6, choices=State.choices)
    last_day = models.DateField(null=True, help_text="the newest day whose papers are here")
    detail = models.CharField(max_length=500)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["feed"], condition=Q(ended_at__isnull=True), name="trouble_open_once"
            ),
            models.CheckConstraint(
                name="trouble_state", condition=Q(state__in=["late", "stale", "broken"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feed}: {self.state}"
