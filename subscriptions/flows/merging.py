"""What a record tells of a paper: all of a new one, or what is richer of one that is here."""

from collections.abc import Container

from subscriptions.models import Paper, title_key
from subscriptions.sources import PaperRecord, Withdrawal

Record = PaperRecord | Withdrawal

MERGED = [
    "arxiv_id", "doi", "own_id", "title", "abstract", "authors", "categories", "submitted",
    "updated", "version", "url", "code_url", "tldr", "raw", "title_key", "trend",
]  # fmt: skip
IDS = ("arxiv_id", "doi", "own_id")


def paper_fields(record: PaperRecord, known: Container[tuple[str, str]]) -> dict[str, object]:
    """The fields of a new paper; ids of ``known`` are other papers'."""
    ids = {name: getattr(record, name) for name in IDS}
    return {
        **{name: value for name, value in ids.items() if (name, value) not in known},
        "title": record.title,
        "title_key": title_key(record.title),
        "abstract": record.abstract,
        "authors": list(record.authors),
        "categories": list(record.categories),
        "submitted": record.submitted,
        "updated": record.updated,
        "version": record.version,
        "url": record.url,
        "code_url": record.code_url,
        "tldr": record.tldr,
        "raw": {**record.raw, **({"withdrawn": True} if record.withdrawn else {})},
        "hidden": Paper.Hidden.WITHDRAWN if record.withdrawn else Paper.Hidden.NO,
    }


def merge(paper: Paper, record: Record, known: Container[tuple[str, str]]) -> bool:
    """Take over what is richer in ``record``; whether anything changed.

    Of two versions the newer one's text wins, by number or else by date; of two texts of one
    version the longer, of two lists the longer, of two dates of submission the earlier; of
    two of equal length the same one whichever came first. An id is added unless another paper
    has it. A paper that was withdrawn is hidden once; an editor may show it again.
    """
    before = [getattr(paper, name) for name in (*MERGED, "hidden")]
    withdrawn = isinstance(record, Withdrawal) or record.withdrawn
    if withdrawn and "withdrawn" not in paper.raw:
        paper.raw = paper.raw | {"withdrawn": True}
        paper.hidden = paper.hidden or Paper.Hidden.WITHDRAWN
    if isinstance(record, PaperRecord):
        _take_over(paper, record)
        for name in IDS:
            value = getattr(record, name)
            if value and not getattr(paper, name) and (name, value) not in known:
                setattr(paper, name, value)
    return before != [getattr(paper, name) for name in (*MERGED, "hidden")]


def _take_over(paper: Paper, record: PaperRecord) -> None:
    newer = _newer(paper, record)
    if newer > 0 and not record.version:
        paper.version = None
    for name in ("title", "abstract", "authors", "categories"):
        old, value = getattr(paper, name), getattr(record, name)
        value = value if isinstance(value, str) else list(value)
        if value and newer >= 0 and (newer > 0 or (len(value), value) > (len(old), old)):
            setattr(paper, name, value)
            paper.raw = {key: text for key, text in paper.raw.items() if key != name}
            if name in record.raw:
                paper.raw[name] = record.raw[name]
    paper.title_key = title_key(paper.title)
    paper.version = max(paper.version or 0, record.version or 0) or None
    paper.submitted = min(filter(None, [paper.submitted, record.submitted]), default=None)
    paper.updated = max(filter(None, [paper.updated, record.updated]), default=None)
    for name in ("url", "code_url", "tldr"):
        setattr(paper, name, getattr(paper, name) or getattr(record, name))


def _newer(paper: Paper, record: PaperRecord) -> int:
    """Above 0 where the record is of a newer version than the paper, below for an older one.

    By their numbers, else by when each was. A record that does not say so is never newer: its
    text would replace the other's again and again.
    """
    if record.version and paper.version and record.version != paper.version:
        return record.version - paper.version
    if record.version == 1 and paper.updated and paper.updated != paper.submitted:
        return 0 if record.updated == paper.updated else -1
    if paper.version == 1 and not paper.updated and record.updated not in (None, record.submitted):
        return 1
    known, told = paper.updated or paper.submitted, record.updated or record.submitted
    if not (paper.updated or record.updated) or not known or not told:
        return 0
    days = (told - known).days
    return days if record.updated else min(days, 0)
