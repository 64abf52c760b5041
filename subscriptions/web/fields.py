"""Form fields of our own: several words or names, one a line."""

import unicodedata
from collections.abc import Callable
from typing import Any

from django import forms

from subscriptions.flows.validation import entries


class LinesField(forms.CharField):
    """One entry a line; cleans to a tuple without blanks and repeats."""

    def __init__(self, read: Callable[[str], str], **kwargs: Any) -> None:
        """``read`` makes of a line what it means, or raises ValidationError."""
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"})
        super().__init__(required=False, max_length=4000, widget=widget, **kwargs)
        self.read = read

    def clean(self, value: Any) -> tuple[str, ...]:
        text = unicodedata.normalize("NFC", super().clean(value))
        return entries(text.splitlines(), self.read)
