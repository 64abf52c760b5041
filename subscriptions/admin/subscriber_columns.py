"""The columns that readers are exported in; an import takes the same."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Prefetch, QuerySet
from import_export.fields import Field
from import_export.resources import ModelResource

from subscriptions.flows.reader_columns import join
from subscriptions.models import Interest, Subscriber

CHUNK = 1_000

Kind = Interest.Kind


class SubscriberResource(ModelResource):
    """What a reader chose, when they agreed, and how they stand."""

    topics = Field()
    phrases = Field()
    authors = Field()
    categories = Field()
    papers = Field()
    muted = Field()

    class Meta:
        model = Subscriber
        fields = (
            "email", "status", "topics", "phrases", "authors", "categories", "papers", "muted",
            "cadence", "weekday", "hour", "timezone", "max_papers", "sections_off", "text_only",
            "paused_until", "confirmed_at", "consent_source",
        )  # fmt: skip

    def lines(self, readers: QuerySet[Subscriber]) -> Iterator[list[str]]:
        """The names of the columns, then each reader; never more than a thousand in memory."""
        interests = (
            Interest.objects.select_related("topic", "paper")
            .order_by("pk")
            .only("subscriber", "kind", "value", "weight", "topic__slug", "paper__arxiv_id")
        )
        found = readers.order_by("pk").prefetch_related(Prefetch("interests", interests))
        fields = self.get_export_fields()
        yield self.get_export_headers()
        for reader in found.iterator(CHUNK):
            yield [self.export_field(field, reader) for field in fields]

    def dehydrate_topics(self, reader: Subscriber) -> str:
        return join([i.topic.slug for i in reader.interests.all() if i.topic])

    def dehydrate_phrases(self, reader: Subscriber) -> str:
        return _values(reader, Kind.PHRASE)

    def dehydrate_authors(self, reader: Subscriber) -> str:
        return _values(reader, Kind.AUTHOR)

    def dehydrate_categories(self, reader: Subscriber) -> str:
        return _values(reader, Kind.CATEGORY)

    def dehydrate_papers(self, reader: Subscriber) -> str:
        """By arXiv id; of one that has none, nothing tells another site."""
        examples = [i for i in reader.interests.all() if i.kind == Kind.PAPER]
        ids = [(i.paper.arxiv_id if i.paper else i.value) or "" for i in examples]
        return join(list(filter(None, ids)))

    def dehydrate_muted(self, reader: Subscriber) -> str:
        return _values(reader, Kind.PHRASE, muted=True)

    def dehydrate_weekday(self, reader: Subscriber) -> str:
        return Subscriber.Weekday(reader.weekday).name.capitalize()

    def dehydrate_sections_off(self, reader: Subscriber) -> str:
        return join(reader.sections_off)


def _values(reader: Any, kind: Interest.Kind, *, muted: bool = False) -> str:
    """The entries of one kind in a cell."""
    found = [i for i in reader.interests.all() if i.kind == kind and (i.weight < 0) == muted]
    return join([i.value for i in found])
