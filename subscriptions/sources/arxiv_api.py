"""arXiv's search, the Atom API: papers that match a query, by the day they were submitted.

See https://info.arxiv.org/help/api/user-manual.html.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from subscriptions.models import Source

from . import ids, records
from .records import Checkpoint, Found, PaperRecord, RejectedRecord, Rejection, SourceFormatError
from .seam import Feed, Format, Window
from .xml import children, drop, name_of, read_xml, text_of

if TYPE_CHECKING:
    from .http import Http

PAGE = 100
MOST = 10_000
"""What one query can bring; the API refuses to count further."""


@dataclass
class Page:
    """One response: what is read of it while its entries are."""

    total: int | None = None
    found: int = 0


def fetch(http: "Http", window: Window) -> Iterator[Found | Checkpoint]:
    """The papers of a search, its part, submitted in the window; the cursor is a start index."""
    if not window.part:
        raise SourceFormatError("needs a search as its part, like cat:cs.CL AND abs:retrieval")
    days = f"[{window.since:%Y%m%d}0000 TO {window.until:%Y%m%d}2359]"
    start = int(window.cursor or 0)
    while True:
        page = Page()
        query = {
            "search_query": f"({window.part}) AND submittedDate:{days}",
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
            "start": str(start),
            "max_results": str(PAGE),
        }
        with http.get(query, accept=(200, 400)) as file:  # an error comes as an entry, too
            yield from read_page(file, page)
        start += page.found
        if page.total is None:
            raise SourceFormatError("has no totalResults")
        if page.total > MOST:
            raise SourceFormatError(f"finds {page.total:,} papers, and gives {MOST:,}: narrow it")
        if start >= page.total:
            return
        if not page.found:  # the API does this now and then; the next run asks again
            raise SourceFormatError(f"has no entry on a page, {start} of {page.total} came before")
        yield Checkpoint(str(start))


def by_ids(http: "Http", arxiv_ids: Sequence[str]) -> Iterator[Found]:
    """Papers by their arXiv ids, at most a page; whenever they were, they are no news."""
    query, page = {"id_list": ",".join(arxiv_ids[:PAGE]), "max_results": str(PAGE)}, Page()
    with http.get(query, accept=(200, 400)) as file:
        for found in read_page(file, page):
            yield replace(found, announced=None) if isinstance(found, PaperRecord) else found
    if page.total is None:
        raise SourceFormatError("has no totalResults")
    if page.found < page.total:  # the API does this now and then
        raise SourceFormatError(f"has {page.found} of {page.total} entries")


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one response in a file. Raises SourceFormatError, after those before it."""
    try:
        with path.open("rb") as file:
            yield from read_page(file, Page())
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error


def read_page(file: IO[bytes], page: Page) -> Iterator[Found]:
    """Records as they come; how many there are in ``page``."""

    def take(element: Any) -> Iterator[Found]:
        if name_of(element) == "totalResults" and re.fullmatch(r"\d{1,9}", element.text or ""):
            page.total = int(element.text)
        elif name_of(element) == "entry":
            page.found += 1
            if "/api/errors" in text_of(element, "id"):
                said = records.clean(text_of(element, "summary"), 300)
                raise SourceFormatError(f"is an error of the server: {said}")
            try:
                yield _record(element)
            except RejectedRecord as error:
                yield Rejection(page.found, str(error))
            drop(element)

    yield from read_xml(file, ("feed",), "an Atom feed", take)


def _record(entry: Any) -> PaperRecord:
    found = ids.arxiv_id(text_of(entry, "id"))
    if found is None:
        raise RejectedRecord(f"id is not an arXiv id: {records.shown(text_of(entry, 'id'))}")
    submitted = records.date(text_of(entry, "published"), "published")
    return PaperRecord(
        arxiv_id=found[0],
        version=found[1],
        doi=ids.doi_in(text_of(entry, "doi")),
        **records.texts(
            text_of(entry, "title"),
            text_of(entry, "summary"),
            [text_of(author, "name") for author in children(entry, "author")],
        ),
        categories=records.arxiv_categories(
            [one.get("term") for one in children(entry, "category")]
        ),
        submitted=submitted,
        updated=records.date(text_of(entry, "updated"), "updated"),
        announced=submitted,
        once=True,
        withdrawn=records.says_withdrawn(text_of(entry, "comment"), text_of(entry, "summary")),
    )


FORMAT = Format("arxiv-api", Source.ARXIV, read, (".xml", ".atom"))
FEEDS = [
    Feed(
        name="arxiv-api",
        source=Source.ARXIV,
        label="arXiv",
        base_url="https://export.arxiv.org/api/query",
        fetch=fetch,
        every=dt.timedelta(hours=8),
        again=dt.timedelta(days=4),  # what is submitted on a Friday is announced on Monday
        country="US",
    )
]
