"""The starter topics, kept up to date without undoing what editors changed."""

import json
from pathlib import Path
from typing import Any

from django.db import transaction

from subscriptions.models import Topic

TOPICS = Path(__file__).resolve().parent.parent / "data" / "topics.json"
FIELDS = ("name", "group", "description", "phrases", "categories")


def load_topics(path: Path = TOPICS) -> tuple[int, int, int]:
    """Create or update topics by slug; (new, updated, unchanged).

    Of a topic that is here already, a field is updated only if it still is what this
    command last wrote: what an editor changed is kept. A name that another topic has is left
    to it.
    """
    new = updated = 0
    entries = json.loads(path.read_text(encoding="utf-8"))
    with transaction.atomic():
        stored = {topic.slug: topic for topic in Topic.objects.select_for_update()}
        owners = {topic.name.casefold(): topic.slug for topic in stored.values()}
        for position, entry in enumerate(entries):
            values = {name: entry[name] for name in FIELDS}
            topic = stored.get(entry["slug"])
            taken = owners.get(values["name"].casefold(), entry["slug"]) != entry["slug"]
            if topic is not None:
                if taken:
                    values["name"] = topic.loaded.get("name")
                updated += _update(topic, values)
            elif not taken:
                Topic.objects.create(slug=entry["slug"], position=position, loaded=values, **values)
                new += 1
    return new, updated, len(entries) - new - updated


def _update(topic: Topic, values: dict[str, Any]) -> bool:
    if topic.loaded == values:
        return False
    for name, value in values.items():
        if getattr(topic, name) == topic.loaded.get(name):
            setattr(topic, name, value)
    topic.loaded = values
    topic.save()
    return True
