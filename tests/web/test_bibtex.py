"""BibTeX that is written is what the reader of BibTeX reads back."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions.models import Paper
from subscriptions.sources.bibtex import read
from subscriptions.sources.records import PaperRecord
from subscriptions.web.bibtex import bibtex, key

SEEN = dt.datetime(2025, 10, 10, tzinfo=dt.UTC)


def paper(**fields: Any) -> Paper:
    values = {"pk": 7, "title": "A title", "arxiv_id": "2510.00001", "first_seen": SEEN}
    return Paper(**{**values, **fields})


def read_back(text: str, folder: Path) -> list[Any]:
    path = folder / "library.bib"
    path.write_text(text, encoding="utf-8")
    return list(read(path, SEEN.date()))


def test_an_entry_has_what_a_reference_needs() -> None:
    whole = paper(
        title="Grasping with BERT",
        authors=["Zoë van der Müller", "Smith, Jr.", "Sand and Sea", "others", "王 小明"],
        categories=["cs.RO", "cs.CL"],
        submitted=dt.date(2025, 9, 30),
        doi="10.1234/a_b(1)",
    )
    assert bibtex([whole]) == (
        "@misc{muller2025-2510.00001,\n"
        "  title = {{Grasping with BERT}},\n"
        "  author = {Zoë van der Müller and {Smith, Jr.} and {Sand and Sea} and {others}"
        " and 王 小明},\n"
        "  year = {2025},\n"
        "  month = sep,\n"
        "  eprint = {2510.00001},\n"
        "  archiveprefix = {arXiv},\n"
        "  primaryclass = {cs.RO},\n"
        "  doi = {10.1234/a_b(1)},\n"
        "  url = {https://arxiv.org/abs/2510.00001},\n"
        "}\n"
    )


@pytest.mark.parametrize(
    "title",
    [
        r"50% of {BERT} & x_1 ~ #1, for $100 or $20 \alpha ^ 2",
        r"A bound of $\sqrt{n}^{\{k\}} \choose m$ for all",
    ],
)
def test_what_is_written_is_read_back(tmp_path: Path, title: str) -> None:
    authors = ["Zoë van der Müller", "Smith, Jr.", "Sand and Sea", "others", "王 小明"]
    papers = [
        paper(title=title, authors=authors, categories=["math.CO"]),
        paper(pk=8, arxiv_id="math/0601001", url="https://example.org/{a}?x=%20&y=~z_1#f"),
        paper(pk=9, arxiv_id=None, doi="10.1234/a_b<c>"),
    ]
    found, old, with_doi = read_back(bibtex(papers), tmp_path)
    assert (found.title, found.authors) == (title, tuple(authors))
    assert (found.arxiv_id, found.categories) == ("2510.00001", ("math.CO",))
    assert (old.arxiv_id, old.url) == ("math/0601001", "https://example.org/%7Ba%7D?x=%20&y=~z_1#f")
    assert (with_doi.doi, with_doi.arxiv_id) == ("10.1234/a_b<c>", None)


def test_keys_are_plain_and_do_not_depend_on_what_else_is_written() -> None:
    assert key(paper(authors=["Ólafur Þór Ø'Brien"])) == "brien2025-2510.00001"
    assert key(paper(arxiv_id="math/0601001")) == "paper2025-math-0601001"
    assert key(paper(arxiv_id=None, own_id="x", authors=["王 小明", "B. Two"])) == "paper2025-7"
    twice = [paper(), paper(), paper(pk=8, arxiv_id="2510.00002")]
    assert bibtex(twice).count("@misc{") == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), st.lists(st.text())), min_size=1, max_size=3))
def test_no_text_breaks_the_library(tmp_path: Path, texts: list[tuple[str, list[str]]]) -> None:
    papers = [
        paper(pk=n, arxiv_id=f"2510.0000{n}", title=f"T {title}", authors=authors)
        for n, (title, authors) in enumerate(texts)
    ]
    written = bibtex(papers)
    assert not {sign for sign in written if ord(sign) < 32} - {"\n"}
    found = read_back(written, tmp_path)
    assert all(isinstance(record, PaperRecord) for record in found)
    assert [record.arxiv_id for record in found] == [p.arxiv_id for p in papers]


WORDS = st.lists(st.text("aZé0&%#_^$", min_size=1, max_size=6), min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WORDS.map(" ".join).filter(lambda title: title.count("$") < 2))  # two make a formula
def test_signs_of_tex_in_a_title_come_back(tmp_path: Path, title: str) -> None:
    (found,) = read_back(bibtex([paper(title=f"On {title} x")]), tmp_path)
    assert found.title == f"On {title} x"
