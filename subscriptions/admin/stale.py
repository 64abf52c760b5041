"""No lost update: who saves over what another changed meanwhile is told, and shown both."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join

from .values import plain, shown

SEEN = "seen"
LONGEST = 10_000
"""Characters of a value that are shown to compare; a valid one has no more."""
TOLD = """<strong>{}</strong> {}<table>
<thead><tr><th scope=col>Field</th><th scope=col>Stored now</th><th scope=col>Yours</th></tr>
</thead><tbody>{}</tbody></table>
Save again to write yours over what is stored now, or
<a href="">start again from what is stored</a>."""
LEFT_ALONE = format_html("<em>{}</em>", "left alone, and stays as it is stored now")
BELOW = format_html("<em>{}</em>", "as in the form below")


def version_of(obj: Model, fields: Sequence[str]) -> str:
    """A short hash of the values of ``fields``; the same for the same values.

    For a row as it is stored: values that a form has not cleaned yet may differ in type.
    A relation to many is read in one query, or as it was prefetched.
    """
    return _hash({name: plain(value) for name, value in _values(obj, fields).items()})


class StaleSave(admin.ModelAdmin[Any]):
    """Base of an admin whose forms, also those in its list, save over no change unseen.

    The form carries the version that was seen. If the row is another one by now, it comes back
    with both versions and nothing is saved; saving it again writes over what was shown. What an
    editor left alone, a field or a row of a list, stays as others made it.
    """

    class Media:
        css = {"all": ["paper-round/stale.css"]}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            self._lock([unquote(object_id)])
            return super().changeform_view(request, object_id, form_url, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if "_save" not in request.POST:
            return super().changelist_view(request, extra_context)
        with transaction.atomic():
            name = re.compile(rf"form-\d+-{self.opts.pk.name}")
            self._lock([request.POST[key] for key in request.POST if name.fullmatch(key)])
            return super().changelist_view(request, extra_context)

    def _lock(self, pks: list[str]) -> None:
        """So that nobody else saves between the look and the save; SQLite has one writer anyway."""
        rows = self.model._base_manager.filter(pk__in=[pk for pk in pks if pk.isdecimal()])
        list(rows.order_by("pk").select_for_update().values_list("pk"))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if kwargs.get("fields"):
            kwargs["fields"] = [name for name in kwargs["fields"] if name != SEEN]
        form = super().get_form(request, obj, change=change, **kwargs)
        if not self._guards(request, obj):
            return form
        return type(form.__name__, (_SeenForm, form), {"below": self._below(request, obj)})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not self._guards(request, obj) or SEEN in flatten_fieldsets(fieldsets):
            return fieldsets
        (name, options), *others = fieldsets
        return [(name, {**options, "fields": [*options["fields"], SEEN]}), *others]

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        form = super().get_changelist_form(request, **kwargs)
        return type(form.__name__, (_SeenRow, form), {})

    def _guards(self, request: HttpRequest, obj: Any) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    def _below(self, request: HttpRequest, obj: Any) -> list[tuple[str, QuerySet[Any]]]:
        """The rows that are edited on the object's page, by what they are called there."""
        found = []
        for inline in self.get_inline_instances(request, obj):
            if inline.has_change_permission(request, obj):
                formset: Any = inline.get_formset(request, obj)
                rows = inline.get_queryset(request).filter(**{formset.fk.name: obj})
                found.append((str(inline.verbose_name_plural), rows))
        return found


class _SeenField(forms.CharField):
    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class _SeenForm(forms.ModelForm[Any]):
    """Carries the version of each of its fields, that of the rows below them, and when it was.

    Posted without it, by a script for instance, nothing is compared.
    """

    seen = _SeenField(required=False)
    below: list[tuple[str, QuerySet[Any]]] = []
    saved = "Nothing is saved yet."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {field.name for field in self.instance._meta.get_fields()}
        self._now = _values(self.instance, [name for name in self.fields if name in own])
        below = [_values(row, _columns(row)) for _, rows in self.below for row in rows]
        self._version: dict[str, Any] = {
            "fields": {name: _hash(plain(value)) for name, value in self._now.items()},
            "below": _hash(below),
            "at": int(timezone.now().timestamp()),
        }
        self.initial[SEEN] = signing.dumps(self._version, salt=SEEN)

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if seen := self.data.get(self.add_prefix(SEEN)):
            self._compare(_read(seen))
        return data

    def _compare(self, seen: dict[str, Any]) -> None:
        now = self._version["fields"]
        theirs = {name for name in now if now[name] != seen["fields"].get(name)}
        below = self._version["below"] != seen["below"]
        if not theirs and not below:
            return
        typed = {name: _hash(plain(self._typed(name))) for name in now}
        mine = {name for name in now if typed[name] != seen["fields"].get(name)}
        for name in now.keys() - mine:
            self._leave_alone(name)
        if below or any(typed[name] != now[name] for name in mine):
            self._tell([name for name in now if name in theirs | mine], mine, seen["at"], below)

    def _leave_alone(self, name: str) -> None:
        field: Any = self.instance._meta.get_field(name)
        if name in self.cleaned_data:
            stored = self._now[name] if field.many_to_many else getattr(self.instance, name)
            self.cleaned_data[name] = stored
        self.changed_data = [changed for changed in self.changed_data if changed != name]

    def _tell(self, names: list[str], mine: set[str], since: int, below: bool) -> None:
        rows: list[tuple[str, str, str]] = []
        for name in names:
            field = self.instance._meta.get_field(name)
            now = _cell(shown(field, self._now[name]))
            yours = _cell(shown(field, self._typed(name))) if name in mine else LEFT_ALONE
            rows.append((str(self.fields[name].label or name), now, yours))
        if below:
            rows += [(name, _cell("; ".join(map(str, those))), BELOW) for name, those in self.below]
        said = format_html(
            TOLD,
            self._who(since),
            self.saved,
            format_html_join("", "<tr><th scope=row>{}</th><td>{}</td><td>{}</td></tr>", rows),
        )
        self.add_error(None, said)
        self._show(SEEN, self.initial[SEEN])
        for name in self._now.keys() - mine:
            self._show(name, self.fields[name].prepare_value(self._now[name]))

    def _show(self, name: str, value: Any) -> None:
        """Have the form that comes back hold this, not what was posted."""
        data: Any = self.data
        self.data = data = data.copy()
        key = self.add_prefix(name)
        if isinstance(value, list):
            data.setlist(key, value)
        elif value is None or value is False:
            data.pop(key, None)
        else:
            data[key] = value

    def _typed(self, name: str) -> Any:
        return self.cleaned_data[name] if name in self.cleaned_data else self[name].value()

    def _who(self, since: int) -> str:
        """Who changed it last, if the log of staff's changes knows."""
        about = ContentType.objects.get_for_model(self.instance)
        entries = LogEntry.objects.filter(content_type=about, object_id=str(self.instance.pk))
        last = entries.select_related("user").order_by("-pk").first()
        if last is None or last.action_time.timestamp() < since:
            return (
                f"{self.instance} has changed since you opened this page, by none of the staff:"
                " by an import, a command, or its reader."
            )
        at = date_format(timezone.localtime(last.action_time), "DATETIME_FORMAT")
        return f"{last.user} has changed {self.instance} since you opened this page, on {at} UTC."


def _read(seen: str) -> dict[str, Any]:
    """The version a form carries; one that differs from all for what is not of our making."""
    try:
        version: dict[str, Any] = signing.loads(seen, salt=SEEN)
    except signing.BadSignature:
        version = {"fields": {}, "below": "", "at": 0}
    return version


class _SeenRow(_SeenForm):
    """One row of a list, whose fields are named by the head of their column alone."""

    saved = "Nothing in this list is saved yet."

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if name != SEEN:
                field.widget.attrs["aria-label"] = str(field.label or name)


def _values(obj: Model, fields: Sequence[str]) -> dict[str, Any]:
    found: Any = {name: obj._meta.get_field(name) for name in fields}
    return {name: field.value_from_object(obj) for name, field in found.items()}


def _columns(row: Model) -> list[str]:
    return [field.name for field in row._meta.concrete_fields]


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cell(text: str) -> str:
    return text[:LONGEST] or format_html("<em>{}</em>", "empty")
