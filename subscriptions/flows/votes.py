"""Upvotes: that a reader finds a paper worth reading, each once."""

import datetime as dt

from django.db import transaction

from subscriptions.models import Paper, Subscriber, Upvote

from .trends import recount


def give(reader: Subscriber, paper: Paper, now: dt.datetime) -> None:
    """Count a reader's vote; a second one changes nothing."""
    with transaction.atomic():
        Paper.objects.select_for_update().get(pk=paper.pk)  # first, as an import locks papers
        _, new = Upvote.objects.get_or_create(
            subscriber=reader, paper=paper, defaults={"given_at": now}
        )
        if new:
            recount(Paper.objects.filter(pk=paper.pk))


def take_back(reader: Subscriber, paper: Paper) -> None:
    with transaction.atomic():
        Paper.objects.select_for_update().get(pk=paper.pk)
        if Upvote.objects.filter(subscriber=reader, paper=paper).delete()[0]:
            recount(Paper.objects.filter(pk=paper.pk))
