"""What several admin modules share: lists as lines, addresses, tables nobody edits by hand."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest


class LinesField(forms.CharField):
    """A JSON list of texts, edited one a line."""

    widget = forms.Textarea(attrs={"rows": 6})

    def __init__(self, *, encoder: Any = None, decoder: Any = None, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "help_text": "One a line."})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """The lines, without blanks and repeats."""
        lines = (" ".join(line.split())[:200] for line in str(value or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


_BRACKETS = re.compile(r"<([^<>]+)>")


def address_in(typed: str) -> str:
    """An address, or its beginning, as people write it: ``Ada Ito <Ada@example.org>``."""
    found = _BRACKETS.search(typed)
    return (found[1] if found else typed).strip().removeprefix("mailto:").strip()


class AddressField(forms.EmailField):
    """An address as people write it."""

    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"})

    def to_python(self, value: Any) -> str:
        return address_in(str(super().to_python(value)))


LISTS_AS_LINES: "dict[type[models.Field[Any, Any]], dict[str, Any]]" = {
    models.JSONField: {"form_class": LinesField}
}


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Shown, never added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
