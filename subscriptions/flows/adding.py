"""Papers that editors add by id or link: picked where they are here, else fetched first."""

import datetime as dt

from subscriptions.models import Paper
from subscriptions.sources.ids import arxiv_id, doi

from .curating import Change, check_day, pick
from .refused import Refused
from .wanted import want_pick


def add(named: str, day: dt.date, now: dt.datetime) -> Change | str:
    """Pick the paper of an arXiv id, a DOI or a link for a day.

    Returns what that changed, or the arXiv id of one that is fetched first. Raises Refused.
    """
    arxiv = arxiv_id(named)
    found = None if arxiv else doi(named)
    if not arxiv and not found:
        raise Refused("That is no arXiv id, arXiv link or DOI; one looks like 2511.01234.")
    known = Paper.objects.filter(arxiv_id=arxiv[0]) if arxiv else Paper.objects.filter(doi=found)
    if paper := known.first():
        if paper.hidden:
            raise Refused(f"It is hidden as {paper.get_hidden_display()}: show it again first.")
        return pick([paper.pk], day, now.date())
    if not arxiv:
        raise Refused("No paper here has this DOI. What arXiv has can be fetched by its arXiv id.")
    check_day(day, now.date())
    want_pick(arxiv[0], day, now)
    return arxiv[0]
