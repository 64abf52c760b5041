"""What readers fill in: one form of choices, with an address when they sign up."""

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscriptions.flows.authors import Brought, recent_papers
from subscriptions.flows.choices import Choices
from subscriptions.flows.preferences import may_pause
from subscriptions.flows.validation import (
    ZONES,
    arxiv_category,
    example_paper,
    phrase,
    valid_email,
)
from subscriptions.models import Delivery, Interest, Section, Subscriber, Topic

from .fields import LinesField
from .guards import domain_problem
from .proof import ProofField

LATELY = dt.timedelta(weeks=8)
FOLLOWED = "topics", "phrases", "authors", "categories", "papers"
WEIGHTS = [(weight, weight.label) for weight in Interest.Weight if weight > 0]


class ChoicesForm(forms.Form):
    """What a reader follows, and when to send."""

    topics = forms.ModelMultipleChoiceField(
        Topic.objects.none(),
        label=gettext_lazy("Topics"),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": gettext_lazy("There is no topic “%(value)s”.")},
    )
    phrases = LinesField(
        phrase,
        label=gettext_lazy("Your own phrases"),
        help_text=gettext_lazy("One a line, in the words papers use."),
    )
    authors = LinesField(
        phrase,
        label=gettext_lazy("Authors"),
        help_text=gettext_lazy(
            "One a line. Where others have the name, say where: Wei Zhang (cs.CV)."
        ),
    )
    categories = LinesField(
        arxiv_category,
        label=gettext_lazy("arXiv categories"),
        help_text=gettext_lazy("One a line, as arXiv writes them: cs.CL or astro-ph.CO."),
    )
    papers = LinesField(
        example_paper,
        label=gettext_lazy("Papers you liked"),
        help_text=gettext_lazy("One a line: arXiv id or link. You get papers like them."),
    )
    muted = LinesField(
        phrase,
        label=gettext_lazy("Muted phrases"),
        help_text=gettext_lazy("One a line. Papers with these words never reach you."),
    )
    cadence = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=Subscriber.Cadence.choices,
        widget=forms.RadioSelect,
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("Weekday"), choices=Subscriber.Weekday.choices, coerce=int
    )
    hour = forms.TypedChoiceField(
        label=gettext_lazy("Hour"),
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        coerce=int,
    )
    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=[(zone, zone.replace("_", " ")) for zone in ZONES],
        error_messages={"invalid_choice": gettext_lazy("There is no time zone “%(value)s”.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = Q(pk__in=self.topic_choices().values("pk"))
        merged = Q(merged_into__isnull=False)  # since the form was opened; ``Choices`` knows where
        self.fields["topics"].queryset = Topic.objects.filter(choices | merged)  # type: ignore[attr-defined]

    def topic_choices(self) -> Any:
        return Topic.objects.offered()

    def groups(self) -> list[tuple[str, list[tuple[Topic, bool]]]]:
        """Topics under their group, each with whether it is ticked."""
        value = self["topics"].value() or []
        ticked = {item.slug if isinstance(item, Topic) else str(item) for item in value}
        topics = self.topic_choices()
        names = dict.fromkeys(topic.group for topic in topics)
        return [
            (name, [(topic, topic.slug in ticked) for topic in topics if topic.group == name])
            for name in names
        ]

    def words_open(self) -> bool:
        """Whether anything is filled in beside the topics, or is wrong there."""
        return any(self[name].value() or self[name].errors for name in (*FOLLOWED[1:], "muted"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not any(data[name] for name in FOLLOWED):
            self.add_error(
                "topics",
                _("Choose at least one topic, or write a phrase or an author of your own."),
            )
        return data

    def choices(self) -> Choices:
        """What was chosen, as far as it is valid."""
        data = {name: value for name, value in self.cleaned_data.items() if name in _CHOSEN}
        topics = tuple(topic.pk for topic in data.pop("topics", ()))
        return Choices(topics=topics, **data)


_CHOSEN = frozenset(Choices.__dataclass_fields__)


class SignupForm(ChoicesForm):
    email = forms.CharField(
        label=gettext_lazy("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    website = forms.CharField(required=False, label=gettext_lazy("Leave this empty"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.PROOF_OF_WORK:
            self.fields["proof"] = ProofField(label=_("Proof that you are no robot"))

    def clean_email(self) -> str:
        return valid_email(self.cleaned_data["email"], domain_problem)


class PreferencesForm(ChoicesForm):
    """All that a reader can set; the weight of each interest they have."""

    max_papers = forms.TypedChoiceField(
        label=gettext_lazy("Papers in a digest, at most"),
        choices=[(n, str(n)) for n in (5, 10, 15, 20, 25, 30)],
        coerce=int,
    )
    sections = forms.MultipleChoiceField(
        label=gettext_lazy("Sections"),
        choices=Section.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Keep at least one section.")},
    )
    text_only = forms.BooleanField(
        label=gettext_lazy("Plain text, without any layout"), required=False
    )
    pause_until = forms.DateField(
        required=False,
        label=gettext_lazy("Pause until"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Nothing is sent before this day. Leave empty to receive digests."),
    )

    def __init__(self, subscriber: Subscriber, *args: Any, **kwargs: Any) -> None:
        self.subscriber = subscriber
        kinds = Interest.Kind.values
        self.interests = sorted(
            subscriber.interests.select_related("topic", "paper").order_by("pk"),
            key=lambda interest: kinds.index(interest.kind),
        )
        kwargs["initial"] = self._stored()
        super().__init__(*args, **kwargs)
        if subscriber.max_papers % 5:  # staff can set any number
            field = self.fields["max_papers"]
            shown = {*range(5, 31, 5), subscriber.max_papers}
            field.choices = [(n, str(n)) for n in sorted(shown)]  # type: ignore[attr-defined]
        for interest in self._weighed():
            self.fields[f"weight-{interest.pk}"] = forms.TypedChoiceField(
                label=_named(interest),
                choices=WEIGHTS,
                coerce=int,
                initial=interest.weight,
                required=False,
                empty_value=str(interest.weight),
                widget=forms.RadioSelect,
            )
        since = timezone.now().date() - LATELY
        if kept_away := Delivery.objects.kept_away(subscriber.pk, since):
            told = ", ".join(f"“{muted}” {count}" for muted, count in kept_away.most_common())
            self.fields["muted"].help_text += " " + _(
                "Papers kept away in the last eight weeks: %(told)s."
            ) % {"told": told}

    def _stored(self) -> dict[str, Any]:
        reader, kind = self.subscriber, Interest.Kind

        def lines(wanted: str, muted: bool = False) -> str:
            return "\n".join(
                (i.paper.arxiv_id or "" if i.paper else i.value)
                for i in self.interests
                if i.kind == wanted and (i.weight < 0) == muted
                and not (i.paper and not i.paper.arxiv_id)
            )  # fmt: skip

        return {
            "topics": [i.topic for i in self.interests if i.topic],
            "phrases": lines(kind.PHRASE),
            "authors": lines(kind.AUTHOR),
            "categories": lines(kind.CATEGORY),
            "papers": lines(kind.PAPER),
            "muted": lines(kind.PHRASE, muted=True),
            "cadence": reader.cadence,
            "weekday": reader.weekday,
            "hour": reader.hour,
            "timezone": reader.timezone,
            "max_papers": reader.max_papers,
            "sections": [name for name in Section.values if name not in reader.sections_off],
            "text_only": reader.text_only,
            "pause_until": reader.paused_until,
        }

    def _weighed(self) -> list[Interest]:
        return [interest for interest in self.interests if interest.weight > 0]

    def weights(self) -> list[forms.BoundField]:
        """One for each interest that is stored."""
        return [self[f"weight-{interest.pk}"] for interest in self._weighed()]

    def chosen_weights(self) -> dict[int, int]:
        """By the pk of the interest."""
        return {i.pk: int(self.cleaned_data[f"weight-{i.pk}"]) for i in self._weighed()}

    def brought(self) -> list[Brought]:
        """The recent papers of each author that is followed now: for the page, not for saving."""
        followed = [i.value for i in self.interests if i.kind == Interest.Kind.AUTHOR]
        return recent_papers(followed, timezone.now().date())

    def topic_choices(self) -> Any:
        """What is offered, and what this reader follows already."""
        return (
            Topic.objects.offered() | Topic.objects.filter(interest__subscriber=self.subscriber)
        ).distinct()

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "sections" in data:
            data["sections_off"] = tuple(s for s in Section.values if s not in data["sections"])
        return data

    def clean_pause_until(self) -> dt.date | None:
        until: dt.date | None = self.cleaned_data["pause_until"]
        zone = self.cleaned_data.get("timezone", self.subscriber.timezone)
        if until and not may_pause(until, zone, timezone.now()):
            if until == self.subscriber.paused_until:
                return None  # the pause is over, and the form still shows it
            raise ValidationError(_("Choose a day after today, within the next year."))
        return until


def _named(interest: Interest) -> str:
    if interest.kind == Interest.Kind.PAPER:
        return _("Papers like “%(title)s”") % {"title": str(interest)[:100]}
    return str(interest)
