"""Editions, a day each, and what editors put forward in them."""

import datetime as dt
from itertools import takewhile

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, Max, OuterRef, Q, Subquery

from .papers import Listing, Paper, PaperQuerySet
from .topics import Topic

WINDOW_DAYS = 7
"""No digest looks back further than this many days."""


class EditionQuerySet(models.QuerySet["Edition"]):
    def roll(self, now: dt.datetime) -> None:
        """Open today's edition, close the days that are over, release what may go out.

        The first call ever starts the site: the seven days before it count as editions
        too, so that the first digests have a week to choose from. Idempotent.
        """
        today = now.astimezone(dt.UTC).date()
        with transaction.atomic():
            newest = self.aggregate(day=Max("day"))["day"]
            first = newest + dt.timedelta(days=1) if newest else today - dt.timedelta(WINDOW_DAYS)
            missing = [first + dt.timedelta(n) for n in range((today - first).days + 1)]
            self.bulk_create([Edition(day=day) for day in missing], ignore_conflicts=True)
            self.filter(status=Edition.Status.OPEN, day__lt=today).update(
                status=Edition.Status.CLOSED
            )
        if not settings.EDITIONS_NEED_APPROVAL:
            self.release(today - dt.timedelta(days=1), now)

    def release(self, through: dt.date, now: dt.datetime) -> int:
        """Let every closed day up to ``through`` go out; how many days that changed.

        None from a held day on: what is sent has no gaps that a later digest would not fill.
        """
        closed = self.filter(status=Edition.Status.CLOSED, day__lte=through).order_by("day")
        with transaction.atomic():
            # Locked, a day is held before this looks or is out when its hold comes.
            free = takewhile(lambda one: not one.held_at, closed.select_for_update())
            going = Edition.objects.filter(pk__in=[one.pk for one in free])
            return going.update(status=Edition.Status.RELEASED, released_at=now)

    def hold(self, day: dt.date, reason: str, now: dt.datetime) -> bool:
        """Keep a day, and those after it, from going out until it is released by an editor.

        False where it is out already, or held.
        """
        free = self.filter(day=day, held_at=None).exclude(status=Edition.Status.RELEASED)
        return bool(free.update(held_at=now, hold_reason=reason))

    def released(self) -> "EditionQuerySet":
        return self.filter(status=Edition.Status.RELEASED)

    def newest_week(self, until: dt.date = dt.date.max) -> tuple[dt.date, ...]:
        """Seven released days at most, in order: the last that has papers, and those before.

        None after ``until``.
        """
        released = self.released().filter(day__lte=until).order_by("-day")
        listed = Listing.objects.filter(day=OuterRef("day"))
        last = released.filter(Exists(listed)).values("day")[:1]
        days = released.filter(day__lte=Subquery(last)).values_list("day", flat=True)
        return tuple(reversed(days[:WINDOW_DAYS]))

    def listing_day(self) -> "ListingDays":
        """The rule by which announcements get their day; inside a transaction it holds.

        Locks the open editions, so that none closes between the rule and the commit.
        """
        first = self.order_by("day").values_list("day", flat=True).first()
        locked = self.select_for_update().filter(status=Edition.Status.OPEN).order_by("day")
        # A second look: the day that the first waited for may have closed, and its successor
        # was not there yet when the first look began.
        open_days = list(locked) or list(locked.all())
        newest = self.aggregate(day=Max("day"))["day"]
        after_newest = newest + dt.timedelta(days=1) if newest else None
        return ListingDays(first, open_days[0].day if open_days else after_newest)


class ListingDays:
    """Maps the day a source announced to the edition it counts in."""

    def __init__(self, first: dt.date | None, first_open: dt.date | None) -> None:
        self.first, self.first_open = first, first_open

    def day(self, announced: dt.date) -> dt.date:
        if self.first is None or self.first_open is None or announced < self.first:
            return announced
        return max(announced, self.first_open)


class Edition(models.Model):
    """One UTC day of papers."""

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"
        RELEASED = "released"

    day = models.DateField(unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    intro = models.TextField(
        max_length=2000, blank=True, help_text="a few words above the papers, in Markdown"
    )
    released_at = models.DateTimeField(null=True, blank=True, editable=False)
    held_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="not to go out until an editor says so"
    )
    hold_reason = models.CharField(max_length=200, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="where two must release it, the first",
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.CheckConstraint(
                name="edition_status",
                condition=Q(status__in=["open", "closed"], released_at__isnull=True)
                | Q(status="released", released_at__isnull=False, held_at__isnull=True),
            )
        ]
        permissions = [("release_edition", "Can release and hold editions")]

    def __str__(self) -> str:
        return f"{self.day}"


class Pick(models.Model):
    """A paper an editor puts forward on a day."""

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="picks")
    day = models.DateField(db_index=True)
    position = models.PositiveSmallIntegerField(default=0)
    note = models.TextField(
        max_length=1000, blank=True, help_text="why it is worth reading, in Markdown"
    )
    topics = models.ManyToManyField(
        Topic, blank=True, help_text="for followers of these only; none chosen: for everyone"
    )

    class Meta:
        ordering = ["-day", "position", "pk"]
        constraints = [models.UniqueConstraint(fields=["paper", "day"], name="pick_once_a_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.paper}"


def public_papers() -> PaperQuerySet:
    """The papers that anybody may see: not hidden, and listed or picked on a released day."""
    released = Edition.objects.released().values("day")
    return Paper.objects.visible().filter(
        Exists(Listing.objects.filter(paper=OuterRef("pk"), day__in=released))
        | Exists(Pick.objects.filter(paper=OuterRef("pk"), day__in=released))
    )
