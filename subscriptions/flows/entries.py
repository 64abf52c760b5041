"""What a reader may follow, as it is written: a phrase, an arXiv category, an example paper."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from subscriptions.sources.arxiv_categories import category
from subscriptions.sources.ids import arxiv_id

MOST_ENTRIES = 30
"""Of one kind, for one reader."""


def phrase(text: str) -> str:
    """Or a name. Raises ValidationError for what is too long or has no word."""
    if len(text) > 120:
        raise ValidationError(_("A line has at most 120 characters: “%s…”.") % text[:30])
    if not any(char.isalnum() for char in text):
        raise ValidationError(_("“%s” has no word in it.") % text)
    return text


def arxiv_category(text: str) -> str:
    """As arXiv spells it. Raises ValidationError for one that there is not."""
    if found := category(text):
        return found
    raise ValidationError(
        _("There is no arXiv category “%s”; one is cs.CL, another astro-ph.CO.") % text[:30]
    )


def example_paper(text: str) -> str:
    """The arXiv id in an id or link. Raises ValidationError for anything else."""
    if found := arxiv_id(text):
        return found[0]
    raise ValidationError(_("“%s” is not an arXiv id or link; one is 1706.03762.") % text[:60])
