"""Form fields of our own: several words or names, one a line."""

import unicodedata
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from subscriptions.flows.entries import MOST_ENTRIES


class LinesField(forms.CharField):
    """One entry a line; cleans to a tuple without blanks and repeats."""

    def __init__(self, read: Callable[[str], str], **kwargs: Any) -> None:
        """``read`` makes of a line what it means, or raises ValidationError."""
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"})
        super().__init__(required=False, max_length=4000, widget=widget, **kwargs)
        self.read = read

    def clean(self, value: Any) -> tuple[str, ...]:
        text = unicodedata.normalize("NFC", super().clean(value))
        lines = [" ".join(line.split()) for line in text.splitlines()]
        found = {entry.casefold(): entry for entry in map(self.read, filter(None, lines))}
        if len(found) > MOST_ENTRIES:
            raise ValidationError(
                _("At most %(most)s lines; these are %(count)s.")
                % {"most": MOST_ENTRIES, "count": len(found)}
            )
        return tuple(found.values())
