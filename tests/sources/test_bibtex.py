"""Libraries as BibTeX: what exporters and people write, and what must not stop the rest."""

import datetime as dt
import logging
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.sources import Found, PaperRecord, Rejection, SourceFormatError, read_file
from subscriptions.sources.bibtex import unbraced
from subscriptions.sources.ids import own_id
from subscriptions.sources.lines import MAX_FILE_BYTES, MAX_LINE
from subscriptions.sources.readable import readable

from .test_any_input import check, file_of

DAY = dt.date(2025, 10, 6)


def read(path: Path, text: str | bytes) -> list[Found]:
    path = path / "library.bib"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_file(path, "bibtex", DAY))


def paper(path: Path, fields: str) -> PaperRecord:
    (found,) = read(path, f"@article{{key,\n  {fields}\n}}\n")
    assert isinstance(found, PaperRecord), found
    return found


def titles(found: list[Found]) -> list[str]:
    return [one.title for one in found if isinstance(one, PaperRecord)]


def rejections(found: list[Found]) -> list[tuple[int, str]]:
    return [(one.number, one.reason) for one in found if isinstance(one, Rejection)]


def test_every_field_of_an_entry(tmp_path: Path) -> None:
    found = paper(
        tmp_path,
        """title = {Tides of {Mars}}, author = {Rook, Ada and Bo Lind}, abstract = {Two
        moons pull.}, eprint = {2310.01234v2}, archivePrefix = {arXiv}, primaryClass = {astro-ph},
        doi = {10.1000/Tides}, url = {https://example.org/tides}, date = {2023-10-02}""",
    )
    assert found == PaperRecord(
        "Tides of Mars", None, arxiv_id="2310.01234", version=2, doi="10.1000/tides",
        authors=("Ada Rook", "Bo Lind"), abstract="Two moons pull.", categories=("astro-ph",),
        url="https://example.org/tides", submitted=dt.date(2023, 10, 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("{BERT} reads", "BERT reads"),
        ("{{Deep {L}earning}}", "Deep Learning"),
        (r"{\"o}del", "ödel"),
        (r"Erd{\H{o}}s", "Erdős"),
        (r"Stra{\ss}e", "Straße"),
        (r"{\'Etude de {BERT}}", "Étude de BERT"),
        (r"{\alpha-divergence of {X}}", "\N{GREEK SMALL LETTER ALPHA}-divergence of X"),
        (r"\'{e}t{\'e}", "été"),
        (r"{\em very {Big}} model", "very Big model"),
        (r"\textit{a {B} c} d", "a B c d"),
        (r"bound {$O(n^{2})$} of {A}", "bound O(n²) of A"),
        (r"$O(n^{2})$ {A}", "O(n²) A"),
        (r"Search {\&} Rescue, R\&D & 5\% or 5%, <b>", "Search & Rescue, R&D & 5% or 5%, <b>"),
        (r"from $5 for {A} to $6 for {B}", "from $5 for A to $6 for B"),
        (r"from {\$}5 to \$6 {B}", "from $5 to $6 B"),
        (r"at $ {A} and US$ {B}", "at $ A and US$ B"),
        (r"sets \{a\} and {b}", "sets {a} and b"),
        (r"see \href{https://example.org/}{{X} there}", "see X there"),
    ],
)  # fmt: skip
def test_braces_go_and_tex_is_read(tmp_path: Path, tex: str, text: str) -> None:
    assert readable(unbraced(tex)) == text
    found = paper(tmp_path, f"title = {{{tex}}}, abstract = {{{tex}}}")
    assert readable(found.title) == readable(found.abstract) == text


def test_math_keeps_its_braces() -> None:
    assert unbraced(r"${n \choose k} x^{a{b}}$ {C}") == r"${n \choose k} x^{a{b}}$ C"
    assert unbraced(r"x_{ij} {C} y^{2}") == r"x_{ij} C y^{2}"


@pytest.mark.parametrize("text", ["a } b {", "}}}", "{{{", "$ {", "\\", "{\\", "$\\"])
def test_braces_without_another_stay(text: str) -> None:
    assert unbraced(text) == text


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        ("Rook, Ada and Lind, Bo", ["Ada Rook", "Bo Lind"]),
        ("Ada Rook AND\n Bo Lind", ["Ada Rook", "Bo Lind"]),
        ("van der Berg, Jan and {García Márquez}, Ana", ["Jan van der Berg", "Ana García Márquez"]),
        ("{Tide and Sons, Inc.} and Rook, Ada", ["Tide and Sons, Inc.", "Ada Rook"]),
        ("Rook, Jr., Ada and others", ["Ada Rook Jr."]),
        ("Jean~Luc Rook", ["Jean Luc Rook"]),
        (r"B{\"a}r, {\'E}va", ["Éva Bär"]),
        ("A. Rook, B. Lind, C. Tide, D. Zorn", ["A. Rook", "B. Lind", "C. Tide", "D. Zorn"]),
        ("Rook, and ,", ["Rook"]),
    ],
)
def test_authors_as_they_are_read(tmp_path: Path, names: str, authors: list[str]) -> None:
    found = paper(tmp_path, f"title = {{T}}, author = {{{names}}}")
    assert [readable(name) for name in found.authors] == authors


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ("eprint = {2310.01234v3}, archivePrefix = {arXiv}", ("2310.01234", 3, None)),
        ("eprint = {2310.01234}, eprinttype = {ARXIV}", ("2310.01234", None, None)),
        ("eprint = {hep-th/9901001}", ("hep-th/9901001", None, None)),
        ("eprint = {2310.01234}, eprinttype = {jstor}, doi = {10.1000/a}",
         (None, None, "10.1000/a")),
        ("url = {http://arxiv.org/abs/2310.01234v1}", ("2310.01234", 1, None)),
        ("note = {arXiv:2310.01234 [cs.CL]}", ("2310.01234", None, None)),
        ("journal = {arXiv preprint arXiv:2310.01234}", ("2310.01234", None, None)),
        ("journal = {ArXiv}, volume = {abs/2310.01234}", ("2310.01234", None, None)),
        ("journal = {CoRR}, volume = {abs/2310.01234}", ("2310.01234", None, None)),
        ("journal = {Tides}, volume = {2310.01234}, doi = {10.1000/a}", (None, None, "10.1000/a")),
        ("doi = {10.48550/arXiv.2310.01234}", ("2310.01234", None, "10.48550/arxiv.2310.01234")),
        (r"doi = {https://doi.org/10.1000/A{\_}b\_c}", (None, None, "10.1000/a_b_c")),
        ("url = {https://doi.org/10.1000/a}", (None, None, "10.1000/a")),
    ],
)  # fmt: skip
def test_ids_wherever_they_stand(
    tmp_path: Path, fields: str, ids: tuple[str | None, int | None, str | None]
) -> None:
    found = paper(tmp_path, f"title = {{T}}, {fields}")
    assert (found.arxiv_id, found.version, found.doi) == ids
    assert found.own_id is None


def test_without_an_id_the_title_and_first_author_name_it(tmp_path: Path) -> None:
    """Whatever the key is: another library has another."""
    text = "title = {A {Title}}, author = {Rook, Ada and Lind, Bo}, doi = {n/a}, eprint = {7}"
    found = paper(tmp_path, text)
    assert found.own_id == own_id(None, "A Title", "Ada Rook", "file")
    assert (found.arxiv_id, found.doi) == (None, None)


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ("date = {2023-10-02}", dt.date(2023, 10, 2)),
        ("date = {2023-10-02/2023-10-05}", dt.date(2023, 10, 2)),
        ("date = {2023-10}", None),
        ("date = {2023}, year = 2023, month = oct, day = 2", dt.date(2023, 10, 2)),
        ("year = 2023, month = {October}, day = {02}", dt.date(2023, 10, 2)),
        ('year = "2023", month = 10, day = 2', dt.date(2023, 10, 2)),
        ('year = 2023, month = oct # "~2"', dt.date(2023, 10, 2)),
        ('year = 2023, month = "2~" # oct', dt.date(2023, 10, 2)),
        ("year = 2023, month = oct", None),
        ("year = 2023", None),
        ("year = 2023, month = feb, day = 30", None),
        ("year = {in press}, month = {soon}, day = {x}", None),
        ("year = 1066, month = oct, day = 14", None),
    ],
)
def test_only_a_whole_date_is_a_date(tmp_path: Path, fields: str, day: dt.date | None) -> None:
    assert paper(tmp_path, f"title = {{T}}, {fields}").submitted == day


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (r"\url{https://example.org/a\_b{\%}20c}", "https://example.org/a_b%20c"),
        (r"https://example.org/{\textasciitilde}ada", "https://example.org/~ada"),
        ("https://example.org/1 https://example.org/2", "https://example.org/1"),
        ("example.org", ""),
        ("javascript:alert(1)", ""),
        ("http://[::1", ""),
        (f"https://example.org/{'x' * 500}", ""),
    ],
)
def test_an_address_that_is_none_is_left_out(tmp_path: Path, given: str, url: str) -> None:
    assert paper(tmp_path, f"title = {{T}}, url = {{{given}}}").url == url


def test_quotes_parentheses_joins_and_strings(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """% Encoding: UTF-8
@STRING{Tide = "Tides"} @string{of = tide # { of}}
@preamble{"\\newcommand{\\x}{@article}"}
@article(one, title = OF # " {"}Mars{"} # " # 2, journal = {A (b) c})
 @ article
 {two, title = "{One} {Two}" }
@article{three, Title = {}, TITLE = {First}, title = {Second},}
""",
    )
    assert titles(found) == ['Tides of "Mars" # 2', "One Two", "First"]
    assert rejections(found) == []


def test_comments_are_no_papers(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """A remark, with { and "
@comment{jabref-meta: databaseType:bibtex;}
@Comment{@article{no, title = {No}}}
@article{a, title = {A}}
@comment{
@article{b, title = {B}}
}""",
    )
    assert found == read(tmp_path, "@article{a, title = {A}}\n@article{b, title = {B}}")


def test_keys_that_come_twice_and_keys_that_are_missing(tmp_path: Path) -> None:
    text = "@article{a, title={{A}}} @article{a, title={{B}}}\n@article{a, title={C}}\n"
    assert titles(read(tmp_path, text + "@misc{, title = {D}}")) == ["A", "B", "C", "D"]


def test_a_broken_entry_costs_no_other(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """@article{a, title = {A}}

@article{b, title = {Never ends,
  year = 2020
}
@article{c, title = {C}}
@article{d, title {D}}
@article{e, title = {E}
  year = {2020}}
@article e, title = {E}}
@article{e, title = {E}, year = 2020 month = 3}
@article{f, title = {F}}
@article{g, title = "G
""",
    )
    assert titles(found) == ["A", "C", "F"]
    assert rejections(found) == [
        (3, "is broken: it begins, and no brace or quote ends it"),
        (7, "is broken: Expected a `=` after entry key, but found `{`."),
        (8, "is broken: no comma ends '{E}\\n  year = {2020}'"),
        (11, "is broken: no comma ends '2020 month = 3'"),
        (13, "is broken: it begins, and no brace or quote ends it"),
    ]


def test_an_entry_without_a_title_says_so(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """@online{a, url = {https://example.org}}
@inproceedings{b, crossref = {tides2020}, author = {Rook, Ada}}
@misc{c, title = {{}}}
@misc{d}
@misc{e, title = {{---}}}
""",
    )
    missing = "title is missing: every paper needs one"
    assert rejections(found)[:4] == [
        (1, missing),
        (2, "title is missing, and crossref is not followed: 'tides2020'"),
        (3, missing),
        (4, missing),
    ]
    assert rejections(found)[4][1].startswith("title has no letter or digit")


def test_text_with_at_signs_stays_in_its_entry(tmp_path: Path) -> None:
    text = "title = {T}, abstract = {precision\n@5 (best)\n @home {x} and a@b.c {y}}"
    (found,) = read(tmp_path, f"@article{{a, {text}}}\n".replace("@home {", "@ 5 {"))
    assert isinstance(found, PaperRecord)
    assert found.abstract == "precision @5 (best) @ 5 x and a@b.c y"


def test_lines_are_counted_whatever_ends_them(tmp_path: Path) -> None:
    text = "\n@misc{a,\n title = {A\n}}\n\n  @misc{b}\n\n% @misc{d}\n@misc{c, title = {C}}"
    for ending in ("\n", "\r\n", "\r"):
        found = read(tmp_path, "\ufeff".encode() + text.replace("\n", ending).encode())
        assert titles(found) == ["A", "C"]
        assert [number for number, _ in rejections(found)] == [6, 8]


def test_nothing_is_logged_of_what_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        read(tmp_path, "@misc{a, title = {A}}\n@misc{b, title = {\n@misc{c, title {}}")
    assert caplog.records == []


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff", "@comment{x}", '@string{a = "b"}'])
def test_an_empty_library_has_no_papers(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "JSON"}',
        "title,doi\nA,10.1000/a\n",
        "<html>@media (x) {}</html>",
        "{" * 2**20,
        "{" * (2**20 + 1),
        "@article{" * 10_000,
        "@article{\n" * 10_000,
        "@article(" * 10_000,
        "@" * 2**20,
        "@a\n" * 100_000,
        "@article{a, title = " + "{" * 500_000,
        "@article{a, title = " + '"' * 499_999,
    ],
)
def test_what_is_not_bibtex_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceFormatError, match="is not BibTeX"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "value",
    [
        "${" * 70_000,
        r"\$" * 70_000 + "$",
        "a{}" * 50_000,
        "{" * 70_000 + "}" * 70_000,
        " and " * 30_000,
        "a}b " * 40_000,
        "," * 150_000,
        "arxiv " + "1" * 150_000,
        "http://" * 20_000,
        "\\a" * 70_000,
        "(" * 150_000,
    ],
    ids=lambda value: value[:6],
)
def test_a_value_of_any_shape_is_read(tmp_path: Path, value: str) -> None:
    """None of them in more than a moment: what is quadratic would take minutes."""
    names = ("title", "author", "note", "url", "abstract", "doi")
    text = ", ".join(f'{name} = "A {value} z"' for name in names)
    assert len(text) < MAX_LINE
    found = read(tmp_path, f"@misc{{a, {text}}}\n@misc{{b, title = {{B}}}}")
    assert [type(one) for one in found] == [PaperRecord, PaperRecord]
    for one in found:
        check(one)


def test_strings_that_double_do_not_grow(tmp_path: Path) -> None:
    strings = "".join(f"@string{{s{i + 1} = s{i} # {{x}} # s{i}}}\n" for i in range(500))
    text = f'@string{{s0 = "x"}}\n{strings}@misc{{a, title = {"s500 # " * 10_000} {{end}}}}'
    tracemalloc.start()
    (found,) = read(tmp_path, text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, PaperRecord)
    assert len(found.title) == 500
    assert peak < 100 * 2**20  # doubled 500 times, nothing would hold it


def test_what_begins_with_broken_entries_only_is_soon_given_up(tmp_path: Path) -> None:
    path = tmp_path / "library.bib"
    path.write_text("@misc{a\n" * 100)
    seen: list[Found] = []
    with pytest.raises(SourceFormatError, match="is not BibTeX"):
        seen.extend(read_file(path, "bibtex", DAY))
    assert len(seen) == 20


def test_an_entry_that_is_too_large_is_passed_over(tmp_path: Path) -> None:
    text = f"@misc{{a, title = {{A}}, file = {{{'x' * MAX_LINE}}}}}\n@misc{{b, title = {{B}}}}"
    found = read(tmp_path, text)
    assert titles(found) == ["B"]
    assert rejections(found) == [(1, "is longer than 1 MB")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("@misc{a, title = {A}}\n@misc{b, title = {Ä}}".encode("latin-1"), "UTF-8, in line 2"),
        ("@misc{a, title = {A}}".encode("utf-16"), "is not text in UTF-8"),
        (b"@misc{a, title = {A\0}}", "a NUL character"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is not text in UTF-8"),
        (b" " * (MAX_FILE_BYTES + 1), "is larger than 64 MB"),
    ],
)
def test_what_is_not_text_says_so(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SourceFormatError, match=why):
        read(tmp_path, content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceFormatError, match="cannot be read: No such file"):
        list(read_file(tmp_path / "none.bib", "bibtex", DAY))
    with pytest.raises(SourceFormatError, match="cannot be read: Is a directory"):
        list(read_file(tmp_path, "bibtex", DAY))


PIECES = st.sampled_from(
    ["@article{", "@misc(", "@string{", "@comment{", "@preamble{", "k,", "title", "author", "=",
     "{", "}", '"', ")", "#", ",", "\n", " ", "\\", "$", "and", "Rook, Ada", "A title", "doi",
     "10.1000/a", "eprint", "2310.01234", "month", "jan", "year = 2023,", "title = {A},", "@",
     '\\"', "\\'{e}", "^{", "\u200d", "\u2028", "\r"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join) | st.binary(max_size=40))
def test_whatever_a_library_holds(content: str | bytes) -> None:
    with file_of(content.encode() if isinstance(content, str) else content) as path:
        try:
            for one in read_file(path, "bibtex", DAY):
                check(one)
        except SourceFormatError as error:
            assert str(error).startswith(("is ", "cannot "))


@given(st.text(st.characters(exclude_characters="{}\\$\0\"'`-~", exclude_categories=["C", "Z"])))
def test_plain_words_come_through_as_they_are(word: str) -> None:
    """Nothing of a text without TeX is lost, whatever its signs."""
    with file_of(f"@misc{{a, title = {{A {word} b}}}}".encode()) as path:
        (found,) = read_file(path, "bibtex", DAY)
    with file_of(f'{{"title": "A {word} b"}}'.encode()) as path:
        (same,) = read_file(path, "jsonl", DAY)
    assert isinstance(found, PaperRecord)
    assert isinstance(same, PaperRecord)
    assert found.title == same.title
