"""What readers follow, and what they said of the papers it brought."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from .papers import Paper
from .subscribers import Subscriber
from .topics import Topic


class Interest(models.Model):
    """One thing one reader follows; with a negative weight, one they never want."""

    class Kind(models.TextChoices):
        TOPIC = "topic", gettext_lazy("Topic")
        PHRASE = "phrase", gettext_lazy("Phrase")
        AUTHOR = "author", gettext_lazy("Author")
        CATEGORY = "category", gettext_lazy("Category")
        PAPER = "paper", gettext_lazy("example paper")

    class Weight(models.IntegerChoices):
        MUTED = -2, gettext_lazy("Muted")
        LESS = 1, gettext_lazy("Less")
        NORMAL = 2, gettext_lazy("Normal")
        MORE = 4, gettext_lazy("More")

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="interests")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    topic = models.ForeignKey(Topic, models.CASCADE, null=True, blank=True)
    paper = models.ForeignKey(Paper, models.CASCADE, null=True, blank=True)
    value = models.CharField(
        max_length=120,
        blank=True,
        help_text="the phrase, the category, or the author's name; where others have that name, "
        "with categories: Wei Zhang (cs.CV); of an example paper that is not here yet, its id",
    )
    weight = models.SmallIntegerField(choices=Weight.choices, default=Weight.NORMAL)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="interest_kind_has_its_value",
                condition=Q(kind="topic", topic__isnull=False, paper__isnull=True, value="")
                | Q(kind="paper", paper__isnull=False, topic__isnull=True, value="")
                | (Q(kind="paper", paper__isnull=True, topic__isnull=True) & ~Q(value=""))
                | (
                    Q(
                        kind__in=["phrase", "author", "category"],
                        topic__isnull=True,
                        paper__isnull=True,
                    )
                    & ~Q(value="")
                ),
            ),
            models.CheckConstraint(
                name="interest_weight",
                condition=Q(weight__in=[1, 2, 4]) | Q(weight=-2, kind="phrase"),
            ),
            models.UniqueConstraint(
                fields=["subscriber", "topic"],
                name="interest_topic_once",
                condition=Q(topic__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["subscriber", "paper"],
                name="interest_paper_once",
                condition=Q(paper__isnull=False),
            ),
            models.UniqueConstraint(
                F("subscriber"),
                F("kind"),
                Lower("value"),
                name="interest_value_once",
                condition=~Q(value=""),
            ),
        ]
        indexes = [
            models.Index(
                fields=["value"],
                name="interest_awaits_its_paper",
                condition=Q(kind="paper", paper__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return str(self.topic or self.paper or self.value)


class Feedback(models.Model):
    """What a reader said of a paper they were sent; it trains the interest that brought it."""

    class Verdict(models.TextChoices):
        MORE = "more", gettext_lazy("more like this")
        LESS = "less", gettext_lazy("less like this")
        SAVE = "save", gettext_lazy("Save")

    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="feedback")
    paper = models.ForeignKey(Paper, models.CASCADE, related_name="feedback")
    interest = models.ForeignKey(Interest, models.SET_NULL, null=True, blank=True)
    verdict = models.CharField(max_length=4, choices=Verdict.choices)
    given_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "feedback"
        constraints = [
            models.CheckConstraint(
                name="feedback_verdict", condition=Q(verdict__in=["more", "less", "save"])
            ),
            models.UniqueConstraint(
                fields=["subscriber", "paper"],
                name="feedback_one_opinion",
                condition=Q(verdict__in=["more", "less"]),
            ),
            models.UniqueConstraint(
                fields=["subscriber", "paper"],
                name="feedback_saved_once",
                condition=Q(verdict="save"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber}: {self.verdict}"
