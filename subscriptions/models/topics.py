"""Topics, the papers they match, and what editors say of these matches."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from .papers import Paper


class TopicQuerySet(models.QuerySet["Topic"]):
    def offered(self) -> "TopicQuerySet":
        return self.filter(status=Topic.Status.OFFERED)

    def known(self) -> "TopicQuerySet":
        """Offered, or merged into another: who asks for such a one is brought there."""
        return self.filter(Q(status=Topic.Status.OFFERED) | Q(merged_into__isnull=False))


class Topic(models.Model):
    """A subject that readers can follow."""

    class Status(models.TextChoices):
        OFFERED = "offered"
        RETIRED = "retired", "retired (kept for those who follow it)"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    group = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=0, help_text="order on the form")
    description = models.TextField(max_length=1000, blank=True, help_text="one sentence")
    phrases = models.JSONField(default=list, blank=True, help_text='["flow matching", ...]')
    categories = models.JSONField(default=list, blank=True, help_text='["cs.SD", ...]')
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OFFERED)
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="merged",
        help_text="where its followers went; see flows/topics.py",
    )
    loaded = models.JSONField(
        default=dict,
        editable=False,
        help_text="what load_topics last wrote",
    )

    objects = TopicQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="topic_name_once"),
            models.CheckConstraint(
                name="topic_status", condition=Q(status__in=["offered", "retired"])
            ),
            models.CheckConstraint(
                name="topic_merged_is_retired",
                condition=Q(merged_into__isnull=True) | Q(status="retired"),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TopicMatch(models.Model):
    """That a paper of the newest days matches an offered topic, as the last look ahead found."""

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="matches", db_index=False)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="topic_matches")
    score = models.FloatField(help_text="deviations above past papers’ mean")
    words = models.CharField(max_length=200, blank=True, help_text="what in it brought it")

    class Meta:
        verbose_name_plural = "topic matches"
        constraints = [models.UniqueConstraint(fields=["topic", "paper"], name="topic_match_once")]

    def __str__(self) -> str:
        return f"{self.topic_id}: {self.paper_id}"


class TopicMark(models.Model):
    """An editor's word on whether a paper belongs to a topic."""

    class Verdict(models.TextChoices):
        RIGHT = "right"
        WRONG = "wrong"

    topic = models.ForeignKey(Topic, models.CASCADE, related_name="marks", db_index=False)
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="topic_marks")
    verdict = models.CharField(max_length=5, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["topic", "paper"], name="topic_mark_once"),
            models.CheckConstraint(
                name="topic_mark_verdict", condition=Q(verdict__in=["right", "wrong"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id}: {self.paper_id} {self.verdict}"
