"""What the admin's log says of a change by hand: each field, before and after."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse

from .values import clip, shown


class History(admin.ModelAdmin[Any]):
    """Base of an admin whose log has values, and whose history shows them."""

    names_only = False
    """The log has the fields' names alone: erasing a reader must leave no trace of them."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, dict[str, Any]]]:
        below = None if self.names_only else formsets
        message: list[Any] = super().construct_change_message(request, form, below or (), add)
        if self.names_only:
            changed = [
                str(rows.model._meta.verbose_name_plural)
                for rows in formsets or ()
                if rows.has_changed()
            ]
            return message + ([{"changed": {"fields": changed}}] if changed else [])
        if form.changed_data and not add:
            message[0]["changed"]["values"] = [
                (self._shown(name, form.initial), self._shown(name, form.cleaned_data))
                for name in form.changed_data
            ]
        return message

    def _shown(self, name: str, values: dict[str, Any]) -> str:
        field = next((field for field in self.opts.get_fields() if field.name == name), None)
        return clip(shown(field, values.get(name)))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        context: dict[str, Any] = getattr(response, "context_data", None) or {}
        for entry in context.get("action_list", ()):
            entry.values = values_of(entry)
        return response


def values_of(entry: LogEntry) -> list[tuple[str, str, str]]:
    """Field, before and after, for each that a log entry tells of."""
    try:
        parts = json.loads(entry.change_message)
    except ValueError:  # a sentence
        return []
    changed = [part["changed"] for part in parts if "changed" in part]
    return [
        (field, before, after)
        for about in changed
        for field, (before, after) in zip(about["fields"], about.get("values", ()), strict=False)
    ]
