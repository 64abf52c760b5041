"""What the admin’s front page shows: days to come, sources, sending, what needs a person."""

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from subscriptions.digests.due import first_and_last
from subscriptions.digests.progress import ORDER, Progress, progress
from subscriptions.flows.health import source_health
from subscriptions.models import (
    Delivery,
    DoubtfulPair,
    Edition,
    EditionReport,
    Listing,
    MailboxState,
    Paper,
    Pick,
    Submission,
    WantedPaper,
)
from subscriptions.sources import source_label

DAYS = 10
"""So many days that are not released are shown, the newest."""
SENT_DAYS = 5
"""Of so many days with deliveries the desk shows how they went."""


class Day(NamedTuple):
    """A day that is not released."""

    edition: Edition
    papers: int
    picks: int
    sent: tuple[dt.datetime, dt.datetime] | None
    """When its first and its last reader get it, if it is released in time."""


class Wait(NamedTuple):
    """Something that waits for a person, and where it is settled."""

    text: str
    url: str


class Bar(NamedTuple):
    """The deliveries of a day."""

    day: dt.date
    total: int
    parts: list[tuple[str, int, str]]
    """State, count and the text that says both."""
    url: str


def desk(user: Any, now: dt.datetime) -> dict[str, Any]:
    """What this user may see of it; the number of queries depends on the sources alone."""
    how_far = progress(now)
    found: dict[str, Any] = {"now": now, "waits": list(_waits(user, how_far, now))}
    if user.has_perm("subscriptions.view_edition"):
        found["days"] = _days(now)
    if user.has_perm("subscriptions.view_sourcerun"):
        found["sources"] = source_health(now)
        found["today"] = _came(now.date())
        found["troubles"] = [one for one in found["sources"] if one.state.is_trouble]
    if user.has_perm("subscriptions.view_edition") or user.has_perm("subscriptions.view_delivery"):
        found["bars"] = _bars(user, how_far)
        found["uses"] = how_far.uses
    return found


def _days(now: dt.datetime) -> list[Day]:
    """Today and the days that are over and not released, the newest first: nine queries."""
    waiting = Edition.objects.exclude(status=Edition.Status.RELEASED).order_by("-day")
    editions = list(waiting[:DAYS])
    days = [edition.day for edition in editions]
    papers = per_day(Listing.objects.filter(day__in=days))
    picks = per_day(Pick.objects.filter(day__in=days))
    over = min(days, default=now.date())
    spans = {True: first_and_last(now.date(), now), False: first_and_last(over, now)}
    return [
        Day(
            edition,
            papers.get(edition.day, 0),
            picks.get(edition.day, 0),
            spans[edition.status == Edition.Status.OPEN],
        )
        for edition in editions
    ]


def per_day(rows: QuerySet[Any]) -> dict[dt.date, int]:
    """How many papers that are not hidden each day has, of listings or of picks."""
    hidden = Paper.objects.exclude(hidden=Paper.Hidden.NO)  # few; a join would read all others
    shown = rows.exclude(paper__in=hidden).order_by().values_list("day")
    return dict(shown.annotate(Count("paper", distinct=True)))


def _came(today: dt.date) -> list[tuple[str, int]]:
    """How many papers today's edition has from each source, most first."""
    listed = Listing.objects.filter(day=today).order_by().values_list("source")
    counts = listed.annotate(n=Count("paper", distinct=True)).order_by("-n")
    return [(source_label(source), count) for source, count in counts]


def _bars(user: Any, how_far: Progress) -> list[Bar]:
    """How the last days' deliveries went, the newest day first; days before as last counted."""
    bars: list[Bar] = []
    days = list(islice(_sent_days(), SENT_DAYS))
    reports = EditionReport.objects.filter(edition__day__in=days)
    counted = dict(reports.values_list("edition__day", "figures__deliveries"))
    for day in days:
        counts = how_far.counts if day == how_far.day else counted.get(day) or _by_state(day)
        parts = [
            (state.value, counts[state], f"{counts[state]:,} {state.label.lower()}")
            for state in ORDER
            if state in counts
        ]
        url = ""
        if user.has_perm("subscriptions.view_delivery"):
            url = _list("delivery", day=day)
        bars.append(Bar(day, sum(counts.values()), parts, url))
    return bars


def _sent_days() -> Iterator[dt.date]:
    """The days that have deliveries, the newest first: one query each."""
    newest = Delivery.objects.order_by("-newest_day").values_list("newest_day", flat=True)
    day: dt.date | None = dt.date.max
    while day := newest.filter(newest_day__lt=day).first():
        yield day


def _by_state(day: dt.date) -> dict[str, int]:
    rows = Delivery.objects.filter(newest_day=day).order_by().values_list("status")
    return dict(rows.annotate(n=Count("*")))  # by the index alone; a count of pk reads the rows


def _waits(user: Any, how_far: Progress, now: dt.datetime) -> Iterator[Wait]:
    """What needs a person, of what this user may settle."""
    may = user.has_perm
    if may("subscriptions.release_edition"):
        yield from _to_release()
    if may("subscriptions.change_submission"):
        count = Submission.objects.filter(status=Submission.Status.WAITING).count()
        if count:
            yield Wait(
                _many(count, "paper that a reader put forward", "papers that readers put forward"),
                _list("submission", status__exact="waiting"),
            )
    if may("subscriptions.change_doubtfulpair"):
        count = DoubtfulPair.objects.filter(status=DoubtfulPair.Status.OPEN).count()
        if count:
            yield Wait(
                _many(count, "pair of papers that may be one", "pairs of papers that may be one"),
                _list("doubtfulpair", status__exact="open"),
            )
    if may("subscriptions.add_pick"):
        missing = WantedPaper.objects.filter(
            status=WantedPaper.Status.MISSING, pick_day__gte=now.date()
        ).count()
        if missing:
            yield Wait(
                f"arXiv does not know {_many(missing, 'paper', 'papers')} that you want to pick",
                reverse("admin:subscriptions_paper_board"),
            )
    if may("subscriptions.change_delivery"):
        yield from _to_settle(how_far)


def _to_release() -> Iterator[Wait]:
    closed = Edition.objects.filter(
        Q(held_at__isnull=False) | Q(status=Edition.Status.CLOSED)
    ).exclude(status=Edition.Status.RELEASED)
    for edition in closed.order_by("day")[:DAYS]:
        url = reverse("admin:subscriptions_edition_change", args=[edition.pk])
        if edition.held_at:
            why = f": {edition.hold_reason}" if edition.hold_reason else ""
            yield Wait(f"{edition.day:%d %B} is held{why}", url)
        elif settings.EDITIONS_NEED_APPROVAL:
            second = f", approved by {edition.approved_by}" if edition.approved_by_id else ""
            yield Wait(f"{edition.day:%d %B} waits to be released{second}", url)


def _to_settle(how_far: Progress) -> Iterator[Wait]:
    if how_far.pause:
        yield Wait(f"Sending is paused: {how_far.pause.reason}", _list("delivery"))
    for pause in how_far.paused:
        yield Wait(f"Nothing is sent to {pause.domain}: {pause.reason}", _list("domainpause"))
    mailbox = MailboxState.objects.exclude(trouble="") if settings.IMAP_URL else []
    for one in mailbox:
        since = f"{one.trouble_since:%d %B, %H:%M} UTC"
        yield Wait(f"The mailbox cannot be read since {since}: {one.trouble}", _list("domainday"))
    state = Delivery.Status.IN_DOUBT
    count = how_far.counts.get(state, 0) + how_far.older.get(state, 0)
    if count and settings.IN_DOUBT_POLICY == "hold":
        yield Wait(
            _many(count, "delivery in doubt", "deliveries in doubt"),
            _list("delivery", status__exact=state.value),
        )


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _list(model: str, **query: object) -> str:
    url = reverse(f"admin:subscriptions_{model}_changelist")
    return f"{url}?{urlencode(query)}" if query else url
