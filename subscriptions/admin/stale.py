"""No lost update: who saves over what another changed meanwhile is told, and shown both."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Model


def version_of(obj: Model, fields: Sequence[str]) -> str:
    """A short hash of the values of ``fields``; the same for the same values.

    For a row as it is stored: values that a form has not cleaned yet may differ in type.
    A relation to many is read in one query, or as it was prefetched.
    """
    stored = {name: _plain(obj._meta.get_field(name), obj) for name in fields}
    text = json.dumps(stored, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(field: Any, obj: Model) -> Any:
    value = field.value_from_object(obj)
    return sorted(other.pk for other in value) if field.many_to_many else value
