"""The ledger: one row per digest, with what was in it and what became of it."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection
from typing import NotRequired, TypedDict

from django.db import connection, models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy

from .pauses import SendingPause
from .subscribers import Subscriber


class Item(TypedDict):
    """One paper of a digest, as ``Delivery.items`` stores it."""

    paper: int
    section: str
    reason: str
    interest: NotRequired[int]


class Section(models.TextChoices):
    """The parts of a digest, in the order they are shown."""

    PICKS = "picks", gettext_lazy("Editors’ picks")
    MATCHES = "matches", gettext_lazy("For you")
    TRENDING = "trending", gettext_lazy("Trending")


NEEDED_TO_SEND = (
    "first_day", "newest_day", "items", "attempts", "claim_token", "claim_expires_at",
    "subscriber__email", "subscriber__cadence", "subscriber__text_only",
)  # fmt: skip


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def claim(self, limit: int, now: dt.datetime, lease: dt.timedelta) -> "list[Delivery]":
        """Take up to ``limit`` rows that are queued or due for another try; none in a pause.

        A conditional UPDATE marks them with a token of this call, so that two workers
        never hold the same row; rows another worker was quicker to take are left out.
        """
        token = uuid.uuid4()
        if SendingPause.objects.exists():
            return []
        with transaction.atomic():
            free = self._ready(now).order_by("pk")
            if connection.features.has_select_for_update_skip_locked:
                free = free.select_for_update(skip_locked=True)
            wanted = list(free.values_list("pk", flat=True)[:limit])
            if not wanted:
                return []
            self._ready(now).filter(pk__in=wanted).update(
                status=Delivery.Status.CLAIMED, claim_token=token, claim_expires_at=now + lease
            )
        return list(
            self.filter(claim_token=token, status=Delivery.Status.CLAIMED)
            .select_related("subscriber")
            .only(*NEEDED_TO_SEND)
            .order_by("pk")
        )

    def give_back(self, token: uuid.UUID | None) -> int:
        """Queue again what was claimed and not begun."""
        return self.filter(claim_token=token, status=Delivery.Status.CLAIMED).update(
            status=Delivery.Status.QUEUED, claim_token=None, claim_expires_at=None
        )

    def skip(self, pks: Collection[int], token: uuid.UUID | None, reason: str) -> int:
        """Settle claimed rows that must not be sent."""
        return self.filter(pk__in=pks, claim_token=token, status=Delivery.Status.CLAIMED).update(
            status=Delivery.Status.SKIPPED,
            last_reply=reason,
            claim_token=None,
            claim_expires_at=None,
        )

    def put_off(
        self, pks: Collection[int], token: uuid.UUID | None, until: dt.datetime, reason: str
    ) -> int:
        """Leave claimed rows for later, which is no attempt."""
        return self.filter(pk__in=pks, claim_token=token, status=Delivery.Status.CLAIMED).update(
            status=Delivery.Status.DEFERRED,
            retry_at=until,
            last_reply=reason,
            claim_token=None,
            claim_expires_at=None,
        )

    def skip_inactive(self, pks: Collection[int], token: uuid.UUID | None) -> int:
        """Settle those claimed rows whose readers left or paused since."""
        left = self.filter(pk__in=pks).exclude(subscriber__status=Subscriber.Status.ACTIVE)
        return self.skip(list(left.values_list("pk", flat=True)), token, "left or paused since")

    def release_expired(self, now: dt.datetime) -> tuple[int, int]:
        """Give back rows whose worker is gone: (queued again, in doubt).

        A row that was only claimed is queued again. One that was being sent may have
        arrived: it is parked for a person to decide.
        """
        gone = self.filter(claim_expires_at__lte=now)
        queued = gone.filter(status=Delivery.Status.CLAIMED).update(
            status=Delivery.Status.QUEUED, claim_token=None, claim_expires_at=None
        )
        in_doubt = gone.filter(status=Delivery.Status.SENDING).update(
            status=Delivery.Status.IN_DOUBT,
            attempts=F("attempts") + 1,
            last_reply="the worker stopped before the mail server's answer was recorded",
            claim_token=None,
            claim_expires_at=None,
        )
        return queued, in_doubt

    def kept_away(self, subscriber: int, since: dt.date) -> Counter[str]:
        """How many papers each muted phrase kept from a reader."""
        total: Counter[str] = Counter()
        lately = self.filter(subscriber=subscriber, newest_day__gte=since)
        for counts in lately.values_list("kept_away", flat=True):
            total.update(counts)
        return total

    def waiting(self, now: dt.datetime) -> bool:
        """Whether there is a row that a worker could claim now."""
        return self._ready(now).exists()

    def _ready(self, now: dt.datetime) -> "DeliveryQuerySet":
        return self.filter(
            Q(status=Delivery.Status.QUEUED) | Q(status=Delivery.Status.DEFERRED, retry_at__lte=now)
        )


class Delivery(models.Model):
    """One digest of one reader."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        CLAIMED = "claimed"
        SENDING = "sending"
        SENT = "sent"
        DEFERRED = "deferred"
        FAILED = "failed"
        IN_DOUBT = "in_doubt", "In doubt"
        SKIPPED = "skipped"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="deliveries")
    first_day = models.DateField(help_text="oldest edition covered")
    newest_day = models.DateField(help_text="newest edition covered")
    items = models.JSONField(default=list, help_text="ordered: paper, section, reason, interest")
    kept_away = models.JSONField(
        default=dict, blank=True, help_text="by muted phrase, how many papers would have matched"
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_reply = models.CharField(max_length=500, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    claim_expires_at = models.DateTimeField(null=True, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber", "newest_day"], name="delivery_once_per_day"
            ),
            models.CheckConstraint(
                name="delivery_window", condition=Q(first_day__lte=F("newest_day"))
            ),
            models.CheckConstraint(
                name="delivery_claim_fits_status",
                condition=Q(
                    status__in=["claimed", "sending"],
                    claim_token__isnull=False,
                    claim_expires_at__isnull=False,
                )
                | Q(
                    status__in=["queued", "sent", "deferred", "failed", "in_doubt", "skipped"],
                    claim_token__isnull=True,
                    claim_expires_at__isnull=True,
                ),
            ),
            models.CheckConstraint(
                name="delivery_sent_has_its_time",
                condition=Q(status="sent", sent_at__isnull=False)
                | (~Q(status="sent") & Q(sent_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="delivery_deferred_has_a_retry",
                condition=~Q(status="deferred") | Q(retry_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "id"],
                name="delivery_unsettled",
                condition=Q(
                    status__in=["queued", "claimed", "sending", "deferred", "failed", "in_doubt"]
                ),
            ),
            models.Index(
                fields=["claim_token"],
                name="delivery_claim",
                condition=Q(claim_token__isnull=False),
            ),
            models.Index(fields=["newest_day", "status", "sent_at"], name="delivery_progress"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}, {self.newest_day}"
