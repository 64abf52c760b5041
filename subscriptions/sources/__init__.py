"""Places that announce papers: one module per source, each yielding PaperRecords.

A module that has a ``FORMAT`` or ``FEEDS`` of ``seam.py`` is a source; nothing else lists it.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from subscriptions.models import Source

from .records import Checkpoint, Found, PaperRecord, Rejection, SourceFormatError, Withdrawal
from .seam import Feed, Format, Window


@cache
def formats() -> dict[str, Format]:
    """The formats of files by name."""
    found = (getattr(module, "FORMAT", None) for module in _modules())
    return {form.name: form for form in sorted(filter(None, found), key=lambda form: form.name)}


@cache
def feeds() -> dict[str, Feed]:
    """The feeds by name."""
    found = [feed for module in _modules() for feed in getattr(module, "FEEDS", ())]
    return {feed.name: feed for feed in sorted(found, key=lambda feed: feed.name)}


def source_label(source: str) -> str:
    """A source's name as readers know it."""
    labels = dict(Source.choices) | {feed.source: feed.label for feed in feeds().values()}
    return str(labels.get(source, source))


def _modules() -> Iterator[object]:
    for module in iter_modules(__path__):
        yield import_module(f"{__name__}.{module.name}")


def read_file(path: Path, form: str, today: dt.date) -> Iterator[Found]:
    """The records of a file in one of ``formats()``.

    Raises SourceFormatError, on the first record or a later one, where it is not in that format.
    """
    yield from formats()[form].read(path, today)


__all__ = [
    "Checkpoint",
    "Feed",
    "Format",
    "Found",
    "PaperRecord",
    "Rejection",
    "SourceFormatError",
    "Window",
    "Withdrawal",
    "feeds",
    "formats",
    "read_file",
    "source_label",
]
