"""What comes back about messages, and how mail to each receiving domain fares."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping

from django.conf import settings
from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from subscriptions.masking import tidy

from .deliveries import Delivery
from .subscribers import Subscriber

_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)


class MailEventQuerySet(models.QuerySet["MailEvent"]):
    def note(self, events: "list[MailEvent]") -> None:
        """Store what came back; what is here already, by its key, is left as it is.

        Left out is that a message was delivered, but for readers with a soft bounce that it may
        end: of all others there would be one such event with every digest.
        """
        self.bulk_create(self._of_use(events), ignore_conflicts=True)

    def waiting(self) -> "MailEventQuerySet":
        """Those that have had no effect yet, the first first."""
        return self.filter(applied_at=None).order_by("pk")

    def _of_use(self, events: "list[MailEvent]") -> "list[MailEvent]":
        delivered = [event for event in events if event.kind == MailEvent.Kind.DELIVERED]
        if not delivered:
            return events
        within = dt.timedelta(days=settings.SOFT_BOUNCE_DAYS)
        earlier = self.filter(
            kind=MailEvent.Kind.SOFT,
            subscriber__in={event.subscriber_id for event in delivered},
            happened_at__gte=min(event.happened_at for event in delivered) - within,
        )
        softly = set(earlier.values_list("subscriber", flat=True))
        softly |= {event.subscriber_id for event in events if event.kind == MailEvent.Kind.SOFT}
        return [
            event
            for event in events
            if event.kind != MailEvent.Kind.DELIVERED or event.subscriber_id in softly
        ]


class MailEvent(models.Model):
    """One thing that came back about one message to one reader; it has its effect once."""

    class Kind(models.TextChoices):
        HARD = "hard", "cannot be mailed"
        SOFT = "soft", "cannot be mailed now"
        OURS = "ours", "refused for what we are or sent"
        COMPLAINT = "complaint", "called spam"
        DELIVERED = "delivered"

    class Way(models.TextChoices):
        SMTP = "smtp", "answer of a mail server"
        MAIL = "mail", "a message that came back"
        WEBHOOK = "webhook", "the mail service told"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="mail_events")
    delivery = models.ForeignKey(
        Delivery, models.SET_NULL, null=True, blank=True, related_name="mail_events"
    )
    kind = models.CharField(max_length=9, choices=Kind.choices)
    way = models.CharField(max_length=7, choices=Way.choices)
    domain = models.CharField(max_length=253, help_text="that was mailed, in A-labels")
    status = models.CharField(max_length=11, blank=True, help_text="RFC 3463: 5.1.1")
    reason = models.CharField(max_length=500, blank=True, help_text="masked")
    key = models.CharField(max_length=64, unique=True, help_text="the same for a repeat")
    happened_at = models.DateTimeField(help_text="when the message was refused or complained of")
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = MailEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="mail_event_kind",
                condition=Q(kind__in=["hard", "soft", "ours", "complaint", "delivered"]),
            ),
            models.CheckConstraint(
                name="mail_event_way", condition=Q(way__in=["smtp", "mail", "webhook"])
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="mail_event_waiting", condition=Q(applied_at__isnull=True)
            ),
            models.Index(fields=["received_at"], name="mail_event_received"),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}, {self.kind}, {self.received_at:%Y-%m-%d %H:%M}"

    @classmethod
    def about(
        cls,
        reader: Subscriber,
        kind: str,
        way: Way,
        *,
        key: str,
        now: dt.datetime,
        happened_at: dt.datetime | None = None,
        ours: bool = False,
        delivery: int | None = None,
        status: str = "",
        reason: str = "",
    ) -> "MailEvent":
        """An event to ``note``, from what strangers say of it in any length and letters.

        ``kind``, ``ours``: as of a ``Report``. ``key``: what a repeat has, too. ``happened_at``:
        by now at the latest. ``delivery``: its pk, where it is about a digest.
        """
        return cls(
            subscriber=reader,
            delivery_id=delivery,
            kind=cls.Kind.OURS if ours else cls.Kind(kind),
            way=way,
            domain=domain_of(reader.email),
            status=status if _STATUS.fullmatch(status) else "",
            reason=tidy(reason),
            key=hashlib.sha256(key.encode(errors="replace")).hexdigest(),
            happened_at=min(happened_at or now, now),
            received_at=now,
        )


COUNTED = "sent", "hard", "soft", "ours", "complaint"
_ADD = """
INSERT INTO subscriptions_domainday (day, domain, sent, hard, soft, ours, complaint)
VALUES {rows}
ON CONFLICT (day, domain) DO UPDATE SET
    sent = subscriptions_domainday.sent + excluded.sent,
    hard = subscriptions_domainday.hard + excluded.hard,
    soft = subscriptions_domainday.soft + excluded.soft,
    ours = subscriptions_domainday.ours + excluded.ours,
    complaint = subscriptions_domainday.complaint + excluded.complaint
"""


class DomainDayQuerySet(models.QuerySet["DomainDay"]):
    def add(self, day: dt.date, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Add, for each domain, numbers of ``COUNTED`` things to a day's; one statement.

        The domains are taken in order, so that two workers never wait for each other.
        """
        rows: list[tuple[str | int, ...]] = [
            (day.isoformat(), domain, *(added.get(name, 0) for name in COUNTED))
            for domain, added in sorted(counts.items())
        ]
        if rows:
            places = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(rows))
            with connection.cursor() as cursor:
                cursor.execute(_ADD.format(rows=places), [value for row in rows for value in row])


class DomainDay(models.Model):
    """How many messages one receiving domain took on a UTC day, and what came back that day."""

    day = models.DateField()
    domain = models.CharField(max_length=253, help_text="in A-labels")
    sent = models.PositiveIntegerField(default=0)
    hard = models.PositiveIntegerField(default=0)
    soft = models.PositiveIntegerField(default=0)
    ours = models.PositiveIntegerField(default=0)
    complaint = models.PositiveIntegerField(default=0)

    objects = DomainDayQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("day of a domain")
        verbose_name_plural = gettext_lazy("mail by domain and day")
        constraints = [models.UniqueConstraint(fields=["day", "domain"], name="domain_day_once")]

    def __str__(self) -> str:
        return f"{self.domain}, {self.day}: {self.sent} sent"


def domain_of(email: str) -> str:
    """The receiving domain of an address, as these tables have it: lower case, A-labels."""
    domain = email.rpartition("@")[2].lower().rstrip(".")
    if domain.isascii():
        return domain[:253]
    try:
        return domain.encode("idna").decode()[:253]
    except UnicodeError:  # no mail server can be found for it either
        return domain[:253]
