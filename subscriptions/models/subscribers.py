"""Subscribers: an address, its owner's choices, and the addresses that must rest."""

import datetime as dt
import hmac
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from subscriptions.masking import mask_email

from .editions import WINDOW_DAYS
from .schedule import next_slot


def validate_timezone(name: str) -> None:
    """Raises ValidationError unless this machine knows the zone."""
    if name not in available_timezones():
        raise ValidationError(f"There is no time zone “{name}”; one is “Europe/Berlin”.")


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def with_email(self, email: str) -> "SubscriberQuerySet":
        return self.annotate(email_lower=Lower("email")).filter(email_lower=email.lower())

    def found_by(self, text: str) -> "SubscriberQuerySet":
        """Whose address begins so, whatever the case, or whose number it is."""
        found = Q(email_lower__startswith=text.lower())
        if text.isdecimal():
            found |= Q(pk=text)
        return self.annotate(email_lower=Lower("email")).filter(found)

    def due(self, now: dt.datetime) -> "SubscriberQuerySet":
        """Readers whose slot has come, the longest waiting first.

        A reader whose pause ends is among them: the slot after the pause wakes them.
        """
        return self.filter(
            status__in=READING,
            next_digest_at__lte=now,
        ).order_by("next_digest_at", "pk")


class Subscriber(models.Model):
    """An address and its owner's choices."""

    class Status(models.TextChoices):
        PENDING = "pending", "waiting for confirmation"
        ACTIVE = "active"
        PAUSED = "paused"
        UNSUBSCRIBED = "unsubscribed"
        BOUNCED = "bounced"
        COMPLAINED = "complained"

    class Cadence(models.TextChoices):
        WEEKLY = "weekly", gettext_lazy("Weekly")
        DAILY = "daily", gettext_lazy("Daily")

    class Weekday(models.IntegerChoices):
        MONDAY = 0, gettext_lazy("Monday")
        TUESDAY = 1, gettext_lazy("Tuesday")
        WEDNESDAY = 2, gettext_lazy("Wednesday")
        THURSDAY = 3, gettext_lazy("Thursday")
        FRIDAY = 4, gettext_lazy("Friday")
        SATURDAY = 5, gettext_lazy("Saturday")
        SUNDAY = 6, gettext_lazy("Sunday")

    email = models.EmailField(max_length=254)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    cadence = models.CharField(max_length=8, choices=Cadence.choices, default=Cadence.WEEKLY)
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices, default=Weekday.MONDAY)
    hour = models.PositiveSmallIntegerField(default=8, validators=[MaxValueValidator(23)])
    timezone = models.CharField(
        "time zone", max_length=64, default="UTC", validators=[validate_timezone]
    )
    next_digest_at = models.DateTimeField(null=True, blank=True)
    covered_until = models.DateField(
        null=True, blank=True, help_text="newest edition already in a digest"
    )
    paused_until = models.DateField(
        null=True, blank=True, help_text="first day of digests again; empty while paused: no end"
    )
    max_papers = models.PositiveSmallIntegerField(
        "papers", default=10, validators=[MinValueValidator(5), MaxValueValidator(30)]
    )
    sections_off = models.JSONField(
        default=list, blank=True, help_text='["picks", "matches", "trending"]: parts not wanted'
    )
    text_only = models.BooleanField(default=False, help_text="mail without HTML")
    consent_version = models.CharField(max_length=16, help_text="wording that was agreed to")
    consent_asked_at = models.DateTimeField(help_text="when the form was posted")
    consent_source = models.CharField(
        max_length=200, blank=True, help_text="of an imported reader, where they agreed"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    signup_mailed_at = models.DateTimeField(
        null=True, blank=True, help_text="when the last answer to the form went out"
    )
    address_changed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="links and sessions from before are void"
    )
    feed_key = models.CharField(
        max_length=43, null=True, blank=True, editable=False, help_text="of the private feed"
    )

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="subscriber_email_once"),
            models.UniqueConstraint(fields=["feed_key"], name="subscriber_feed_key_once"),
            models.CheckConstraint(
                name="subscriber_status",
                condition=Q(
                    status__in=[
                        "pending",
                        "active",
                        "paused",
                        "unsubscribed",
                        "bounced",
                        "complained",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="subscriber_cadence", condition=Q(cadence__in=["weekly", "daily"])
            ),
            models.CheckConstraint(name="subscriber_weekday", condition=Q(weekday__lte=6)),
            models.CheckConstraint(name="subscriber_hour", condition=Q(hour__lte=23)),
            models.CheckConstraint(
                name="subscriber_max_papers", condition=Q(max_papers__range=(5, 30))
            ),
            models.CheckConstraint(
                name="subscriber_confirmed_before_mailed",
                condition=~Q(status__in=["active", "paused"]) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="subscriber_pause_fits_status",
                condition=Q(paused_until__isnull=True) | Q(status="paused"),
            ),
            models.CheckConstraint(
                name="subscriber_slot_fits_status",
                condition=Q(status="active", next_digest_at__isnull=False)
                | Q(status="paused")
                | Q(
                    status__in=["pending", "unsubscribed", "bounced", "complained"],
                    next_digest_at__isnull=True,
                ),
            ),
        ]
        indexes = [
            models.Index(
                F("next_digest_at"),
                name="subscriber_due",
                condition=Q(next_digest_at__isnull=False),
            ),
            models.Index(fields=["status", "cadence"], name="subscriber_by_status"),
        ]
        permissions = [
            ("preview_subscriber", "Can preview digests as any subscriber"),
            ("import_subscriber", "Can import subscribers"),
            ("export_subscriber", "Can export subscribers"),
        ]

    def __str__(self) -> str:
        return mask_email(self.email)

    def next_slot(self, after: dt.datetime, *, any_day: bool = False) -> dt.datetime:
        """The first moment after ``after`` that this reader's choices name, in UTC.

        ``any_day``: at their hour, whatever the weekday.
        """
        return next_slot(
            after,
            daily=any_day or self.cadence == self.Cadence.DAILY,
            weekday=self.weekday,
            hour=self.hour,
            zone=ZoneInfo(self.timezone),
        )

    def slot_in_time(self, now: dt.datetime, covered: dt.date | None) -> dt.datetime:
        """The first slot after ``now``, for a reader who has had the days up to ``covered``.

        Where waiting for it would let days drop out of the digest's window, one digest comes
        sooner: at their hour, on the last day that still loses nothing.
        """
        slot = self.next_slot(now)
        if not covered:
            return slot
        last = dt.datetime.combine(covered + dt.timedelta(days=WINDOW_DAYS + 1), dt.time(), dt.UTC)
        sooner = self.next_slot(max(now, last - dt.timedelta(seconds=1)), any_day=True)
        return min(slot, sooner)

    def reschedule(self, now: dt.datetime) -> None:
        """Set ``next_digest_at`` by the choices as they are, so that no day is lost.

        A digest that is due already stays due.
        """
        due = self.status == self.Status.ACTIVE and self.next_digest_at
        if due and due <= now:
            return
        self.next_digest_at = self.slot_in_time(now, self.covered_until)


READING = (Subscriber.Status.ACTIVE, Subscriber.Status.PAUSED)
"""Who subscribes: digests come, or will again."""


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def has(self, email: str) -> bool:
        return self.of(email) is not None

    def of(self, email: str) -> "Suppression | None":
        """Why and since when an address must not be mailed; None where it may be."""
        erased = Suppression.Reason.ERASED
        return self.exclude(reason=erased).filter(email_hash=Suppression.hash(email)).first()

    def add(self, email: str, reason: str, now: dt.datetime) -> bool:
        """Never mail an address again, for this reason or one that is stronger and there already.

        Whether that changed anything.
        """
        row, new = self.get_or_create(
            email_hash=Suppression.hash(email), defaults={"reason": reason, "created_at": now}
        )
        if replaced := row.yields_to(reason):
            row.reason, row.created_at = reason, now
            row.save()
        return new or replaced

    def lift(self, email: str) -> None:
        """Its owner has shown that mail arrives, and that they want it."""
        self.filter(email_hash=Suppression.hash(email), reason__in=LIFTED).delete()

    def keep_out(self, email: str, now: dt.datetime) -> None:
        """Its owner erased it: no list brings it back. A reason that is there already stays."""
        self.get_or_create(
            email_hash=Suppression.hash(email),
            defaults={"reason": Suppression.Reason.ERASED, "created_at": now},
        )

    def suppressed(self, emails: list[str]) -> set[str]:
        """Those of ``emails`` that must not be mailed; one query."""
        reasons = self.reasons(emails).items()
        return {email for email, reason in reasons if reason != Suppression.Reason.ERASED}

    def reasons(self, emails: list[str]) -> dict[str, str]:
        """Why those of ``emails`` that are here are, the erased ones too; one query."""
        hashes = {Suppression.hash(email): email for email in emails}
        found = self.filter(email_hash__in=hashes).values_list("email_hash", "reason")
        return {hashes[value]: reason for value, reason in found}


class Suppression(models.Model):
    """An address that must not be mailed again, kept as a keyed hash only."""

    class Reason(models.TextChoices):
        BOUNCE = "bounce"
        COMPLAINT = "complaint"
        OPERATOR = "operator"
        ERASED = "erased"
        """By its owner, who may be mailed if they sign up again: only imports heed it."""

    email_hash = models.CharField(max_length=64, unique=True)
    reason = models.CharField(max_length=9, choices=Reason.choices)
    created_at = models.DateTimeField()

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="suppression_reason",
                condition=Q(reason__in=["bounce", "complaint", "operator", "erased"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.email_hash[:8]}… ({self.reason})"

    def yields_to(self, reason: str) -> bool:
        """Whether another reason takes its place: of those that may be lifted."""
        return self.reason in LIFTED and self.reason != reason

    @staticmethod
    def hash(email: str) -> str:
        """HMAC-SHA256 of the lower-cased address under ``SUPPRESSION_KEY``, in hex."""
        key = settings.SUPPRESSION_KEY.encode()
        return hmac.digest(key, email.lower().encode(), "sha256").hex()


LIFTED = (Suppression.Reason.BOUNCE, Suppression.Reason.ERASED)
"""What counts no more once the owner of the address confirms it."""
