"""arXiv's daily feeds, RSS 2.0 or Atom: what was announced today in some categories."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from subscriptions.models import Source

from . import ids, records
from .records import Found, PaperRecord, RejectedRecord, Rejection, SourceFormatError
from .seam import Feed, Format, Window
from .xml import children, drop, name_of, read_xml, text_of

if TYPE_CHECKING:
    from .http import Http

ANNOUNCED = ("", "new", "cross")
"""What is news; replace and replace-cross tell of another version."""


def fetch(http: "Http", window: Window) -> Iterator[Found]:
    """The newest announcements, whatever the window; its part is categories: cs.CL+cs.LG."""
    if not window.part:
        raise SourceFormatError("needs categories as its part, like cs.CL+cs.LG")
    with http.get({}, window.part) as file:
        yield from _read(file)


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one feed in a file. Raises SourceFormatError where it is none."""
    try:
        with path.open("rb") as file:
            yield from _read(file)
    except OSError as error:
        raise SourceFormatError(f"cannot be read: {error.strerror}") from error


def _read(file: IO[bytes]) -> Iterator[Found]:
    number, problem = 0, ""

    def take(element: Any) -> Iterator[Found]:
        nonlocal number, problem
        name = name_of(element)
        of_feed = name == "title" and name_of(element.getparent()) in ("channel", "feed")
        wrong = of_feed and (element.text or "").startswith("Feed error")
        if wrong or (problem and name in ("description", "subtitle")):
            problem = records.clean(element.text, 300)
        elif name in ("item", "entry"):
            number += 1
            try:
                yield _record(element)
            except RejectedRecord as error:
                yield Rejection(number, str(error))
            drop(element)

    yield from read_xml(file, ("rss", "feed"), "an RSS or Atom feed", take)
    if problem:
        raise SourceFormatError(f"is an error of the server: {problem}")


def _record(entry: Any) -> PaperRecord:
    given = (text_of(entry, "guid") or text_of(entry, "id")).rpartition(":")[2]
    found = ids.arxiv_id(given)
    if found is None:
        raise RejectedRecord(f"id is not an arXiv id: {records.shown(given)}")
    published, sent = text_of(entry, "published"), text_of(entry, "pubDate")
    day = records.date(published, "published") or records.mail_date(sent, "pubDate")
    if day is None:
        raise RejectedRecord("published is missing: it is the day of the announcement")
    summary = text_of(entry, "summary") or text_of(entry, "description")
    kind = text_of(entry, "announce_type")
    announced = kind in ANNOUNCED
    head, mark, abstract = summary.partition("Abstract:")
    return PaperRecord(
        arxiv_id=found[0],
        version=found[1],
        **records.texts(
            text_of(entry, "title"),
            abstract if mark else head,
            records.names_in(text_of(entry, "creator")),
        ),
        categories=records.arxiv_categories(
            [one.get("term") or one.text for one in children(entry, "category")]
        ),
        announced=day if announced else None,
        updated=None if announced else day,
        once=kind != "cross",
        withdrawn=records.says_withdrawn(abstract.strip()),
    )


FORMAT = Format("arxiv-feed", Source.ARXIV, read, (".xml", ".rss", ".atom"))
FEEDS = [
    Feed(
        name="arxiv-feed",
        source=Source.ARXIV,
        label="arXiv",
        base_url="https://rss.arxiv.org/atom",
        fetch=fetch,
        every=dt.timedelta(hours=4),
        country="US",
    )
]
