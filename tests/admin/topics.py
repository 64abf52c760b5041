"""What tests of the topics' pages share."""

from typing import Any

from django.urls import reverse

from subscriptions.models import Topic

HTMX: dict[str, Any] = {"HX-Request": "true"}


def url(page: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_topic_{page}", args=args)


def fields(topic: Topic, **changes: str) -> dict[str, str]:
    return {
        "name": topic.name,
        "group": topic.group,
        "description": topic.description,
        "phrases": "\n".join(topic.phrases),
        "categories": "\n".join(topic.categories),
        **changes,
    }
