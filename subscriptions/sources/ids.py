"""What names a paper: arXiv ids and DOIs in all their usual forms, and other ids."""

import re
from typing import Any

from subscriptions.models import title_key

from .arxiv_categories import ARCHIVES
from .records import RejectedRecord, clean, shown

_ARXIV = re.compile(
    r"(?:arxiv:|https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/"
    r"|https?://(?:www\.)?huggingface\.co/papers/"
    r"|(?:doi:|https?://(?:dx\.)?doi\.org/)?10\.48550/arxiv\.)?"
    r"(?:(?P<new>\d\d(?:0[1-9]|1[0-2])\.\d{4,5})"
    r"|(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/(?P<old>\d\d(?:0[1-9]|1[0-2])\d{3}))"
    r"(?:v(?P<version>\d{1,3}))?(?:\.pdf)?",
    re.IGNORECASE | re.ASCII,
)
_DOI = re.compile(
    r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[!-~]{1,180})", re.IGNORECASE | re.ASCII
)


def arxiv_id(value: Any) -> tuple[str, int | None] | None:
    """``(id without version, version)`` of an arXiv id in any of its usual forms, or None.

    An old id goes without the class that some write: math.AG/0601001 is math/0601001.
    """
    match = _ARXIV.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (match["archive"] and match["archive"].lower() not in ARCHIVES):
        return None
    found = match["new"] or f"{match['archive'].lower()}/{match['old']}"
    return found, int(match["version"]) if match["version"] else None


def doi(value: Any) -> str | None:
    """A DOI in lower case (they are compared so), or None."""
    match = _DOI.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1].lower() if match else None


def doi_in(text: str) -> str | None:
    """The first DOI of some in a line."""
    return next(filter(None, map(doi, re.split(r"[\s,;]+", text))), None)


def own_id(value: Any, title: str, author: str, prefix: str) -> str:
    """A source's own id; without one, an id made from the title and the first author.

    Raises RejectedRecord for an id that is neither text nor a whole number.
    """
    if value is None:
        return f"title:{title_key(f'{title} {author}')}"
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise RejectedRecord(f"id is not text: {shown(value)}")
    own = clean(str(value), 150)
    if not own:
        raise RejectedRecord(f"id has no character that can be kept: {shown(value)}")
    return f"{prefix}:{own}"


def ids_of(
    named: Any, given_doi: Any, general: Any, title: str, author: str, *hints: Any
) -> dict[str, Any]:
    """The id fields of a record that has ``arxiv_id``, ``doi`` and ``id``, each or none.

    ``id`` may be either or an id of one's own; where no id says which paper it is, ``hints``
    may, else its title and first author. Raises RejectedRecord.
    """
    if named is not None and not arxiv_id(named):
        raise RejectedRecord(f"arxiv_id is not an arXiv id: {shown(named)}")
    if given_doi is not None and not doi(given_doi):
        raise RejectedRecord(f"doi is not a DOI: {shown(given_doi)}")
    ids: dict[str, Any] = {}
    places = (named, given_doi, general, *hints)
    if arxiv := next(filter(None, map(arxiv_id, places)), None):
        ids["arxiv_id"], ids["version"] = arxiv
    if found := next(filter(None, map(doi, places)), None):
        ids["doi"] = found
    if not ids or not (general is None or arxiv_id(general) or doi(general)):
        ids["own_id"] = own_id(general, title, author, "file")
    return ids
