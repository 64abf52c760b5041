"""Places that announce papers: one module per source, each yielding PaperRecords."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from subscriptions.models import Source

from . import arxiv_listing, arxiv_oai, hf_daily, jsonl
from .records import PaperRecord, Rejection, SourceFormatError

FORMATS = {
    "hf-daily": Source.HUGGING_FACE,
    "arxiv-listing": Source.ARXIV,
    "arxiv-oai": Source.ARXIV,
    "jsonl": Source.FILE,
}


def read_file(path: Path, form: str, today: dt.date) -> Iterator[PaperRecord | Rejection]:
    """The records of a file in one of ``FORMATS``.

    Raises SourceFormatError, on the first record or a later one, where it is not in that format.
    """
    if form == "hf-daily":
        yield from hf_daily.read(path)
    elif form == "arxiv-listing":
        yield from arxiv_listing.read(path)
    elif form == "arxiv-oai":
        yield from arxiv_oai.read(path)
    else:
        yield from jsonl.read(path, today)


__all__ = ["FORMATS", "PaperRecord", "Rejection", "SourceFormatError", "read_file"]
