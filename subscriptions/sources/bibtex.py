r"""A researcher's own library as BibTeX: of Zotero, JabRef, Mendeley, Google Scholar, arXiv, ACL.

The library is split at the lines that begin an entry, where bibtexparser recovers too: so one
entry that is broken costs no other, none is too large, and keys may come twice. Entries that
are in it are no news; their keys are not ids, for every library makes its own.
"""

import datetime as dt
import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from bibtexparser.entrypoint import parse_string
from bibtexparser.exceptions import BlockAbortedException
from bibtexparser.middlewares.names import (
    parse_single_name_into_parts,
    split_multiple_persons_names,
)
from bibtexparser.model import Block, Entry, ImplicitComment, ParsingFailedBlock, String

from subscriptions.models import Source

from . import ids, records
from .lines import MAX_LINE
from .records import Found, PaperRecord, RejectedRecord, Rejection, SourceFormatError
from .seam import Format
from .spreadsheet import read_text

logging.getLogger("bibtexparser.splitter").setLevel(logging.CRITICAL)  # Rejections say it

_MAX_VALUE, _MAX_STRING, _MAX_STRINGS = 200_000, 1_000, 10_000
_FIELDS = {
    "title", "author", "abstract", "doi", "url", "eprint", "archiveprefix", "eprinttype",
    "primaryclass", "eprintclass", "journal", "journaltitle", "note", "howpublished", "volume",
    "date", "year", "month", "day", "crossref",
}  # fmt: skip
_HEAD = re.compile(r"^[^\S\n]*@\s*([A-Za-z]\w*)\s*([{(])", re.MULTILINE)
_ENCLOSING = re.compile(r"(?<!\\)[{}\"#]")
_TEX = re.compile(
    r"(?P<math>\$(?!\s)(?:[^${}\\]|\\.|\{(?:[^${}\\]|\\.|\{[^${}]*+\})*+\})*+(?<!\s)\$(?!\d))"
    r"|(?P<takes>\\(?:[A-Za-z]++\*?[ \t]*+|['`^\"~=.]))|\\."
    r"|(?P<kept>(?<=[_^])\{|\{(?=\\[A-Za-z]++[\s{}\\]|\\[^A-Za-z](?:\{\\?\w\}|[^{}]{0,4})\}))"
    r"|(?P<open>\{)|(?P<close>\})",
    re.DOTALL,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def read(path: Path, today: dt.date) -> Iterator[Found]:
    """Records of one library; one that is refused has the number of the line it begins in."""
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    strings: dict[str, str] = {}
    good = bad = 0
    for number, block in _blocks(text):
        if isinstance(block, str):
            bad += 1
            yield Rejection(number, block)
            if bad == 20 and not good:
                break
            continue
        good += not isinstance(block, Entry) or bool(block.fields)  # "@media (print)" has none
        try:
            if isinstance(block, String) and len(strings) < _MAX_STRINGS:
                strings[block.key.lower()] = _expanded(block.value, strings)[:_MAX_STRING]
            elif isinstance(block, Entry):
                yield _paper(_fields(block, strings))
        except RejectedRecord as error:
            yield Rejection(number, str(error))
    if text.strip() and not good:
        raise SourceFormatError("is not BibTeX: not one entry of it can be read")


def _blocks(text: str) -> Iterator[tuple[int, Block | str]]:
    """What there is but remarks, by number of its first line; of what is broken, the reason."""
    number = 1
    starts = (head.start() for head in _HEAD.finditer(text))
    for start, end in pairwise(chain([0], starts, [len(text)])):
        if end - start > MAX_LINE:
            yield number, f"is longer than {MAX_LINE >> 20} MB"
        else:
            for block in parse_string(_tidy(text[start:end]), parse_stack=[]).blocks:
                if (whole := _whole(block)) is not None:
                    yield number + (block.start_line or 0), whole
        number += text.count("\n", start, end)


def _tidy(part: str) -> str:
    """A part whose other lines do not begin with "@": to bibtexparser "@5 (" begins an entry."""
    head = _HEAD.match(part)
    rest = re.sub(r"\n(?=[^\S\n]*@)", " ", part[head.end() if head else 0 :])
    return f"@{head[1]}{head[2]}{rest}" if head else rest


def _whole(block: Block) -> Block | str | None:
    """A block, the reason where it is broken, None where it is a remark."""
    while isinstance(block, ParsingFailedBlock) and block.ignore_error_block:
        block = block.ignore_error_block  # a key that comes twice is no matter
    if not isinstance(block, ParsingFailedBlock):
        return None if isinstance(block, ImplicitComment) else block
    if (block.raw or "").lower().startswith("@comment"):
        return None
    error = block.error
    reason = error.abort_reason if isinstance(error, BlockAbortedException) else str(error)
    if "end of file" in reason:
        return "is broken: it begins, and no brace or quote ends it"
    return "is broken: " + "".join(filter(str.isprintable, reason[:200]))


def _fields(entry: Entry, strings: dict[str, str]) -> dict[str, str]:
    """The fields that are read here; of two with one name the first that says something."""
    fields: dict[str, str] = {}
    for field in entry.fields:
        name = field.key.lower()
        if name in _FIELDS and not fields.get(name):
            fields[name] = _expanded(field.value, strings)
    return fields


def _expanded(value: str, strings: dict[str, str]) -> str:
    """A value without its braces or quotes, joined at each ``#``, its @strings expanded.

    bibtexparser expands what is one name only. Raises RejectedRecord where the value has run
    into the next field.
    """
    depth, quoted, start, groups, text = 0, False, 0, 0, ""
    for mark in chain(_ENCLOSING.finditer(value), [None]):
        sign = mark[0] if mark else ""
        if sign in {"{", "}"}:
            depth += 1 if sign == "{" else -1
            groups += sign == "}" and depth == 0 and not quoted
        elif sign == '"' and depth <= 0:
            quoted = not quoted
            groups += not quoted
        elif not sign or (sign == "#" and depth <= 0 and not quoted):
            part = value[start : mark.start() if mark else None].strip()
            enclosed = len(part) > 1 and part[0] + part[-1] in ("{}", '""')
            if groups > enclosed or (not enclosed and "=" in part):
                raise RejectedRecord(f"is broken: no comma ends {records.shown(part)}")
            text += part[1:-1] if enclosed else strings.get(part.lower(), part)
            if mark is None or len(text) > _MAX_VALUE:
                break
            start, groups = mark.end(), 0
    return text[:_MAX_VALUE].strip()


def _paper(fields: dict[str, str]) -> PaperRecord:
    if not fields.get("title") and (parent := fields.get("crossref")):
        raise RejectedRecord(f"title is missing, and crossref is not followed: {parent[:40]!r}")
    texts = records.texts(
        unbraced(fields.get("title", "")),
        unbraced(fields.get("abstract", "")),
        _authors(fields.get("author", "")),
    )
    plain = {name: _plain(value) for name, value in fields.items()}
    url = re.search(r"https?://\S+", plain.get("url", ""))
    named: dict[str, Any] = {}
    if arxiv := _arxiv_id(plain):
        named["arxiv_id"], named["version"] = arxiv
        classes = plain.get("primaryclass") or plain.get("eprintclass")
        named["categories"] = records.arxiv_categories(classes)
    if doi := ids.doi_in(plain.get("doi", "")) or ids.doi(plain.get("url")):
        named["doi"] = doi
    if not arxiv and not doi:
        first = next(iter(texts["authors"]), "")
        named["own_id"] = ids.own_id(None, texts["title"], first, "file")
    return PaperRecord(
        **texts,
        **named,
        submitted=_submitted(plain),
        announced=None,
        url=(records.address(url[0]) if url else None) or "",
    )


def unbraced(text: str) -> str:
    """Text without BibTeX's own braces, which keep capitals; TeX's and those of math stay."""
    cuts: list[int] = []
    opened: list[tuple[int, bool, bool]] = []
    takes = -1
    for token in _TEX.finditer(text[:_MAX_VALUE]):
        at, kind = token.start(), token.lastgroup
        if kind == "takes":
            takes = token.end()
        elif kind in {"kept", "open"}:
            opened.append((at, kind == "open" and at != takes, at == takes))
        elif kind == "close" and opened:
            start, cut, argument = opened.pop()
            if argument:
                takes = token.end()  # there may be another
            if cut:
                cuts += [start, at]
    bounds = pairwise([-1, *sorted(cuts), len(text)])
    return "".join(text[start + 1 : end] for start, end in bounds)


def _authors(value: str) -> list[str]:
    """Names as they are read, of "A and B" or "Last, First and {A Company}"."""
    names = []
    for name in split_multiple_persons_names(value)[: records.MAX_AUTHORS]:
        if name.count(",") > 2 and "{" not in name:
            names += records.names_in(name)  # commas between names, which BibTeX does not know
        elif name != "others":
            cut = name[: records.MAX_NAME * 4]
            parts = parse_single_name_into_parts(cut, strict=False)
            names.append(unbraced(parts.merge_first_name_first))
    return names


def _plain(value: str) -> str:
    """An id or address without what TeX needs in it."""
    value = re.sub(r"\\textasciitilde\b", "~", value)
    return re.sub(r"[{}]|\\(?=[^A-Za-z0-9\s])|\\url\b", "", value).strip()


def _arxiv_id(fields: dict[str, str]) -> tuple[str, int | None] | None:
    kind = fields.get("archiveprefix") or fields.get("eprinttype") or "arxiv"
    places = [fields.get("eprint")] if kind.lower() == "arxiv" else []
    places += [fields.get("doi"), fields.get("url")]
    names = ("journal", "journaltitle", "volume", "note", "howpublished")
    told = " ".join(fields.get(name, "") for name in names)[: records.MAX_ABSTRACT]
    if re.search(r"arxiv|\bCoRR\b", told, re.IGNORECASE):
        words = re.split(r"[\s,;()\[\]]+", told)
        places += [word.rstrip(".").removeprefix("abs/") for word in words]
    return next(filter(None, map(ids.arxiv_id, places)), None)


def _submitted(fields: dict[str, str]) -> dt.date | None:
    """The day of a date, or of year, month and day; None where one of them is missing."""
    day = fields.get("date", "").partition("/")[0]
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T.*)?", day):
        month = fields.get("month", "")[:40]
        name = re.search(r"[A-Za-z]{3}", month)
        numbers = re.findall(r"[0-9]+", month)
        if name and name[0].lower() in _MONTHS:
            numbers.insert(0, str(_MONTHS.index(name[0].lower()) + 1))
        parts = [fields.get("year", ""), *numbers[:1], fields.get("day") or "".join(numbers[1:2])]
        day = "-".join(part.zfill(2) for part in parts)
    with suppress(RejectedRecord):
        return records.date(day, "date")
    return None


FORMAT = Format("bibtex", Source.FILE, read, (".bib",))
