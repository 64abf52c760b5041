"""What becomes of each row of a file of readers.

Who is here already, has left, bounced, complained, is suppressed or erased stays as they are,
whatever a file says; who has left by any of its rows does not come in by another.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from itertools import islice
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db.models.functions import Lower

from subscriptions.models import Subscriber, Suppression, Topic

from .reader_columns import Cells, Reader
from .reader_file import Row, Table

CHUNK = 1_000

Status = Subscriber.Status


class Fate(Enum):
    """What becomes of a row."""

    ACTIVE = "new, active"
    PAUSED = "new, paused"
    WAITS = "new, waits for its confirmation"
    HERE = "here already"
    LEFT = "left by themselves"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    ERASED = "erased by its owner"
    TWICE = "twice in the file"
    BAD = "bad"


NEW = (Fate.ACTIVE, Fate.PAUSED, Fate.WAITS)
_GONE = {
    Status.UNSUBSCRIBED: Fate.LEFT,
    Status.BOUNCED: Fate.BOUNCED,
    Status.COMPLAINED: Fate.COMPLAINED,
}
_TELLING = ("email", "status", "left_at")


@dataclass(frozen=True)
class Plan:
    """How a file is read, and what its readers agreed to."""

    columns: tuple[str, ...]
    """The field each column is taken for; empty where it is not used."""
    consent_source: str
    """Where they agreed, of rows that do not say it themselves."""
    agreed: bool
    """The operator states that they all did."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What ``as_json`` gave: JSON knows no tuples."""
        return cls(tuple(stored["columns"]), stored["consent_source"], stored["agreed"])


@dataclass(frozen=True)
class Examined:
    """A row and its fate; with what it says, of the first good one with its address."""

    row: Row
    fate: Fate
    reason: str = ""
    reader: Reader | None = None

    def shown(self, width: int) -> dict[str, Any]:
        """For a table of so many columns, which a broken row may not have."""
        cells = [shorten(cell) for cell in self.row.cells[:width]]
        cells += [""] * (width - len(cells))
        return {
            "line": self.row.line, "fate": self.fate.value, "reason": self.reason, "cells": cells
        }  # fmt: skip


def shorten(cell: str, most: int = 60) -> str:
    return cell if len(cell) <= most else cell[: most - 1] + "…"


def examine(table: Table, plan: Plan, now: dt.datetime) -> Iterator[Examined]:
    """The fate of each row, as the world is now: two queries for a thousand rows."""
    cells = Cells(_topics(), now)
    first: dict[str, int] = {}
    gone = _gone(table, cells, plan)
    for rows in _chunks(table.rows()):
        pairs = [(row, _read(cells, plan, row)) for row in rows]
        emails = sorted({found.email.lower() for _, found in pairs if isinstance(found, Reader)})
        here, suppressed = _statuses(emails), Suppression.objects.reasons(emails)
        for row, found in pairs:
            if isinstance(found, str):
                yield Examined(row, Fate.BAD, found)
                continue
            email = found.email.lower()
            if (line := first.setdefault(email, row.line)) != row.line:
                yield Examined(row, Fate.TWICE, f"The first is in line {line}.")
                continue
            known = _known(here.get(email), suppressed.get(email), gone.get(email))
            fate, why = known or (_new(found, plan.agreed, now), "")
            yield Examined(row, fate, why, found)


def _known(
    here: str | None, suppressed: str | None, gone: tuple[Status, int] | None
) -> tuple[Fate, str] | None:
    """Why an address does not come in, if so: by its reader here, a suppression, or the file."""
    if here is not None:
        return _GONE.get(Status(here), Fate.HERE), ""
    if suppressed is not None:
        erased = suppressed == Suppression.Reason.ERASED
        return (Fate.ERASED if erased else Fate.SUPPRESSED), ""
    if gone is not None:
        status, line = gone
        return _GONE[status], f"The file says so in line {line}."
    return None


def _new(reader: Reader, agreed: bool, now: dt.datetime) -> Fate:
    """How a reader comes in.

    A row that says itself that its address was never confirmed waits, whatever the operator
    states.
    """
    if reader.status == Status.PENDING or not (reader.confirmed_at or agreed):
        return Fate.WAITS
    over = reader.paused_until and reader.paused_until <= now.date()
    return Fate.PAUSED if reader.status == Status.PAUSED and not over else Fate.ACTIVE


def _gone(table: Table, cells: Cells, plan: Plan) -> dict[str, tuple[Status, int]]:
    """How an address is gone by a row of the file, whatever else is bad there, and its line."""
    found: dict[str, tuple[Status, int]] = {}
    columns = [field if field in _TELLING else "" for field in plan.columns]
    if not {"status", "left_at"} & set(columns):
        return found
    telling = replace(plan, columns=tuple(columns))
    for row in table.rows():
        reader = _read(cells, telling, row)
        if isinstance(reader, Reader) and reader.status in _GONE:
            found.setdefault(reader.email.lower(), (reader.status, row.line))
    return found


def _read(cells: Cells, plan: Plan, row: Row) -> Reader | str:
    """What the row says, or why it is bad."""
    if row.fault:
        return row.fault
    try:
        given = zip(plan.columns, row.cells, strict=True)
        return cells.reader({field: cell for field, cell in given if field})
    except ValidationError as error:
        return " ".join(error.messages)


def _topics() -> dict[str, int]:
    """Each topic by its slug and its name; who followed a retired one goes on doing so."""
    topics = list(Topic.objects.values_list("pk", "slug", "name"))
    names = {name.casefold(): pk for pk, _, name in topics}
    return names | {slug.casefold(): pk for pk, slug, _ in topics}


def _statuses(emails: list[str]) -> dict[str, str]:
    lower = Subscriber.objects.annotate(lower=Lower("email")).filter(lower__in=emails)
    return dict(lower.values_list("lower", "status"))


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
