"""What a reader can choose, and how it is stored: shared by signing up and preferences."""

from dataclasses import dataclass

from subscriptions.models import Interest, Subscriber

CONSENT_VERSION = "2026-11"
"""Names the wording beside the sign-up button; change both together."""


@dataclass(frozen=True)
class Choices:
    """A validated form: topics by pk, phrases in the reader's words, authors, when to send."""

    topics: tuple[int, ...]
    phrases: tuple[str, ...]
    muted: tuple[str, ...]
    cadence: str
    weekday: int
    hour: int
    timezone: str
    authors: tuple[str, ...] = ()

    def apply_schedule(self, subscriber: Subscriber) -> bool:
        """Copy cadence, weekday, hour and zone; whether any of them changed."""
        fields = ("cadence", "weekday", "hour", "timezone")
        before = [getattr(subscriber, name) for name in fields]
        for name in fields:
            setattr(subscriber, name, getattr(self, name))
        return before != [getattr(self, name) for name in fields]

    def apply_interests(self, subscriber: Subscriber) -> None:
        """Make topics, phrases and authors those chosen; others, and kept ones' weights, stay."""
        kinds = [Interest.Kind.TOPIC, Interest.Kind.PHRASE, Interest.Kind.AUTHOR]
        wanted = self._interests(subscriber)
        stale = []
        for interest in subscriber.interests.filter(kind__in=kinds):
            kept = wanted.pop(_key(interest), None)
            if kept is None:
                stale.append(interest.pk)
        Interest.objects.filter(pk__in=stale).delete()
        Interest.objects.bulk_create(wanted.values())

    def _interests(self, subscriber: Subscriber) -> dict[tuple[object, ...], Interest]:
        topics = [
            Interest(subscriber=subscriber, kind=Interest.Kind.TOPIC, topic_id=pk)
            for pk in self.topics
        ]
        phrases = [
            Interest(subscriber=subscriber, kind=Interest.Kind.PHRASE, value=value, weight=weight)
            for values, weight in (
                (self.phrases, Interest.Weight.NORMAL),
                (self.muted, Interest.Weight.MUTED),
            )
            for value in values
        ]
        # A phrase both followed and muted is muted: it comes last.
        by_value = {phrase.value.casefold(): phrase for phrase in phrases}
        authors = [
            Interest(subscriber=subscriber, kind=Interest.Kind.AUTHOR, value=value)
            for value in self.authors
        ]
        chosen = [*topics, *by_value.values(), *authors]
        return {_key(interest): interest for interest in chosen}


def _key(interest: Interest) -> tuple[object, ...]:
    return interest.kind, interest.topic_id, interest.value, interest.weight < 0
