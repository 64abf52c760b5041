"""How each field is cleaned or refused."""

import datetime as dt
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.sources import ids, records
from subscriptions.sources.records import RejectedRecord

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
hostile = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(f"\x00\x07\ud800\udfff\u0301\u200b\u200d\ufeff\u2028\xa0 {BIDI}"),
    )
)


@given(hostile, st.integers(1, 40))
def test_clean_text_is_short_on_one_line_and_has_nothing_hidden(text: str, limit: int) -> None:
    cleaned = records.clean(text, limit)
    assert len(cleaned) <= limit
    assert records.clean(cleaned, limit) == cleaned
    assert cleaned == " ".join(cleaned.split())
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") for char in cleaned)
    assert not set(cleaned) & set(BIDI)
    cleaned.encode()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Ein\n  Titel\t", "Ein Titel"),
        ("a\x00b\ud800c\u202ed", "abcd"),
        ("e\x00\u0301", "é"),
        ("weich\u00adtrennen\u200b", "weichtrennen"),
        ("ab\u200ccd", "ab\u200ccd"),
        ("<b>fett</b> & mehr", "<b>fett</b> & mehr"),
        ("zwölf Buchst", "zwölf Buchst"),
        ("dreizehn Zeichen", "dreizehn Ze…"),
        (None, ""),
        (["kein Text"], ""),
    ],
)
def test_clean(text: object, cleaned: str) -> None:
    assert records.clean(text, 12 if "Zei" in str(text) else 40) == cleaned


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2310.01234", ("2310.01234", None)),
        ("0704.0001", ("0704.0001", None)),
        (" 2310.01234v2\n", ("2310.01234", 2)),
        ("arXiv:2310.01234v3", ("2310.01234", 3)),
        ("ARXIV:2310.01234V3", ("2310.01234", 3)),
        ("http://arxiv.org/abs/2310.01234", ("2310.01234", None)),
        ("https://www.arxiv.org/abs/2310.01234v12", ("2310.01234", 12)),
        ("https://arxiv.org/pdf/2310.01234v1.pdf", ("2310.01234", 1)),
        ("https://export.arxiv.org/html/2310.01234v1", ("2310.01234", 1)),
        ("10.48550/arXiv.2310.01234", ("2310.01234", None)),
        ("https://doi.org/10.48550/arxiv.hep-th/9901001", ("hep-th/9901001", None)),
        ("hep-th/9901001v2", ("hep-th/9901001", 2)),
        ("HEP-TH/9901001", ("hep-th/9901001", None)),
        ("math.AG/0601001", ("math/0601001", None)),
        ("arXiv:math/0601001", ("math/0601001", None)),
        ("https://arxiv.org/abs/cond-mat/0102003v1", ("cond-mat/0102003", 1)),
        ("acc-phys/9502001", ("acc-phys/9502001", None)),
        ("aa/0101001", None),
        ("https://arxiv.org/abs/no-such/0101001", None),
        ("2023.0001", None),
        ("2310.123", None),
        ("2310.012345", None),
        ("2310.01234v", None),
        ("2310.01234v1234", None),
        ("٢٣١٠.٠١٢٣٤", None),
        ("2310.01234\n2310.01235", None),
        ("https://example.org/abs/2310.01234", None),
        ("10.1000/182", None),
        ("", None),
        (2310.01234, None),
        (None, None),
    ],
)
def test_arxiv_ids(value: object, found: tuple[str, int | None] | None) -> None:
    assert ids.arxiv_id(value) == found


@given(
    st.from_regex(r"\d\d(0[1-9]|1[0-2])\.\d{4,5}", fullmatch=True, alphabet="0123456789."),
    st.none() | st.integers(0, 999),
    st.sampled_from(["", "arXiv:", "https://arxiv.org/abs/", "http://arxiv.org/pdf/"]),
)
def test_every_form_of_an_id_is_the_same_paper(
    number: str, version: int | None, prefix: str
) -> None:
    suffix = "" if version is None else f"v{version}"
    assert ids.arxiv_id(f"{prefix}{number}{suffix}") == (number, version)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("10.1000/ABC.123", "10.1000/abc.123"),
        ("doi:10.1000/182", "10.1000/182"),
        ("DOI:10.1000/182", "10.1000/182"),
        ("https://doi.org/10.1000/182", "10.1000/182"),
        ("http://dx.doi.org/10.1000/182 ", "10.1000/182"),
        ("10.1002/(SICI)1097(199806)49:8<693::AID>3.0.CO;2-O",
         "10.1002/(sici)1097(199806)49:8<693::aid>3.0.co;2-o"),
        ("10.1/too-short-a-prefix", None),
        ("10.1000/", None),
        ("10.1000/with space", None),
        ("10.1000/" + "İ" * 150, None),
        ("n/a", None),
        (10.1000, None),
    ],
)  # fmt: skip
def test_dois(value: object, found: str | None) -> None:
    assert ids.doi(value) == found


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2025-10-06", dt.date(2025, 10, 6)),
        ("2025-10-06T09:00:00.000Z", dt.date(2025, 10, 6)),
        ("2025-10-06T23:30:00-05:00", dt.date(2025, 10, 7)),
        ("2025-10-06 23:30:00", dt.date(2025, 10, 6)),
        (None, None),
        ("", None),
    ],
)
def test_dates(value: object, day: dt.date | None) -> None:
    assert records.date(value, "listed") == day


@pytest.mark.parametrize(
    "value",
    ["06.10.2025", "2025-13-01", "1899-12-31", "2200-01-01", "9999-12-31T23:59:59-14:00",
     "0001-01-01T00:00:00+14:00", 20251006, True, ["2025-10-06"], {}],
)  # fmt: skip
def test_a_refused_date_names_its_field(value: object) -> None:
    with pytest.raises(RejectedRecord, match=r"^listed "):
        records.date(value, "listed")


@pytest.mark.parametrize(("value", "count"), [(None, None), (0, 0), (7, 7), (2**31 - 1, 2**31 - 1)])
def test_votes(value: object, count: int | None) -> None:
    assert records.votes(value, "votes") == count


@pytest.mark.parametrize("value", [-1, 1.0, True, "7", 2**31, float("nan"), [], {}])
def test_refused_votes_name_their_field(value: object) -> None:
    with pytest.raises(RejectedRecord, match=r"^paper\.upvotes "):
        records.votes(value, "paper.upvotes")


@pytest.mark.parametrize("value", [None, "", " \n", "\x00\u202e", 7, ["Titel"], "?!", "\u200d"])
def test_a_refused_title_names_its_field(value: object) -> None:
    with pytest.raises(RejectedRecord, match=r"^title "):
        records.texts(value)


@pytest.mark.parametrize("value", [True, 1.5, [], {}, "\x00", "\u202e"])
def test_a_refused_id_names_its_field(value: object) -> None:
    with pytest.raises(RejectedRecord, match=r"^id "):
        ids.own_id(value, "Titel", "", "file")


def test_without_an_id_the_title_and_the_first_author_are_it() -> None:
    def own(title: str, author: str = "Ada Rook") -> str:
        return ids.own_id(None, title, author, "file")

    assert own("Ein Titel: für alle") == own("EIN TITEL – für alle!")
    assert own("Ein Titel") != own("Zwei Titel")
    assert own("Editorial") != own("Editorial", "Bo Lind")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["cs.CL", "cs.CL", "math-ph", "physics.chem-ph"], ("cs.CL", "math-ph", "physics.chem-ph")),
        ("cs.CL stat.ML", ("cs.CL", "stat.ML")),
        (["68T07, 68T45", "I.2.10; I.4.8", 7, None], ()),
        ({"cs.CL": 1}, ()),
    ],
)  # fmt: skip
def test_categories(value: object, found: tuple[str, ...]) -> None:
    assert records.arxiv_categories(value) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["Ada  Rook", {"name": "Bo Lind"}, {"name": 7}, None, ["Cy"]], ("Ada Rook", "Bo Lind")),
        ("Ada Rook", ()),
        (["A"] * 5_000, ("A",) * records.MAX_AUTHORS),
    ],
)  # fmt: skip
def test_names(value: Any, found: tuple[str, ...]) -> None:
    assert records.texts("Titel", authors=value)["authors"] == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Ada Rook, Bo Lind and Cy Tide", ["Ada Rook", "Bo Lind", "Cy Tide"]),
        ("A. Rook (1), B. Lind (1 and 2), and C. Tide ((1) Testtown, (2) Elsewhere)",
         ["A. Rook", "B. Lind", "C. Tide"]),
        ("Ada Rook, Jr., Bo Lind III", ["Ada Rook Jr.", "Bo Lind III"]),
        ("The Tide Collaboration: A. Rook; Anders Sandberg",
         ["The Tide Collaboration: A. Rook", "Anders Sandberg"]),
        ("((((", []),
        (None, []),
    ],
)  # fmt: skip
def test_names_in_a_line(line: object, found: list[str]) -> None:
    assert records.names_in(line) == found


@pytest.mark.parametrize(
    ("remark", "withdrawn"),
    [
        ("This paper has been withdrawn by the author due to an error", True),
        ("Withdrawn: Theorem 2 is wrong", True),
        ("The submission is now withdrawn", True),
        ("5 pages, 1 figure. This paper and abstract have been withdrawn.", True),
        ("Withdrawn drugs harm people more often than others", False),
        ("Withdrawn from a conference; accepted at a better one", False),
        ("The previous version has been withdrawn", False),
        ("This is a replacement of a paper that was withdrawn", False),
        ("12 pages; replaces the withdrawn version", False),
        ("We study participants who have withdrawn from trials", False),
    ],
)
def test_what_says_that_a_paper_is_withdrawn(remark: str, withdrawn: bool) -> None:
    assert records.says_withdrawn("12 pages", remark) is withdrawn


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Mon, 6 Oct 2025 23:30:00 -0400", dt.date(2025, 10, 7)),
        ("Mon, 14 Apr 2008 21:43:53 GMT", dt.date(2008, 4, 14)),
        ("", None),
    ],
)
def test_dates_as_in_mail(value: str, found: dt.date | None) -> None:
    assert records.mail_date(value, "date") == found


@pytest.mark.parametrize(
    "value", ["Monday", "Mon, 6 Oct 1800 00:00:00 GMT", "32 Oct 2025", "x" * 9_999]
)
def test_a_refused_date_as_in_mail_names_its_field(value: str) -> None:
    with pytest.raises(RejectedRecord, match=r"^date "):
        records.mail_date(value, "date")


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2025-10-06.jsonl", dt.date(2025, 10, 6)),
        ("cs-2025-13-45-2025-10-06.jsonl", dt.date(2025, 10, 6)),
        ("0001-01-01.json", None),
        ("papers.json", None),
    ],
)
def test_the_day_in_a_name(name: str, day: dt.date | None) -> None:
    assert records.date_in(name) == day
