"""arXiv's OAI-PMH interface: responses with records of the prefix ``arXiv``.

The Open Archives Initiative Protocol for Metadata Harvesting, version 2.0.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from . import records
from .records import PaperRecord, RejectedRecord, Rejection, SourceFormatError

NOTHING = frozenset({"noRecordsMatch"})
"""What an answer without records may say; anything else is an error."""
ANNOUNCED_WITHIN = dt.timedelta(days=14)
"""A record that changed later than this after its paper came tells of no announcement."""


@dataclass
class Page:
    """One response: what is read of it while its records are."""

    token: str = ""
    """Where the list goes on; empty at its end."""
    error: str = ""
    """The code of what the server could not do."""
    message: str = ""
    found: int = field(default=0)


def read(path: Path) -> Iterator[PaperRecord | Rejection]:
    """Records of one response in a file. Raises SourceFormatError, after those before it."""
    try:
        with path.open("rb") as file:
            page = Page()
            yield from read_page(file, page)
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error
    if page.error and page.error not in NOTHING:
        raise SourceFormatError(f"is an error of the server, {page.error}: {page.message}")


def read_page(file: BinaryIO, page: Page) -> Iterator[PaperRecord | Rejection]:
    """Records as they come, in memory that does not grow; the rest of the response in ``page``.

    Raises SourceFormatError where it is not an OAI-PMH response or its XML breaks off.
    """
    parser = etree.iterparse(
        file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    root = None
    try:
        for event, element in parser:
            if root is None:
                root = element
                if _name(root) != "OAI-PMH":
                    raise SourceFormatError(f"is not an OAI-PMH response but {_name(root)}")
                if root.getroottree().docinfo.doctype:
                    raise SourceFormatError("has a document type, which OAI-PMH has not")
            elif event == "end":
                yield from _taken(element, page)
    except etree.XMLSyntaxError as error:
        raise SourceFormatError(f"is not XML: {error.msg}") from error


def _taken(element: Any, page: Page) -> Iterator[PaperRecord | Rejection]:
    """What an element that is complete tells; it is dropped then."""
    name = _name(element)
    if name == "record":
        page.found += 1
        try:
            if found := _record(element):
                yield found
        except RejectedRecord as error:
            yield Rejection(page.found, str(error))
        _drop(element)
    elif name == "resumptionToken":
        page.token = records.clean(element.text, 2000)
    elif name == "error":
        page.error = element.get("code", "")[:40] or "error"
        page.message = records.clean(element.text, 300)


def _record(element: Any) -> PaperRecord | None:
    """None for a record that was deleted."""
    header, metadata = _child(element, "header"), _child(element, "metadata")
    if header is not None and header.get("status") == "deleted":
        return None
    entry = metadata[0] if metadata is not None and len(metadata) else None
    if header is None or entry is None or _name(entry) != "arXiv":
        raise RejectedRecord("metadata is not of the prefix arXiv")
    found = records.arxiv_id(_text(entry, "id"))
    if found is None:
        raise RejectedRecord(f"id is not an arXiv id: {records.shown(_text(entry, 'id'))}")
    changed = records.date(_text(header, "datestamp"), "datestamp")
    created = records.date(_text(entry, "created"), "created")
    if changed is None:
        raise RejectedRecord("datestamp is missing: every record has one")
    dois = re.split(r"[\s,;]+", _text(entry, "doi"))
    return PaperRecord(
        arxiv_id=found[0],
        doi=next(filter(None, map(records.doi, dois)), None),
        title=records.title_of(_text(entry, "title")),
        abstract=records.clean(_text(entry, "abstract"), records.MAX_ABSTRACT),
        authors=records.names(list(map(_author, _child_list(entry, "authors")))),
        categories=records.arxiv_categories(_text(entry, "categories")),
        submitted=created,
        announced=changed if created and changed - created <= ANNOUNCED_WITHIN else None,
    )


def _author(element: Any) -> str:
    """ "Forenames Keyname Suffix", as it is read."""
    return " ".join(_text(element, part) for part in ("forenames", "keyname", "suffix"))


def _child_list(element: Any, name: str) -> list[Any]:
    found = _child(element, name)
    return [] if found is None else list(found)


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if _name(child) == name), None)


def _text(element: Any, name: str) -> str:
    found = _child(element, name)
    return "" if found is None else (found.text or "").strip()


def _name(element: Any) -> str:
    """Without its namespace, which some responses lack."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _drop(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
