"""What editors do with papers: put forward, note, order and hide them; each change can be undone.

Every change is made in one place, one at a time, and asking for it twice changes nothing more.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.formats import date_format

from subscriptions import notes
from subscriptions.models import WINDOW_DAYS, Edition, Paper, Pick, Topic

from .approvals import lock, touched
from .refused import Refused

AHEAD = dt.timedelta(days=366)
"""A pick is scheduled for no later day."""
LAST = 32_767
"""The position of what goes to the end."""


class Put(NamedTuple):
    """A pick as it was or shall be: what undoing restores."""

    position: int
    note: str
    topics: list[int]
    """None: for everyone."""


@dataclass
class Change:
    """What a change did."""

    hidden: list[tuple[int, str, str]] = field(default_factory=list)
    """(paper, reason before, reason after), an empty reason for one that is shown."""
    picks: list[tuple[int, dt.date, Put | None, Put | None]] = field(default_factory=list)
    """(paper, day, before, after), with None where it was or is no pick of that day."""

    @classmethod
    def load(cls, dumped: list[Any]) -> "Change":
        hidden, picks = dumped
        return cls(
            [(paper, before, after) for paper, before, after in hidden],
            [
                (paper, dt.date.fromisoformat(day), before and Put(*before), after and Put(*after))
                for paper, day, before, after in picks
            ],
        )

    def dump(self) -> list[Any]:
        """As JSON, for a session to keep."""
        return [self.hidden, [(paper, str(day), *puts) for paper, day, *puts in self.picks]]

    def __bool__(self) -> bool:
        return bool(self.hidden or self.picks)

    @property
    def papers(self) -> set[int]:
        return {paper for paper, *_ in self.hidden} | {paper for paper, *_ in self.picks}


@contextmanager
def alone() -> Iterator[None]:
    """A transaction in which nobody else curates: positions are counted, and a note compared.

    The first edition stands for all: days to come have no row, and an import, which may take
    seconds, locks the open one.
    """
    with transaction.atomic():
        list(Edition.objects.select_for_update().order_by("day")[:1])
        yield


def pick(papers: Collection[int], day: dt.date, today: dt.date, note: str = "") -> Change:
    """Put papers forward on a day, after its other picks. Picks that are there stay as they are.

    Hidden papers are left out. Raises Refused for a day too long ago or too far ahead.
    """
    check_day(day, today)
    with _changing(papers, [day]) as change:
        there = set(Pick.objects.filter(day=day).values_list("paper", flat=True))
        visible = set(Paper.objects.visible().filter(pk__in=papers).values_list("pk", flat=True))
        new = [paper for paper in papers if paper in visible - there]
        _put(day, {paper: Put(LAST, notes.clean(note), []) for paper in new})
    return change


def take_back(papers: Collection[int], day: dt.date) -> Change:
    """Put papers forward on a day no more."""
    with _changing(papers, [day]) as change:
        _put(day, dict.fromkeys(papers))
    return change


def edit(
    paper: int, day: dt.date, to: dt.date, note: str, topics: Collection[int], today: dt.date
) -> Change:
    """Give a paper's pick a note, its topics and a day; it is picked where it was not.

    A pick whose day is released stays there: readers may have had it. Raises Refused.
    """
    with _changing([paper], [day, to]) as change:
        before = _picks([paper], [day, to])
        put = Put(LAST, notes.clean(note), sorted(topics))
        if not before and not Paper.objects.visible().filter(pk=paper).exists():
            raise Refused("It is hidden: show it again first.")
        if (paper, to) not in before:
            check_day(to, today)
        if (paper, day) in before and day == to:
            put = put._replace(position=before[paper, day].position)
        elif (paper, day) in before:
            _may_move(day, to)
            _put(day, {paper: None})
        if day != to and (paper, to) in before:
            raise Refused(f"It is a pick of {said(to)} already.")
        _put(to, {paper: put})
    return change


def place(paper: int, day: dt.date, position: Callable[[int], int]) -> Change:
    """Move a pick within its day, to where ``position`` says from where it is (0 is first)."""
    with _changing([paper], [day]) as change:
        if now := _picks([paper], [day]).get((paper, day)):
            _put(day, {paper: now._replace(position=max(position(now.position), 0))})
    return change


def hide(papers: Collection[int], reason: Paper.Hidden) -> Change:
    """Have papers reach nobody, and say why; ``Paper.Hidden.NO`` shows them again."""
    with _changing(papers, []) as change:
        Paper.objects.filter(pk__in=papers).update(hidden=reason)
    return change


def undo(change: Change) -> tuple[Change, int]:
    """Put back what was before a change; what somebody has changed since stays as it is.

    Returns what that did, and how much was left.
    """
    left = 0
    days = {day for _, day, _, _ in change.picks}
    with _changing(change.papers, days) as undone:
        for before, after in {(before, after) for _, before, after in change.hidden}:
            papers = [row[0] for row in change.hidden if row[1:] == (before, after)]
            rows = Paper.objects.filter(pk__in=papers, hidden=after)
            left += len(papers) - rows.update(hidden=before)
        now = _picks(change.papers, days)
        back: dict[dt.date, dict[int, Put | None]] = {day: {} for day in days}
        for paper, day, was, became in change.picks:
            if _same(now.get((paper, day)), became):
                back[day][paper] = was
            else:
                left += 1
        for day, wanted in back.items():
            _put(day, wanted)
    return undone, left


def check_day(day: dt.date, today: dt.date) -> None:
    """Whether papers may be picked for it. Raises Refused."""
    if day <= today - dt.timedelta(days=WINDOW_DAYS):
        raise Refused(
            f"{said(day)} is too long ago: no digest looks back more than {WINDOW_DAYS} days."
        )
    if day > today + AHEAD:
        raise Refused(f"{said(day)} is too far ahead: picks are for a year ahead at most.")


def still_to_come(day: dt.date, today: dt.date) -> dt.date:
    """The day itself; where it is released or too long ago, the first one that is not."""
    day = max(day, today - dt.timedelta(days=WINDOW_DAYS - 1))
    released = set(Edition.objects.released().filter(day__gte=day).values_list("day", flat=True))
    while day in released:
        day += dt.timedelta(days=1)
    return day


def said(day: dt.date) -> str:
    """A day as an editor reads it."""
    return date_format(day, "j F Y")


def _may_move(*days: dt.date) -> None:
    if gone := Edition.objects.released().filter(day__in=days).first():
        raise Refused(f"{said(gone.day)} is released: no pick moves from there or to it.")


def _same(one: Put | None, other: Put | None) -> bool:
    """Whether they differ in nothing but their position, which others' changes move, too."""
    return one == other or bool(one and other and one[1:] == other[1:])


@contextmanager
def _changing(papers: Collection[int], days: Collection[dt.date]) -> Iterator[Change]:
    """Note what a change does to papers and to their picks of these days."""
    change = Change()
    with alone():
        picked = Pick.objects.filter(paper__in=papers).values_list("day", flat=True)
        lock({*days, *picked})
        # In the order in which an import does, too.
        hidden = _hidden(papers, locked=True)
        picks = _picks(papers, days)
        yield change
        hidden_now, picks_now = _hidden(papers), _picks(papers, days)
        change.hidden = [
            (paper, hidden[paper], now)
            for paper, now in sorted(hidden_now.items())
            if now != hidden[paper]
        ]
        change.picks = [
            (paper, day, picks.get((paper, day)), picks_now.get((paper, day)))
            for paper, day in sorted(picks.keys() | picks_now.keys())
            if picks.get((paper, day)) != picks_now.get((paper, day))
        ]
        shown_or_not = [paper for paper, _, _ in change.hidden]
        of_these = Pick.objects.filter(paper__in=shown_or_not).values_list("day", flat=True)
        touched({day for _, day, _, _ in change.picks} | set(of_these))


def _hidden(papers: Collection[int], locked: bool = False) -> dict[int, str]:
    rows = Paper.objects.filter(pk__in=papers).order_by("pk")
    return dict((rows.select_for_update() if locked else rows).values_list("pk", "hidden"))


def _picks(papers: Collection[int], days: Collection[dt.date]) -> dict[tuple[int, dt.date], Put]:
    rows = Pick.objects.filter(paper__in=papers, day__in=days).prefetch_related("topics")
    return {
        (row.paper_id, row.day): Put(row.position, row.note, sorted(t.pk for t in row.topics.all()))
        for row in rows
    }


def _put(day: dt.date, wanted: Mapping[int, Put | None]) -> None:
    """Have these papers be picks of a day as told, or not at all; the others keep their order.

    Positions are dense from 0. Raises Refused for one that is for followers of topics of which
    none is there any more: it would be for everyone.
    """
    puts = {paper: put for paper, put in wanted.items() if put is not None}
    named = {topic for put in puts.values() for topic in put.topics}
    known = set(Topic.objects.filter(pk__in=named).values_list("pk", flat=True))
    if any(put.topics and known.isdisjoint(put.topics) for put in puts.values()):
        raise Refused("The topics that it was only for are deleted: say again whom it is for.")
    rows = Pick.objects.filter(day=day).order_by("position", "pk")
    rows.filter(paper__in=[paper for paper, put in wanted.items() if put is None]).delete()
    there = {row.paper_id: row for row in rows}
    order = [paper for paper in there if paper not in wanted]
    for paper in sorted(puts, key=lambda paper: puts[paper].position):
        order.insert(puts[paper].position, paper)
    for position, paper in enumerate(order):
        row = there.setdefault(paper, Pick(paper_id=paper, day=day))
        row.position = position
        row.note = puts[paper].note if paper in puts else row.note
    Pick.objects.bulk_create(
        [there[paper] for paper in order],
        update_conflicts=True,
        unique_fields=["paper", "day"],
        update_fields=["position", "note"],
    )
    through: Any = Pick.topics.through._default_manager
    through.filter(pick__day=day, pick__paper__in=puts).delete()
    pks = dict(Pick.objects.filter(day=day, paper__in=puts).values_list("paper", "pk"))
    through.bulk_create(
        through.model(pick_id=pks[paper], topic_id=topic)
        for paper, put in puts.items()
        for topic in known.intersection(put.topics)
    )
