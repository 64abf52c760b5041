"""Values of fields: to compare, and as staff read them."""

from typing import Any

from django.db.models import Model, QuerySet

CLIPPED = 200
"""Characters of a value that the log keeps."""


def plain(value: Any) -> Any:
    """The same for a value as it is stored and as a form has cleaned it."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, str):
        return "\n".join(value.splitlines())  # browsers send line ends of their own
    if _of_models(value):
        return sorted(other.pk for other in value)
    return value


def shown(field: Any, value: Any) -> str:
    """A value of a model's field in words; empty for none. ``field`` may be None."""
    if isinstance(value, QuerySet | list | tuple):
        return "; ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    words = dict(getattr(field, "flatchoices", ())).get(value, value)
    return "" if words is None else str(words)


def clip(text: str) -> str:
    return text if len(text) <= CLIPPED else text[: CLIPPED - 1] + "…"


def _of_models(value: Any) -> bool:
    many = isinstance(value, QuerySet | list | tuple)
    return many and all(isinstance(other, Model) for other in value)
