"""What people asked for that waits for a worker, for its owner, or for an editor."""

from django.db import models
from django.db.models import Q

from .papers import Paper
from .subscribers import Subscriber


class SignupRequest(models.Model):
    """A posted sign-up form until a worker has answered it: the same row for any address."""

    email = models.EmailField(max_length=254)
    choices = models.JSONField(help_text="as flows/choices.py has them")
    network = models.CharField(max_length=50, blank=True, help_text="where it came from")
    asked_at = models.DateTimeField(db_index=True)
    retry_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="not to be answered before"
    )

    def __str__(self) -> str:
        return f"sign-up {self.pk}"


class SignInRequest(models.Model):
    """An address typed where a reader asks for a link, until a worker has answered it."""

    email = models.EmailField(max_length=254)
    next = models.CharField(max_length=200, blank=True, help_text="where its owner was")
    asked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"sign-in {self.pk}"


class SignIn(models.Model):
    """A link that opens a session once; using it deletes the row."""

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="sign_ins")
    next = models.CharField(max_length=200, blank=True, help_text="the page to go to")
    asked_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.subscriber}: a sign-in"


class AddressChange(models.Model):
    """A new address that a reader gave, until its owner confirms and the old one's was told."""

    class Status(models.TextChoices):
        ASKED = "asked"
        REPLACED = "replaced", "replaced by a later one"
        CONFIRMED = "confirmed", "confirmed, and the old address is to be told"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="address_changes")
    email = models.EmailField(max_length=254)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ASKED)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    old_email = models.EmailField(max_length=254, blank=True, help_text="to be told of the change")
    mail_at = models.DateTimeField(
        null=True, blank=True, help_text="when its mail is due, until a server has taken it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscriber"], condition=Q(status="asked"), name="address_change_asked_once"
            ),
            models.CheckConstraint(
                name="address_change_status",
                condition=Q(status__in=["asked", "replaced"], confirmed_at=None, old_email="")
                | (Q(status="confirmed", confirmed_at__isnull=False) & ~Q(old_email="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: a new address"


class WantedPaper(models.Model):
    """A paper named by its arXiv id that is not here yet."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        FOUND = "found"
        MISSING = "missing", "not at arXiv"

    arxiv_id = models.CharField("arXiv id", max_length=32, unique=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    asked_at = models.DateTimeField()
    pick_day = models.DateField(
        null=True, blank=True, help_text="the edition it is a pick of once it is here"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="wanted_status", condition=Q(status__in=["waiting", "found", "missing"])
            )
        ]

    def __str__(self) -> str:
        return self.arxiv_id


class Upvote(models.Model):
    """That a reader finds a paper worth reading."""

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="upvotes")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="upvotes")
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "subscriber"], name="upvote_once")]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.paper}"


class Submission(models.Model):
    """A paper that a reader put forward; an editor decides."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        ACCEPTED = "accepted"
        DECLINED = "declined"

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="submissions")
    arxiv_id = models.CharField("arXiv id", max_length=32)
    paper = models.ForeignKey(
        Paper,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="submissions",
        help_text="empty until it is here",
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WAITING)
    submitted_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "arxiv_id"], name="submission_once"),
            models.CheckConstraint(
                name="submission_status",
                condition=Q(status="waiting", decided_at__isnull=True)
                | Q(status__in=["accepted", "declined"], decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.arxiv_id
