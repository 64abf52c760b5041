"""Papers, and where and when they were announced."""

import datetime as dt
import hashlib
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from subscriptions.notes import clean


@lru_cache(4096)
def title_key(title: str) -> str:
    """The same for titles that differ in case, spaces and punctuation only."""
    letters = re.sub(r"[\W_]+", "", title.casefold())
    return hashlib.sha256(letters.encode()).hexdigest()[:32]


class PaperQuerySet(models.QuerySet["Paper"]):
    def visible(self) -> "PaperQuerySet":
        return self.filter(hidden=Paper.Hidden.NO)

    def listed_between(self, first: dt.date, last: dt.date) -> "PaperQuerySet":
        """Papers that some source listed on a day of ``first``..``last``, both included."""
        listed = Listing.objects.filter(paper=OuterRef("pk"), day__range=(first, last))
        return self.filter(models.Exists(listed))

    def with_votes(self) -> "PaperQuerySet":
        """Annotate ``votes``: the newest count of the source that gave the most, and how many
        readers of this site voted for it.
        """
        newest = ListingVotes.objects.filter(listing=OuterRef("pk")).order_by("-date")
        most = (
            Listing.objects.filter(paper=OuterRef("pk"))
            .annotate(count=Subquery(newest.values("count")[:1]))
            .order_by(F("count").desc(nulls_last=True))
        )
        own = Paper.objects.filter(pk=OuterRef("pk")).annotate(count=models.Count("upvotes"))
        return self.annotate(  # type: ignore[no-redef]
            votes=Coalesce(Subquery(most.values("count")[:1]), 0)
            + Subquery(own.order_by().values("count"))
        )

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
    updated = models.DateField(null=True, blank=True, help_text="when its newest version was")
    version = models.PositiveSmallIntegerField(null=True, blank=True)
    url = models.URLField("own address", max_length=500, blank=True)
    code_url = models.URLField("code", max_length=500, blank=True)
    tldr = models.CharField("TL;DR", max_length=500, blank=True)
    raw = models.JSONField(
        default=dict,
        editable=False,
        help_text="texts as the source has them where ours differ, and whether it said withdrawn",
    )
    title_key = models.CharField(max_length=32, editable=False)
    first_seen = models.DateTimeField()
    trend = models.FloatField(default=0.0, editable=False, help_text="see matching/trend.py")
    reach = models.PositiveIntegerField(
        null=True,
        editable=False,
        help_text="about how many readers would get it, as the last look ahead found",
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
        indexes = [
            models.Index(fields=["title_key"], name="paper_title_key"),
            # With id: those without votes have the trend of all of their day.
            models.Index(fields=["-trend", "id"], name="paper_by_trend"),
            models.Index(
                fields=["hidden", "-trend", "id"], name="paper_hidden", condition=~Q(hidden="")
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        new = self._state.adding
        self.title, self.abstract = clean(self.title), clean(self.abstract)
        self.authors = [clean(name) for name in self.authors]
        self.title_key = title_key(self.title)
        super().save(*args, **kwargs)
        if not new:
            PaperTerms.objects.filter(paper=self).delete()

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


class PaperTerms(models.Model):
    """The words of a paper, packed for the search. Made by the tick where they are missing.

    Never changed: who changes a paper's title or abstract deletes its row, and a new row has
    a new pk, by which a process that keeps them all sees what is new.
    """

    paper = models.OneToOneField(Paper, models.CASCADE, related_name="terms")
    text = models.CharField(max_length=32, help_text="a hash of its text, as vectors have it")
    packed = models.BinaryField(help_text="see matching/index.py")

    def __str__(self) -> str:
        return f"{self.paper_id} {self.text}"


class Listing(models.Model):
    """That a source announced or featured a paper, and in which edition it counts.

    ``announced`` is the day the source gave; ``day`` is the edition, a later one where
    the announced day was already closed here. Both are set once, so that reading the
    same announcement again changes nothing.
    """

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="listings", db_index=False)
    source = models.CharField(max_length=32, help_text="who announced it")
    announced = models.DateField()
    day = models.DateField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["paper", "source", "announced"], name="listing_once_per_announcement"
            ),
            models.CheckConstraint(name="listing_has_a_source", condition=~Q(source="")),
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


class DoubtfulPair(models.Model):
    """Two papers that may be one: the same title, and no id in common. An editor decides."""

    class Status(models.TextChoices):
        OPEN = "open"
        SAME = "same", "one paper"
        DIFFERENT = "different", "two papers"

    paper = models.ForeignKey(Paper, models.CASCADE, related_name="+", help_text="here first")
    other = models.ForeignKey(Paper, models.CASCADE, related_name="+", help_text="came later")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["paper", "other"], name="pair_once"),
            models.CheckConstraint(name="pair_of_two", condition=~Q(paper=F("other"))),
            models.CheckConstraint(
                name="pair_status", condition=Q(status__in=["open", "same", "different"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paper} / {self.other}"
