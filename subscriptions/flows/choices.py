"""What a reader can choose, and how it is stored: shared by signing up and preferences."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from django.db.models.functions import Coalesce

from subscriptions.models import Interest, Paper, Subscriber, Topic

CONSENT_VERSION = "2026-11"
"""Names the wording beside the sign-up button; change both together."""

Kind, Weight = Interest.Kind, Interest.Weight


@dataclass(frozen=True)
class Choices:
    """A validated form: topics by pk, all else in the reader's words; when and how to send."""

    topics: tuple[int, ...] = ()
    phrases: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    papers: tuple[str, ...] = ()
    """Example papers by arXiv id."""
    muted: tuple[str, ...] = ()
    cadence: str = Subscriber.Cadence.WEEKLY
    weekday: int = 0
    hour: int = 8
    timezone: str = "UTC"
    max_papers: int = 10
    sections_off: tuple[str, ...] = ()
    text_only: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What ``as_json`` gave: JSON knows no tuples."""
        values: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        return cls(**values)

    def apply_settings(self, subscriber: Subscriber) -> bool:
        """Copy when and how to send; whether cadence, weekday, hour or zone changed."""
        when = ("cadence", "weekday", "hour", "timezone")
        before = [getattr(subscriber, name) for name in when]
        for name in (*when, "max_papers", "text_only"):
            setattr(subscriber, name, getattr(self, name))
        subscriber.sections_off = list(self.sections_off)
        return before != [getattr(self, name) for name in when]

    def apply_interests(self, subscriber: Subscriber) -> None:
        """Make the interests those chosen; what was there already keeps its weight.

        An example paper that has no arXiv id, which only staff can add, stays.
        """
        wanted = {_key(interest): interest for interest in self.interests(subscriber)}
        stale, respelt = [], []
        for interest in subscriber.interests.select_related("paper"):
            kept = wanted.pop(_key(interest), None)
            if kept and kept.value != interest.value:
                interest.value = kept.value
                respelt.append(interest)
            elif kept is None and not (interest.paper and not interest.paper.arxiv_id):
                stale.append(interest.pk)
        Interest.objects.filter(pk__in=stale).delete()
        Interest.objects.bulk_update(respelt, ["value"])
        # The database may know two spellings as one that Python tells apart.
        Interest.objects.bulk_create(wanted.values(), ignore_conflicts=True)

    def interests(self, subscriber: Subscriber) -> Iterator[Interest]:
        """What these choices say, unsaved: two queries, for topics and papers that are here."""
        found = Topic.objects.filter(pk__in=self.topics)
        topics = dict.fromkeys(found.values_list(Coalesce("merged_into", "pk"), flat=True))
        papers = {p.arxiv_id: p for p in Paper.objects.filter(arxiv_id__in=self.papers)}
        return self.interests_among(subscriber, topics, papers)

    def interests_among(
        self, subscriber: Subscriber, topics: Iterable[int], here: Mapping[str | None, Paper]
    ) -> Iterator[Interest]:
        """As ``interests``, where topics and papers have been looked up for many readers."""
        of = {"subscriber": subscriber}
        for pk in topics:
            yield Interest(**of, kind=Kind.TOPIC, topic_id=pk)
        muted = {phrase.casefold() for phrase in self.muted}
        for phrase in self.phrases:
            if phrase.casefold() not in muted:
                yield Interest(**of, kind=Kind.PHRASE, value=phrase)
        for phrase in self.muted:
            yield Interest(**of, kind=Kind.PHRASE, value=phrase, weight=Weight.MUTED)
        for author in self.authors:
            yield Interest(**of, kind=Kind.AUTHOR, value=author)
        for category in self.categories:
            yield Interest(**of, kind=Kind.CATEGORY, value=category)
        for arxiv_id in self.papers:
            if paper := here.get(arxiv_id):
                yield Interest(**of, kind=Kind.PAPER, paper=paper)
            else:
                yield Interest(**of, kind=Kind.PAPER, value=arxiv_id)


def _key(interest: Interest) -> tuple[object, ...]:
    paper = interest.paper
    value = (paper.arxiv_id if paper else None) or interest.value
    return interest.kind, interest.topic_id, value.casefold(), interest.weight < 0
