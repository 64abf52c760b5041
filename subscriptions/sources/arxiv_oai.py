"""arXiv's OAI-PMH interface: responses with records of the prefix ``arXiv`` or ``arXivRaw``.

The Open Archives Initiative Protocol for Metadata Harvesting, version 2.0.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from subscriptions.models import Source

from . import ids, records
from .records import (
    Checkpoint,
    Found,
    PaperRecord,
    RejectedRecord,
    Rejection,
    SourceFormatError,
    Withdrawal,
)  # fmt: skip
from .seam import Feed, Format, Window
from .xml import child, children, drop, name_of, read_xml, text_of

if TYPE_CHECKING:
    from .http import Http

PREFIXES = ("arXiv", "arXivRaw")
NOTHING = frozenset({"noRecordsMatch"})
"""What an answer without records may say; anything else is an error."""
ANNOUNCED_WITHIN = dt.timedelta(days=14)
"""A record that changed later than this after its paper came tells of no announcement."""
MAX_PAGES, MAX_TOKEN, MAX_VERSIONS = 5_000, 2_000, 999


@dataclass
class Page:
    """One response: what is read of it while its records are."""

    token: str = ""
    """Where the list goes on; empty at its end."""
    error: str = ""
    """The code of what the server could not do."""
    message: str = ""
    found: int = 0
    complete: bool = False
    """Whether there was a list, if only an empty one."""

    def raise_error(self) -> None:
        """Raise SourceFormatError for an error of the server, and for no answer at all."""
        if self.error and self.error not in NOTHING:
            raise SourceFormatError(f"is an error of the server, {self.error}: {self.message}")
        if not self.error and not self.complete:
            raise SourceFormatError("has no ListRecords: it answers another question")


def fetch(http: "Http", window: Window, prefix: str) -> Iterator[Found | Checkpoint]:
    """ListRecords, page by page; the cursor is the resumption token (section 3.5)."""
    first = {"metadataPrefix": prefix, "from": str(window.since)}
    if window.until < window.today:  # tomorrow, where today is not over yet, is an error
        first["until"] = str(window.until)
    if window.part:
        first["set"] = window.part
    token, seen, restarted = window.cursor, {""}, False
    while True:
        page = Page()
        query = {"resumptionToken": token} if token else first
        with http.get({"verb": "ListRecords"} | query) as file:
            yield from read_page(file, page)
        if page.error == "badResumptionToken" and token and not restarted:
            token, seen, restarted = "", {""}, True  # it has expired: from the beginning, once
            continue
        page.raise_error()
        if not page.token:
            return
        if page.token in seen or len(seen) > MAX_PAGES:
            raise SourceFormatError("gives the same resumption token again, or does not end")
        token = page.token
        seen.add(token)
        yield Checkpoint(token)


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one response in a file. Raises SourceFormatError, after those before it."""
    try:
        with path.open("rb") as file:
            page = Page()
            yield from read_page(file, page)
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error
    page.raise_error()


def read_page(file: IO[bytes], page: Page) -> Iterator[Found]:
    """Records as they come, in memory that does not grow; the rest of the response in ``page``.

    Raises SourceFormatError where it is not an OAI-PMH response or its XML breaks off.
    """

    def take(element: Any) -> Iterator[Found]:
        name = name_of(element)
        if name == "record":
            page.found += 1
            try:
                yield _record(element)
            except RejectedRecord as error:
                yield Rejection(page.found, str(error))
            drop(element)
        elif name in ("ListRecords", "GetRecord"):
            page.complete = True
        elif name == "resumptionToken":
            page.token = records.clean(element.text, MAX_TOKEN)
        elif name == "error":
            page.error = element.get("code", "")[:40] or "error"
            page.message = records.clean(element.text, 300)

    yield from read_xml(file, ("OAI-PMH",), "an OAI-PMH response", take)


def _record(element: Any) -> PaperRecord | Withdrawal:
    header, metadata = child(element, "header"), child(element, "metadata")
    if header is None:
        raise RejectedRecord("header is missing: every record has one")
    if header.get("status") == "deleted":
        return _deleted(text_of(header, "identifier"))
    entry = metadata[0] if metadata is not None and len(metadata) else None
    if entry is None or name_of(entry) not in PREFIXES:
        raise RejectedRecord("metadata is not of the prefix arXiv or arXivRaw")
    found = ids.arxiv_id(text_of(entry, "id"))
    if found is None:
        raise RejectedRecord(f"id is not an arXiv id: {records.shown(text_of(entry, 'id'))}")
    changed = records.date(text_of(header, "datestamp"), "datestamp")
    if changed is None:
        raise RejectedRecord("datestamp is missing: every record has one")
    common: dict[str, Any] = {
        "arxiv_id": found[0],
        "doi": ids.doi_in(text_of(entry, "doi")),
        "categories": records.arxiv_categories(text_of(entry, "categories")),
        "once": True,
    }
    title, abstract = text_of(entry, "title"), text_of(entry, "abstract")
    if name_of(entry) == "arXiv":
        created = records.date(text_of(entry, "created"), "created")
        listed = child(entry, "authors")
        authors = [] if listed is None else list(map(_author, listed))
        return PaperRecord(
            **common,
            **records.texts(title, abstract, authors),
            submitted=created,
            updated=records.date(text_of(entry, "updated"), "updated"),
            announced=_announced(created, changed),
            withdrawn=records.says_withdrawn(text_of(entry, "comments"), abstract),
        )
    versions = children(entry, "version")
    if len(versions) > MAX_VERSIONS:
        raise RejectedRecord(f"has {len(versions)} versions, and arXiv's have three digits")
    dates = [records.mail_date(text_of(version, "date"), "version's date") for version in versions]
    return PaperRecord(
        **common,
        **records.texts(title, abstract, records.names_in(text_of(entry, "authors"))),
        version=len(versions) or None,
        submitted=dates[0] if dates else None,
        updated=dates[-1] if dates[1:] else None,
        announced=_announced(dates[0] if dates else None, changed),
        withdrawn=records.says_withdrawn(text_of(entry, "comments"), abstract)
        or any(text_of(version, "source_type") == "I" for version in versions[-1:]),
    )


def _deleted(identifier: str) -> Withdrawal:
    found = ids.arxiv_id(identifier.rpartition(":")[2])
    if found is None:
        raise RejectedRecord(f"identifier is not one of arXiv's: {records.shown(identifier)}")
    return Withdrawal(found[0])


def _announced(created: dt.date | None, changed: dt.date) -> dt.date | None:
    return changed if created and changed - created <= ANNOUNCED_WITHIN else None


def _author(element: Any) -> str:
    """ "Forenames Keyname Suffix", as it is read."""
    return " ".join(text_of(element, part) for part in ("forenames", "keyname", "suffix"))


FORMAT = Format("arxiv-oai", Source.ARXIV, read, (".xml",))
FEEDS = [
    Feed(
        name=name,
        source=Source.ARXIV,
        label="arXiv",
        base_url="https://oaipmh.arxiv.org/oai",
        fetch=partial(fetch, prefix=prefix),
        every=dt.timedelta(hours=4),
        country="US",
    )
    for name, prefix in (("arxiv-oai", "arXiv"), ("arxiv-oai-raw", "arXivRaw"))
]
