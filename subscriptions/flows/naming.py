"""Which stored paper somebody means."""

import re

from subscriptions.models import Paper
from subscriptions.sources.ids import arxiv_id, doi

_PAGE = re.compile(r"(?:.*/papers/)?(\d{1,18})/?", re.ASCII)


def paper_named(text: str) -> Paper | None:
    """By arXiv id or link, DOI, or the address or number of its page here."""
    typed = text.strip()
    if found := arxiv_id(typed):
        return Paper.objects.filter(arxiv_id=found[0]).first()
    if named := doi(typed):
        return Paper.objects.filter(doi=named).first()
    page = _PAGE.fullmatch(typed)
    return Paper.objects.filter(pk=page[1]).first() if page else None
