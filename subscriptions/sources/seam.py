"""The seam of the sources: what a module of this package says of the files or feed it reads."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .records import Checkpoint, Found

if TYPE_CHECKING:  # it is slow to import, and few processes fetch
    from .http import Http


@dataclass(frozen=True)
class Format:
    """Files that hold papers.

    ``read(path, today)`` raises SourceFormatError, on the first record or a later one, where
    the file is not in this format.
    """

    name: str
    source: str
    """Who announced these papers: the source of their listings."""
    read: Callable[[Path, dt.date], Iterator[Found]]
    suffixes: tuple[str, ...] = (".json", ".jsonl")


@dataclass(frozen=True)
class Window:
    """What a run asks for: the days of a part of the source, both included."""

    since: dt.date
    until: dt.date
    today: dt.date
    part: str = ""
    """A set, category or search; empty for all there is."""
    cursor: str = ""
    """Where an earlier run of this window broke off: of its last Checkpoint."""


@dataclass(frozen=True)
class Feed:
    """A place on the network that announces papers, and how it is fetched.

    ``fetch(http, window)`` yields what was announced in the window, and a Checkpoint wherever
    a run that is killed can go on. It raises SourceFormatError for an answer that is not what
    it should be, and lets through the errors of ``http``.
    """

    name: str
    source: str
    label: str
    """As readers know it."""
    base_url: str
    fetch: "Callable[[Http, Window], Iterator[Found | Checkpoint]]"
    every: dt.timedelta
    """How often it is worth a look."""
    again: dt.timedelta = dt.timedelta(days=1)
    """How much of what was fetched before is fetched again, for what changed or came late."""
    country: str = ""
    """Whose holidays it keeps."""
