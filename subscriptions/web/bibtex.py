r"""Papers as BibTeX, for LaTeX and for programs that keep references.

UTF-8, as today's LaTeX reads it. BibTeX counts braces even behind a backslash, so those that
are not balanced are written as commands.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import accumulate

from bibtexparser.entrypoint import write_string
from bibtexparser.library import Library
from bibtexparser.model import Entry, Field
from bibtexparser.writer import BibtexFormat
from django.http import HttpResponse

from subscriptions.models import Paper

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
}  # fmt: skip
_LONE = {"{": r"\textbraceleft{}", "}": r"\textbraceright{}"}
_FORMULA = re.compile(r"(\$(?!\s)(?:[^$\\]|\\.){1,300}(?<!\s)\$)(?!\d)")
_OPENS_A_LIST = re.compile(r",|(?i:\band\b)|^others$")


def bibtex_file(papers: Iterable[Paper], name: str) -> HttpResponse:
    """The answer that is stored as ``name.bib``."""
    return HttpResponse(
        bibtex(papers),
        content_type="application/x-bibtex; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.bib"'},
    )


def bibtex(papers: Iterable[Paper]) -> str:
    """A library of these papers in this order, each once."""
    entries = {paper.pk: _entry(paper) for paper in papers}
    form = BibtexFormat()  # type: ignore[no-untyped-call]
    form.indent, form.block_separator, form.trailing_comma = "  ", "\n", True
    return write_string(Library([*entries.values()]), unparse_stack=[], bibtex_format=form)


def key(paper: Paper) -> str:
    """How LaTeX cites it: the first author, the year, and what no other paper has."""
    year = (paper.submitted or paper.first_seen).year
    last = paper.authors[0].split()[-1:] if paper.authors else []
    letters = unicodedata.normalize("NFKD", "".join(last)).casefold()
    name = re.sub(r"[^a-z]", "", letters) or "paper"
    return f"{name}{year}-{(paper.arxiv_id or str(paper.pk)).replace('/', '-')}"


def _entry(paper: Paper) -> Entry:
    fields = [Field(name, value) for name, value in _fields(paper) if value not in {"{}", "{{}}"}]
    return Entry("misc", key(paper), fields)


def _fields(paper: Paper) -> Iterator[tuple[str, str]]:
    yield "title", f"{{{{{_text(paper.title)}}}}}"  # twice, so that capitals stay
    yield "author", f"{{{' and '.join(map(_name, paper.authors))}}}"
    day = paper.submitted or paper.first_seen.date()
    yield "year", f"{{{day.year}}}"
    yield "month", f"{day:%b}".lower()
    if paper.arxiv_id:
        yield "eprint", f"{{{paper.arxiv_id}}}"
        yield "archiveprefix", "{arXiv}"
        yield "primaryclass", f"{{{_address(''.join(paper.categories[:1]))}}}"
    yield "doi", f"{{{_address(paper.doi or '')}}}"
    yield "url", f"{{{_address(paper.url or paper.abstract_url)}}}"


def _text(text: str) -> str:
    parts = _FORMULA.split(_one_line(text))
    formulas = [_says_tex(part) for part in parts[1::2]]
    prose = "".join(p for n, p in enumerate(parts) if n % 2 == 0 or not formulas[n // 2])
    special = _SPECIAL if _is_balanced(prose) else _SPECIAL | _LONE

    def escaped(sign: re.Match[str]) -> str:
        return special[sign[0]]

    return "".join(
        part if n % 2 and formulas[n // 2] else re.sub(r"[\\{}~^&%$#_]", escaped, part)
        for n, part in enumerate(parts)
    )


def _says_tex(formula: str) -> bool:
    return _is_balanced(formula) and bool(re.search(r"[\\^_]", formula))


def _is_balanced(text: str) -> bool:
    steps = (1 if brace == "{" else -1 for brace in re.findall("[{}]", text))
    depths = [0, *accumulate(steps)]
    return min(depths) == depths[-1] == 0


def _name(name: str) -> str:
    text = _text(name)
    return f"{{{text}}}" if _OPENS_A_LIST.search(text) else text


def _address(address: str) -> str:
    """As it is, for LaTeX prints it by ``\\url``; what would end the field is encoded."""
    encoded = {"\\": "%5C", "{": "%7B", "}": "%7D", " ": "%20"}
    return "".join(encoded.get(sign, sign) for sign in _one_line(address))


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())
