"""Papers, where and when they were announced, and the runs that brought them."""

import datetime as dt
from urllib.parse import quote

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse


class Source(models.TextChoices):
    """A place that announces papers."""

    ARXIV = "arxiv", "arXiv"
    HUGGING_FACE = "hugging-face", "Hugging Face Daily Papers"
    FILE = "file", "File"


class PaperQuerySet(models.QuerySet["Paper"]):
    def visible(self) -> "PaperQuerySet":
        return self.filter(hidden=Paper.Hidden.NO)

    def listed_between(self, first: dt.date, last: dt.date) -> "PaperQuerySet":
        """Papers that some source listed on a day of ``first``..``last``, both included."""
        listed = Listing.objects.filter(paper=OuterRef("pk"), day__range=(first, last))
        return self.filter(models.Exists(listed))

    def with_votes(self) -> "PaperQuerySet":
        """Annotate ``votes``: the newest count of the source that gave the most."""
        newest = ListingVotes.objects.filter(listing=OuterRef("pk")).order_by("-date")
        most = (
            Listing.objects.filter(paper=OuterRef("pk"))
            .annotate(count=Subquery(newest.values("count")[:1]))
            .order_by(F("count").desc(nulls_last=True))
        )
        return self.annotate(votes=Coalesce(Subquery(most.values("count")[:1]), 0))  # type: ignore[no-redef]

    def by_trend(self) -> "PaperQuerySet":
        return self.order_by("-trend", "pk")


class Paper(models.Model):
    """One scientific paper, whichever sources announced it."""

    class Hidden(models.TextChoices):
        """Why a paper reaches nobody; empty for one that may."""

        NO = "", "visible"
        DUPLICATE = "duplicate", "duplicate"
        OFF_TOPIC = "off-topic", "off topic"
        WITHDRAWN = "withdrawn", "withdrawn"

    arxiv_id = models.CharField(
        "arXiv id", max_length=32, null=True, blank=True, help_text="without version"
    )
    doi = models.CharField("DOI", max_length=200, null=True, blank=True)
    own_id = models.CharField("source's own id", max_length=200, null=True, blank=True)
    title = models.CharField(max_length=500)
    abstract = models.TextField(max_length=10_000, blank=True)
    authors = models.JSONField(default=list, blank=True, help_text='["First Last", ...]')
    categories = models.JSONField(default=list, blank=True, help_text='["cs.CL", ...]')
    submitted = models.DateField(null=True, blank=True, help_text="when its first version was")
    version = models.PositiveSmallIntegerField(null=True, blank=True)
    url = models.URLField("own address", max_length=500, blank=True)
    first_seen = models.DateTimeField()
    trend = models.FloatField(
        default=0.0, editable=False, db_index=True, help_text="see matching/trend.py"
    )
    hidden = models.CharField(max_length=16, choices=Hidden.choices, default=Hidden.NO, blank=True)

    votes: int  # only on papers of with_votes()

    objects = PaperQuerySet.as_manager()

    class Meta:
        # As constraints, not unique=True, which on PostgreSQL costs a second index for LIKE.
        constraints = [
            models.UniqueConstraint(fields=["arxiv_id"], name="paper_arxiv_id_once"),
            models.UniqueConstraint(fields=["doi"], name="paper_doi_once"),
            models.UniqueConstraint(fields=["own_id"], name="paper_own_id_once"),
            models.CheckConstraint(
                name="paper_has_an_identity",
                condition=Q(arxiv_id__isnull=False)
                | Q(doi__isnull=False)
                | Q(own_id__isnull=False),
            ),
            models.CheckConstraint(
                name="paper_hidden_reason",
                condition=Q(hidden__in=["", "duplicate", "off-topic", "withdrawn"]),
            ),
            models.CheckConstraint(name="paper_has_a_title", condition=~Q(title="")),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("paper", args=[self.pk])

    @property
    def abstract_url(self) -> str:
        """Where the abstract can be read outside this site; empty if nowhere."""
        if self.arxiv_id:
            return f"https://arxiv.org/abs/{self.arxiv_id}"
        if self.doi:
            return f"https://doi.org/{quote(self.doi)}"
        return self.url

    @property
    def pdf_url(self) -> str:
        return f"https://arxiv.org/pdf/{self.arxiv_id}" if self.arxiv_id else ""


class Listing(models.Model):
    """That a source announced or featured a paper, and in which edition it counts.

    ``announced`` is the day the source gave; ``day`` is the edition, a later one where
    the announced day was already closed here. Both are set once, so that reading the
    same announcement again changes nothing.
    """

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="listings", db_index=False)
    source = models.CharField(max_length=16, choices=Source.choices)
    announced = models.DateField()
    day = models.DateField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "source", "announced"], name="listing_once_per_announcement"
            ),
            models.CheckConstraint(name="listing_source", condition=Q(source__in=Source.values)),
            models.CheckConstraint(
                name="listing_not_before_announced", condition=Q(day__gte=F("announced"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.day}"


class ListingVotes(models.Model):
    """How many upvotes a listing had on a date."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="votes", db_index=False)
    date = models.DateField()
    count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "listing votes"
        constraints = [
            models.UniqueConstraint(fields=["listing", "date"], name="votes_once_per_date")
        ]

    def __str__(self) -> str:
        return f"{self.count} on {self.date}"


class SourceRun(models.Model):
    """One fetch of a source, and what it found."""

    class Status(models.TextChoices):
        RUNNING = "running"
        OK = "ok"
        FAILED = "failed"

    source = models.CharField(max_length=16, choices=Source.choices)
    origin = models.CharField(max_length=500, help_text="the file or address that was read")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    new = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    newest_day = models.DateField(null=True, blank=True, help_text="newest listing it saw")
    rejections = models.JSONField(default=list, blank=True, help_text="the first 100, with reasons")
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="source_run_status",
                condition=Q(status="running", finished_at__isnull=True)
                | Q(status__in=["ok", "failed"], finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M}"
