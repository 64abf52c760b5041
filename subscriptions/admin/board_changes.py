"""What the board's buttons do: who may, what is said of it, what is logged, what can be undone."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst

from subscriptions.flows import curating
from subscriptions.flows.adding import add
from subscriptions.flows.curating import Change, said
from subscriptions.flows.refused import Refused
from subscriptions.flows.wanted import forget_pick
from subscriptions.models import Paper, Pick, Topic, WantedPaper

from .values import clip

UNDO = "curating"
"""The session's key of what can be undone, the last change last."""
STEPS = 20
MOST = 500
"""Papers that are changed at once."""

REASONS = {f"hide-{reason}": reason for reason in Paper.Hidden if reason}
MOVES = {"up": -1, "down": 1}

Told = tuple[set[int], str]
"""The papers it was about, and what to say."""


def do(request: HttpRequest, day: dt.date, now: dt.datetime) -> Told:
    """Do what the button ``do`` says: ``verb`` for the selected papers, or ``verb:paper``.

    Raises Refused, or PermissionDenied.
    """
    verb, _, rest = request.POST.get("do", "").partition(":")
    if verb == "undo":
        return _undo(request)
    if verb == "add":
        return _add(request, day, now)
    if verb == "forget":
        return _forget(request, rest)
    papers, to = named(request), rest.partition(":")[2]
    if not 0 < len(papers) <= MOST:
        raise Refused("Select some papers first." if not papers else f"At most {MOST} at once.")
    if verb in REASONS:
        change, words = hide(request, papers, REASONS[verb])
    elif verb == "show":
        change, words = hide(request, papers, Paper.Hidden.NO)
    elif verb == "pick":
        change, words = pick(request, papers, day, now.date())
    elif verb == "unpick":
        change, words = take_back(request, papers, day)
    elif verb in MOVES or (verb == "place" and is_pk(to)):
        need(request, "change_pick")
        change = curating.place(papers[0], day, lambda at: int(to) if to else at + MOVES[verb])
        change, words = keep(request, change, f"moved within {said(day)}")
    else:
        raise Refused("There is no such button. Reload the page.")
    return change.papers.union(papers), tell(papers, change, words)


def named(request: HttpRequest) -> list[int]:
    """The paper that the button is of, or those that are selected."""
    parts = request.POST.get("do", "").split(":")
    return [
        int(pk) for pk in (parts[1:2] or request.POST.getlist("papers"))[: MOST + 1] if is_pk(pk)
    ]


def pick(
    request: HttpRequest, papers: Collection[int], day: dt.date, today: dt.date, note: str = ""
) -> tuple[Change, str]:
    need(request, "add_pick")
    change = curating.pick(papers, day, today, note)
    if not change and Paper.objects.filter(pk__in=papers).exclude(hidden="").exists():
        raise Refused("Hidden: show it again first.")
    return keep(request, change, f"picked for {said(day)}")


def take_back(request: HttpRequest, papers: Collection[int], day: dt.date) -> tuple[Change, str]:
    need(request, "delete_pick")
    return keep(request, curating.take_back(papers, day), f"taken back from {said(day)}")


def hide(request: HttpRequest, papers: Collection[int], reason: Paper.Hidden) -> tuple[Change, str]:
    need(request, "change_paper")
    words = f"hidden as {reason.label}" if reason else "shown again"
    return keep(request, curating.hide(papers, reason), words)


def tell(papers: Collection[int], change: Change, words: str) -> str:
    if not change:
        return f"Nothing to change: {words} already."
    count = len(change.papers)
    return f"{capfirst(words)}." if len(papers) == 1 else f"{count} papers {words}."


def is_pk(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16


def need(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms([f"subscriptions.{name}" for name in permissions]):
        raise PermissionDenied


def keep(request: HttpRequest, change: Change, words: str) -> tuple[Change, str]:
    """Log a change, and have the session keep it to be undone."""
    if change:
        _log(request, change)
        kept = [*request.session.get(UNDO, []), [change.dump(), words]]
        request.session[UNDO] = kept[-STEPS:]
    return change, words


def _undo(request: HttpRequest) -> Told:
    kept = request.session.get(UNDO, [])
    if not kept:
        raise Refused("There is nothing to undo.")
    *before, (dumped, words) = kept
    change = Change.load(dumped)
    need(request, *_needed(change))
    request.session[UNDO] = before  # also where it is refused: those before can be undone still
    undone, left = curating.undo(change)
    _log(request, undone)
    if left and not undone:
        raise Refused(f"Not undone ({words}): somebody has changed it since.")
    some = f" {left} stay: somebody has changed them since." if left else ""
    return change.papers, f"Undone: {words}.{some}"


def _needed(change: Change) -> Iterator[str]:
    """The permissions to undo it."""
    if change.hidden:
        yield "change_paper"
    for _, _, before, after in change.picks:
        yield "change_pick" if before and after else "add_pick" if before else "delete_pick"


def _add(request: HttpRequest, day: dt.date, now: dt.datetime) -> Told:
    need(request, "add_pick")
    added = add(request.POST.get("named", "").strip()[:500], day, now)
    if isinstance(added, Change):
        change, words = keep(request, added, f"picked for {said(day)}")
        return change.papers, tell([0], change, words)
    words = f"being fetched from arXiv, to be picked for {said(day)}"
    _log_wanted(request, added, words)
    return set(), f"{added} is {words}."


def _forget(request: HttpRequest, arxiv_id: str) -> Told:
    need(request, "add_pick")
    if forget_pick(arxiv_id):
        _log_wanted(request, arxiv_id, "to be picked no more")
    return set(), f"{arxiv_id[:32]} will not be picked."


def _log_wanted(request: HttpRequest, arxiv_id: str, words: str) -> None:
    wanted = WantedPaper.objects.filter(arxiv_id=arxiv_id)
    _write(request, [(one, f"{capfirst(words)}.") for one in wanted])


def _log(request: HttpRequest, change: Change) -> None:
    """Say on each paper what was done, and on each pick that is there still."""
    papers = Paper.objects.only("title").in_bulk(change.papers)
    days = {day for _, day, _, _ in change.picks}
    there = Pick.objects.filter(paper__in=papers, day__in=days)
    picks = {(pick.paper_id, pick.day): pick for pick in there.select_related("paper")}
    named = {topic for *_, after in change.picks if after for topic in after.topics}
    topics = dict(Topic.objects.filter(pk__in=named).values_list("pk", "name"))
    lines: list[tuple[Model, str]] = []
    for paper, _, now in change.hidden:
        reason = Paper.Hidden(now)
        lines.append((papers[paper], f"Hidden as {reason.label}." if reason else "Shown again."))
    for paper, day, before, after in change.picks:
        line = " ".join(_sentences(day, before, after, topics))
        lines.append((papers[paper], line))
        if pick := picks.get((paper, day)):
            lines.append((pick, line))
    _write(request, lines)


def _sentences(
    day: dt.date,
    before: curating.Put | None,
    after: curating.Put | None,
    topics: dict[int, str],
) -> Iterator[str]:
    if after is None:
        yield f"Taken back from {day}."
        return
    if before is None:
        yield f"Picked for {day}."
    elif before.position != after.position:
        yield f"Moved to place {after.position + 1} of {day}."
    if after.note != (before.note if before else ""):
        yield f"Note for {day}: {clip(after.note) or 'none'}"
    if after.topics != (before.topics if before else []):
        names = ", ".join(topics.get(pk, str(pk)) for pk in after.topics)
        yield f"For followers of {names}." if names else "For everyone."


def _write(request: HttpRequest, lines: Iterable[tuple[Any, str]]) -> None:
    user: Any = request.user
    LogEntry.objects.bulk_create(
        LogEntry(
            user=user,
            content_type=ContentType.objects.get_for_model(obj),
            object_id=str(obj.pk),
            object_repr=str(obj)[:200],
            action_flag=CHANGE,
            change_message=line,
        )
        for obj, line in lines
    )
