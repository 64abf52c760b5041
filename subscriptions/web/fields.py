"""Form fields of our own: several words or names, one a line."""

import unicodedata
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from subscriptions.sources.arxiv_categories import category
from subscriptions.sources.ids import arxiv_id

MOST_LINES = 30


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
        if len(found) > MOST_LINES:
            raise ValidationError(
                _("At most %(most)s lines; these are %(count)s.")
                % {"most": MOST_LINES, "count": len(found)}
            )
        return tuple(found.values())


def phrase(line: str) -> str:
    if len(line) > 120:
        raise ValidationError(_("A line has at most 120 characters: “%s…”.") % line[:30])
    if not any(char.isalnum() for char in line):
        raise ValidationError(_("“%s” has no word in it.") % line)
    return line


def arxiv_category(line: str) -> str:
    if found := category(line):
        return found
    raise ValidationError(
        _("There is no arXiv category “%s”; one is cs.CL, another astro-ph.CO.") % line[:30]
    )


def example_paper(line: str) -> str:
    if found := arxiv_id(line):
        return found[0]
    raise ValidationError(_("“%s” is not an arXiv id or link; one is 1706.03762.") % line[:60])
