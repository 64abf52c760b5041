"""What readers fill in: one form of choices, with an address when they sign up."""

import datetime as dt
import unicodedata
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from email_validator import EmailNotValidError, validate_email

from subscriptions.flows.authors import Brought, recent_papers
from subscriptions.flows.choices import Choices
from subscriptions.models import Delivery, Interest, Subscriber, Topic

MAX_PHRASES = 30
LATELY = dt.timedelta(weeks=8)
ZONES = sorted(zone for zone in available_timezones() if zone[0].isupper() and zone != "Factory")


class PhrasesField(forms.CharField):
    """One phrase a line; cleans to a tuple without blanks and repeats."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"})
        super().__init__(required=False, max_length=4000, widget=widget, **kwargs)

    def clean(self, value: Any) -> tuple[str, ...]:
        text = unicodedata.normalize("NFC", super().clean(value))
        lines = [" ".join(line.split()) for line in text.splitlines()]
        phrases = {line.casefold(): line for line in lines if line}
        if len(phrases) > MAX_PHRASES:
            raise ValidationError(f"At most {MAX_PHRASES} phrases; these are {len(phrases)}.")
        for phrase in phrases.values():
            if len(phrase) > 120:
                raise ValidationError(f"A phrase has at most 120 characters: “{phrase[:30]}…”.")
            if not any(char.isalnum() for char in phrase):
                raise ValidationError(f"“{phrase}” has no word in it.")
        return tuple(phrases.values())


class ChoicesForm(forms.Form):
    """Topics, own phrases, authors, muted phrases, and when to send."""

    topics = forms.ModelMultipleChoiceField(
        Topic.objects.none(),
        to_field_name="slug",
        required=False,
        error_messages={"invalid_choice": "There is no topic “%(value)s”."},
    )
    phrases = PhrasesField(
        label="Your own phrases", help_text="One a line, in the words papers use."
    )
    authors = PhrasesField(
        label="Authors",
        help_text="One a line. Where others have the name, say where: Wei Zhang (cs.CV).",
    )
    muted = PhrasesField(
        label="Muted phrases", help_text="One a line. Papers with these words never reach you."
    )
    cadence = forms.ChoiceField(choices=Subscriber.Cadence.choices, widget=forms.RadioSelect)
    weekday = forms.TypedChoiceField(choices=Subscriber.Weekday.choices, coerce=int)
    hour = forms.TypedChoiceField(
        choices=[(hour, f"{hour:02}:00") for hour in range(24)], coerce=int
    )
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=[(zone, zone.replace("_", " ")) for zone in ZONES],
        error_messages={"invalid_choice": "There is no time zone “%(value)s”."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["topics"].queryset = self.topic_choices()  # type: ignore[attr-defined]

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

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not any(data[name] for name in ("topics", "phrases", "authors")):
            self.add_error(
                "topics", "Choose at least one topic, or write a phrase or an author of your own."
            )
        return data

    def choices(self) -> Choices:
        data = self.cleaned_data
        return Choices(
            topics=tuple(topic.pk for topic in data["topics"]),
            phrases=data["phrases"],
            authors=data["authors"],
            muted=data["muted"],
            cadence=data["cadence"],
            weekday=data["weekday"],
            hour=data["hour"],
            timezone=data["timezone"],
        )


class SignupForm(ChoicesForm):
    email = forms.CharField(
        label="Email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    website = forms.CharField(required=False, label="Leave this empty")

    def clean_email(self) -> str:
        value = self.cleaned_data["email"]
        try:
            checked = validate_email(value, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError as error:
            raise ValidationError(f"That is not an email address: {error}") from error
        return checked.normalized


class PreferencesForm(ChoicesForm):
    pause_until = forms.DateField(
        required=False,
        label="Pause until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Nothing is sent before this day. Leave empty to receive digests.",
    )

    def __init__(self, subscriber: Subscriber, *args: Any, **kwargs: Any) -> None:
        self.subscriber = subscriber
        interests = list(subscriber.interests.select_related("topic"))
        values = [i for i in interests if i.kind == Interest.Kind.PHRASE]
        self.followed = [i.value for i in interests if i.kind == Interest.Kind.AUTHOR]
        kwargs["initial"] = {
            "topics": [i.topic for i in interests if i.topic],
            "phrases": "\n".join(i.value for i in values if i.weight > 0),
            "authors": "\n".join(self.followed),
            "muted": "\n".join(i.value for i in values if i.weight < 0),
            "cadence": subscriber.cadence,
            "weekday": subscriber.weekday,
            "hour": subscriber.hour,
            "timezone": subscriber.timezone,
            "pause_until": subscriber.paused_until,
        }
        super().__init__(*args, **kwargs)
        since = timezone.now().date() - LATELY
        if kept_away := Delivery.objects.kept_away(subscriber.pk, since):
            told = ", ".join(f"“{phrase}” {count}" for phrase, count in kept_away.most_common())
            self.fields["muted"].help_text += f" Papers kept away in the last eight weeks: {told}."

    def brought(self) -> list[Brought]:
        """The recent papers of each author that is followed now: for the page, not for saving."""
        return recent_papers(self.followed, timezone.now().date())

    def topic_choices(self) -> Any:
        """What is offered, and what this reader follows already."""
        return (
            Topic.objects.offered() | Topic.objects.filter(interest__subscriber=self.subscriber)
        ).distinct()

    def clean_pause_until(self) -> dt.date | None:
        until: dt.date | None = self.cleaned_data["pause_until"]
        today = timezone.now().date()
        if until and not today < until <= today + dt.timedelta(days=366):
            if until <= today and until == self.subscriber.paused_until:
                return None  # the pause is over, and the form still shows it
            raise ValidationError("Choose a day after today, within the next year.")
        return until
