"""Responses of arXiv's OAI-PMH interface, invented and real."""

import datetime as dt
import io
import tracemalloc
from pathlib import Path

import pytest

from subscriptions.sources import (
    Found,
    PaperRecord,
    Rejection,
    SourceFormatError,
    Withdrawal,
    read_file,
)
from subscriptions.sources.arxiv_oai import Page, read_page
from tests.oai import DELETED, RAW_RECORD, VERSION, error, record, response, token

DAY = dt.date(2025, 10, 6)


def read(text: str | bytes) -> tuple[list[Found], Page]:
    page = Page()
    octets = text.encode() if isinstance(text, str) else text
    return list(read_page(io.BytesIO(octets), page)), page


def test_what_a_record_tells() -> None:
    (found,), page = read(response(record(), token("skip%3D2")))
    assert found == PaperRecord(
        arxiv_id="2510.00001", doi="10.1000/abc", title="Cups 1", announced=DAY,
        abstract="Of cups & grips, a < b.", authors=("Ada B. Rook Jr.", "The Tide Collaboration"),
        categories=("cs.RO", "eess.SY"), submitted=dt.date(2025, 10, 3), once=True,
    )  # fmt: skip
    assert page.token == "skip%3D2"


def test_a_change_of_an_old_paper_is_no_announcement() -> None:
    (found,), _ = read(response(record(created="2024-01-03", id="2401.00001")))
    assert isinstance(found, PaperRecord)
    assert found.announced is None


def test_what_a_raw_record_tells() -> None:
    dates = ["Fri, 3 Oct 2025 17:00:00 GMT", "Sun, 5 Oct 2025 23:59:00 -0400"]
    versions = "".join(VERSION.format(n=n, date=d, type="D") for n, d in enumerate(dates, 1))
    (found,), _ = read(response(record(1, RAW_RECORD, versions=versions)))
    assert found == PaperRecord(
        arxiv_id="2510.00001", title="Cups 1", announced=DAY, abstract="Of cups.", version=2,
        authors=("Ada B. Rook", "Bo Lind"), categories=("cs.RO", "eess.SY"), once=True,
        submitted=dt.date(2025, 10, 3), updated=DAY,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        record(comments="This paper has been withdrawn by the authors; Lemma 3 is wrong"),
        record(1, RAW_RECORD, versions=VERSION.format(n=1, date="3 Oct 2025 09:00 GMT", type="I")),
    ],
)
def test_a_record_that_was_withdrawn(text: str) -> None:
    (found,), _ = read(response(text))
    assert isinstance(found, PaperRecord)
    assert found.withdrawn


def test_a_record_that_was_deleted() -> None:
    found, _ = read(response(DELETED.format(id="hep-th/9901001"), DELETED.format(id="x")))
    assert found[0] == Withdrawal("hep-th/9901001")
    assert isinstance(found[1], Rejection)
    assert found[1].reason == "identifier is not one of arXiv's: 'oai:arXiv.org:x'"


def test_an_answer_to_another_question(tmp_path: Path) -> None:
    path = tmp_path / "identify.xml"
    path.write_text(response(verb="Identify"))
    with pytest.raises(SourceFormatError, match="has no ListRecords"):
        list(read_file(path, "arxiv-oai", DAY))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"id": "nothing"}, "id is not an arXiv id: 'nothing'"),
        ({"title": " "}, "title is missing"),
        ({"changed": "2025-13-01"}, "datestamp is not a date like 2025-10-06: '2025-13-01'"),
        ({"changed": ""}, "datestamp is missing"),
        ({"created": "0000-00-00"}, "created is not a date"),
    ],
)
def test_a_bad_record_stops_none_of_the_rest(values: dict[str, str], reason: str) -> None:
    found, _ = read(response(record(1), record(2, **values), record(4)))
    assert [type(one) for one in found] == [PaperRecord, Rejection, PaperRecord]
    assert isinstance(found[1], Rejection)
    assert found[1].number == 2
    assert reason in found[1].reason


def test_an_error_of_the_server() -> None:
    found, page = read(error("badVerb"))
    assert (found, page.error, page.message) == ([], "badVerb", "No.")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("<html><body>Busy</body></html>", "is not an OAI-PMH response but html"),
        ("", "is not XML"),
        ("{}", "is not XML"),
        (response(record())[:-40], "is not XML"),
        (response(record()).encode("utf-16")[:-9], "is not XML"),
        (response(record()).replace("Cups", "C\x00ps"), "is not XML"),
        (response(record()).replace("Cups", "Æ").encode("latin-1"), "is not XML"),
        (response(record(title="&l9;"), head=f'<!DOCTYPE OAI-PMH [<!ENTITY l0 "x">{LAUGHS}]>'),
         "has a document type"),
        (response(record(title="&f;"),
                  head='<!DOCTYPE OAI-PMH [<!ENTITY f SYSTEM "file:///secret.txt">]>'),
         "has a document type"),
    ],
)  # fmt: skip
def test_what_is_no_response_is_one_error(text: str | bytes, error: str) -> None:
    with pytest.raises(SourceFormatError, match=error):
        read(text)


def test_the_records_before_a_break_are_given() -> None:
    stream = read_page(io.BytesIO(response(record(1), record(2))[:-20].encode()), Page())
    assert isinstance(next(stream), PaperRecord)
    assert isinstance(next(stream), PaperRecord)
    with pytest.raises(SourceFormatError, match="is not XML"):
        next(stream)


def test_memory_does_not_grow_with_the_number_of_records() -> None:
    def peak(count: int) -> int:
        octets = io.BytesIO(response(*(record(n) for n in range(count))).encode())
        tracemalloc.start()
        assert sum(1 for _ in read_page(octets, Page())) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(4000) < 2 * peak(400)


def test_the_real_chain_of_pages(real_data: Path) -> None:
    pages = real_data / "arxiv-oai" / "pages"
    counts, tokens = [], []
    ids: set[str] = set()
    for number in range(1, 7):
        page = Page()
        with (pages / f"paged_arXiv_p{number}.xml").open("rb") as file:
            found = list(read_page(file, page))
        assert all(isinstance(one, PaperRecord) for one in found)
        ids |= {one.arxiv_id or "" for one in found if isinstance(one, PaperRecord)}
        counts.append(len(found))
        tokens.append(bool(page.token))
    assert counts == [100, 100, 100, 100, 100, 3]
    assert tokens == [True] * 5 + [False]
    assert len(ids) == 503
    with pytest.raises(SourceFormatError, match="an error of the server, badResumptionToken"):
        list(read_file(pages / "paged_arXiv_p7.xml", "arxiv-oai", DAY))


def test_real_answers_without_records(real_data: Path) -> None:
    errors = sorted((real_data / "arxiv-oai" / "errors").glob("err_*.xml"))
    assert len(errors) == 10
    for path in errors:
        if path.name == "err_norecordsmatch.xml":
            assert list(read_file(path, "arxiv-oai", DAY)) == []
        else:
            with pytest.raises(SourceFormatError, match=r"an error of the server, [a-zA-Z]+: ."):
                list(read_file(path, "arxiv-oai", DAY))


def test_real_records_of_other_years(real_data: Path) -> None:
    found = {}
    for path in sorted((real_data / "arxiv-oai" / "hepcrawl").glob("*arxiv*.xml")):
        try:
            found[path.name] = list(read_file(path, "arxiv-oai", DAY))
        except SourceFormatError as error:
            found[path.name] = [Rejection(0, str(error))]
    papers = [one for some in found.values() for one in some if isinstance(one, PaperRecord)]
    refused = [one for some in found.values() for one in some if isinstance(one, Rejection)]
    assert (len(papers), refused) == (30, [])


def test_real_responses_of_other_sites(real_data: Path) -> None:
    for path in sorted((real_data / "arxiv-oai" / "generic").glob("*.xml")):
        try:
            found = list(read_file(path, "arxiv-oai", DAY))
        except SourceFormatError:
            continue
        assert not any(isinstance(one, PaperRecord) for one in found), path.name
