"""Answers that no honest source gives: each is a recorded error, and harms nothing else."""

import gzip
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from subscriptions.flows import schedule
from subscriptions.flows.intake import open_run, take_in
from subscriptions.models import Paper, Source, SourceRun
from subscriptions.sources import Found, PaperRecord, SourceFormatError, feeds, http, read_file
from tests.conftest import MONDAY
from tests.oai import record, response, token
from tests.replay import Answer, Query, serving

from .test_any_input import check

MUTATIONS = 6_000
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "x">{LAUGHS}]>'
THIEF = '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>'
LEECH = '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'
PAGE = b"<!DOCTYPE html><html><body>We will be back soon</body></html>"


def oai(title: str = "Cups", day: str = "2025-10-06", head: str = "") -> bytes:
    entry = record(id="2510.00001", title=title, changed=day, created=day)
    return response(entry, head=head).encode()


def atom(number: int, title: str = "Cups", day: str = "2025-10-06", head: str = "") -> bytes:
    name = (
        f"http://arxiv.org/abs/2510.0000{number}v1" if number == 2 else f"oai:2510.0000{number}v1"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>Papers</title><totalResults>1</totalResults><entry>"
        f"<id>{name}</id><title>{title}</title><summary>Of</summary>"
        f"<published>{day}T00:00:00Z</published><author><name>Ada</name></author></entry></feed>"
    ).encode()


def hf(title: str = "Cups", day: str = "2025-10-06", head: str = "") -> bytes:
    paper = {"id": "2510.00004", "title": title, "submittedOnDailyAt": f"{day}T00:00:00.000Z"}
    return head.encode() + json.dumps([{"paper": paper}]).encode()


WELL: dict[str, Callable[..., bytes]] = {
    "arxiv-oai:cs": oai,
    "arxiv-api:all": lambda *args, **kwargs: atom(2, *args, **kwargs),
    "arxiv-feed:cs.CL": lambda *args, **kwargs: atom(3, *args, **kwargs),
    "hf-daily:month": hf,
}
"""What each source's server says when it is well: one paper, 2510.00001 to 2510.00004."""
XML = [name for name in WELL if name != "hf-daily:month"]


@pytest.fixture
def fetched(
    db: None, at_once: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SourceRun]:
    """Fetch all sources by the clock, the first of which says something else; its run.

    The others must be well, whatever it says.
    """

    def fetch(name: str, answer: Callable[[Query], Answer | bytes]) -> SourceRun:
        def dispatch(path: str, query: Query) -> Answer | bytes:
            place = int(path.split("/")[1])
            return answer(query) if place == names.index(name) else WELL[names[place]]()

        names = list(WELL)
        with serving(dispatch) as server:
            known = {}
            for place, key in enumerate(names):
                feed = feeds()[key.partition(":")[0]]
                known[feed.name] = replace(feed, base_url=f"{server.url}{place}")
            settings.SOURCES = [name, *(key for key in names if key != name)]
            monkeypatch.setattr(schedule, "feeds", lambda: known)
            for due in list(schedule.due(MONDAY)):
                schedule.fetch_due(due, MONDAY)
        first, *others = SourceRun.objects.order_by("pk")
        assert [(run.status, run.error) for run in others] == [("ok", "")] * 3
        stored = set(Paper.objects.values_list("arxiv_id", flat=True))
        good = {f"2510.0000{n}" for n, key in enumerate(names, 1) if key != name}
        assert stored - {f"2510.0000{names.index(name) + 1}"} == good
        return first

    return fetch


def nothing_of(name: str) -> bool:
    """Whether no paper of a source was stored."""
    return not Paper.objects.filter(arxiv_id=f"2510.0000{list(WELL).index(name) + 1}").exists()


@pytest.mark.parametrize("name", WELL)
def test_all_are_well(fetched: Callable[..., SourceRun], name: str) -> None:
    run = fetched(name, lambda query: WELL[name]())
    assert (run.status, run.new) == ("ok", 1)


@pytest.mark.parametrize("name", WELL)
@pytest.mark.parametrize(
    "body",
    [PAGE, b"", b"\x00" * 100, bytes(range(256)) * 4, b"[" * 100_000, b"<a>" * 100_000, b"null"],
    ids=["a page", "nothing", "NULs", "binary", "brackets", "elements", "null"],
)
def test_what_is_no_answer_at_all(
    fetched: Callable[..., SourceRun], name: str, body: bytes
) -> None:
    run = fetched(name, lambda query: body)
    assert (run.status, run.new) == ("failed", 0)
    assert run.error.startswith("SourceFormatError: is not")
    assert nothing_of(name)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        (name, other)
        for name in WELL
        for other in WELL
        if name != other and {name, other} != {"arxiv-api:all", "arxiv-feed:cs.CL"}  # both Atom
    ],
)
def test_the_answer_of_another_source(
    fetched: Callable[..., SourceRun], name: str, other: str
) -> None:
    """JSON where XML was due, and the other way round."""
    run = fetched(name, lambda query: WELL[other]())
    assert run.error.startswith("SourceFormatError: is not")


@pytest.mark.parametrize("name", XML)
@pytest.mark.parametrize("head", [BOMB, THIEF, LEECH], ids=["laughs", "file", "address"])
def test_entities_and_document_types(
    fetched: Callable[..., SourceRun], name: str, head: str
) -> None:
    run = fetched(name, lambda query: WELL[name](title="Cups &l9;", head=head))
    assert "has a document type" in run.error
    assert nothing_of(name)


@pytest.mark.parametrize("name", WELL)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_an_answer_that_breaks_off(
    fetched: Callable[..., SourceRun], name: str, share: float
) -> None:
    """Packed or not: without its end there is no paper, or all of it."""
    body = WELL[name]()
    run = fetched(name, lambda query: body[: int(len(body) * share)])
    assert run.error.startswith("SourceFormatError: is not")
    assert nothing_of(name) or Paper.objects.filter(title="Cups").exists()


@pytest.mark.parametrize("name", WELL)
def test_packed_octets_that_break_off(fetched: Callable[..., SourceRun], name: str) -> None:
    body = gzip.compress(WELL[name]())[:-40]
    run = fetched(name, lambda query: Answer(body, headers={"Content-Encoding": "gzip"}))
    assert run.status == "failed"
    assert nothing_of(name)


@pytest.mark.parametrize("name", WELL)
def test_another_charset_than_it_says(fetched: Callable[..., SourceRun], name: str) -> None:
    body = WELL[name](title="C@ps").replace(b"@", "ü".encode("latin-1"))
    run = fetched(name, lambda query: body)
    assert run.error.startswith("SourceFormatError: is not")
    assert nothing_of(name)


@pytest.mark.parametrize("name", WELL)
def test_a_title_of_a_hundred_megabytes(fetched: Callable[..., SourceRun], name: str) -> None:
    head, _, tail = WELL[name](title="@").partition(b"@")

    def body() -> Iterator[bytes]:
        yield head
        yield from (b"t" * 2**20 for _ in range(100))
        yield tail

    run = fetched(name, lambda query: Answer(body()))
    assert run.error.endswith("sends more than 64 MB")
    assert nothing_of(name)


@pytest.mark.parametrize("name", WELL)
def test_a_title_of_twenty_megabytes(fetched: Callable[..., SourceRun], name: str) -> None:
    """lxml refuses it; of JSON the beginning is kept."""
    body = WELL[name](title="t" * 20 * 2**20)
    run = fetched(name, lambda query: body)
    if name in XML:
        assert run.error.startswith("SourceFormatError: is not XML")
    else:
        assert len(Paper.objects.get(arxiv_id="2510.00004").title) == 500


@pytest.mark.parametrize("name", WELL)
@pytest.mark.parametrize("day", ["0000-01-01", "9999-12-31", "0001-01-01", "2025-02-30", "soon"])
def test_days_that_are_none(fetched: Callable[..., SourceRun], name: str, day: str) -> None:
    run = fetched(name, lambda query: WELL[name](day=day))
    assert (run.status, run.new, run.rejected) == ("ok", 0, 1)
    assert (
        run.rejections[0][1]
        .split(" is ")[0]
        .endswith(("datestamp", "published", "submittedOnDailyAt"))
    )
    assert run.newest_day is None


@pytest.mark.parametrize("name", WELL)
def test_a_server_that_trickles(
    fetched: Callable[..., SourceRun], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "EXCHANGE", aiohttp.ClientTimeout(total=0.3))
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    enough = threading.Event()

    def body() -> Iterator[bytes]:
        for octet in WELL[name]():
            if enough.wait(0.02):
                return
            yield bytes([octet])

    threading.Timer(5, enough.set).start()
    run = fetched(name, lambda query: Answer(body()))
    enough.set()
    assert "did not answer: took too long" in run.error
    assert nothing_of(name)


def test_tokens_without_an_end(fetched: Callable[..., SourceRun]) -> None:
    body = response(record(id="2510.00001"), token("again")).encode()
    run = fetched("arxiv-oai:cs", lambda query: body)
    assert (run.status, run.new, run.unchanged) == ("failed", 1, 0)
    assert "does not end" in run.error


def test_pages_without_an_end(fetched: Callable[..., SourceRun]) -> None:
    run = fetched("hf-daily:month", lambda query: json.dumps(
        [{"paper": {"id": f"2511.{int(query['p']):05}", "title": f"T {n}"}} for n in range(100)]
    ).encode())  # fmt: skip
    assert run.requests == 50
    assert run.error.endswith("has more than 50 pages for 2025-10")


FILES = [
    ("arxiv-oai", "arxiv-oai/pages/paged_arXiv_p6.xml"),
    ("arxiv-oai", "arxiv-oai/pages/getrecord.xml"),
    ("arxiv-oai", "arxiv-oai/hepcrawl/arxiv-single.xml"),
    ("arxiv-oai", "arxiv-oai/hepcrawl/sample_arxiv_record3.xml"),
    ("arxiv-oai", "arxiv-oai/errors/err_badtoken.xml"),
    ("arxiv-oai", "arxiv-oai/generic/ListRecords.xml"),
    ("arxiv-api", "arxiv-atom/id_astro-ph_0601001_s0_m100_3150dca9dc76.xml"),
    ("arxiv-api", "arxiv-atom/id_1605.08386_s0_m100_199195aa31ad.xml"),
    ("arxiv-api", "arxiv-atom/id_abc_s0_m100_b79c8dcf6bc3.xml"),
    ("arxiv-feed", "arxiv-rss/2026-06-22_cs.IT.rss.xml"),
    ("arxiv-feed", "arxiv-rss/2026-06-23_cs.IT.atom.xml"),
    ("arxiv-feed", "arxiv-rss/error_cs.ZZ.rss.xml"),
    ("hf-daily", "hf-daily/2025-10-06.json"),
    ("hf-daily", "hf-daily/odd/2024-05-27-oldest-schema.json"),
    ("arxiv-listing", "arxiv-listing/2025-10-06.jsonl"),
]
ODD = [
    b"<", b">", b"&", b'"', b"'", b"{", b"}", b"[", b"]", b",", b"\\", b"$", b"\x00", b"\xff",
    b"\xed\xa0\x80", b"&#0;", b"&l9;", b"]]>", b"<![CDATA[", b"<!--", b"<?x?>", b"\\ud800",
    b"null", b"1e999", b"0000-00-00", b"9999-12-31", b"\r\n", b"</entry>", b"</record>", b"{" * 99,
]  # fmt: skip


def mutated(octets: bytes, chance: random.Random) -> bytes:
    """A few octets changed, lost, doubled, moved, put in; or the end lost."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(octets) or 1)
        to = min(len(octets), at + chance.choice([1, 1, 2, 10, 100, 1_000]))
        octets = chance.choice(
            [
                octets[:at] + bytes([chance.randrange(256)]) + octets[at + 1 :],
                octets[:at] + octets[to:],
                octets[:at] + octets[at:to] * 2 + octets[to:],
                octets[:at] + chance.choice(ODD) + octets[at:],
                octets[:at] + chance.choice(ODD) + octets[to:],
                octets[to:] + octets[:to] if chance.random() < 0.1 else octets[:at],
            ]
        )
    return octets


def read_mutations(data: Path, folder: Path) -> Iterator[Found]:
    """Real files, damaged: what is read of each is well-formed, or one clear error."""
    chance = random.Random(5)
    path = folder / "2025-10-06.xml"
    for number in range(MUTATIONS):
        form, name = FILES[number % len(FILES)]
        octets = b"".join(islice((data / name).open("rb"), 400))
        path.write_bytes(mutated(octets, chance))
        try:
            for found in read_file(path, form, MONDAY.date()):
                check(found)
                yield found
        except SourceFormatError as error:
            assert str(error).startswith(("is ", "has "))
            assert len(str(error)) < 1_000


def test_thousands_of_damaged_files(real_data: Path, tmp_path: Path) -> None:
    found = list(read_mutations(real_data, tmp_path))
    papers = [one for one in found if isinstance(one, PaperRecord)]
    assert len(papers) > MUTATIONS
    assert len(found) - len(papers) > 100


@pytest.mark.django_db
def test_what_damaged_files_tell_can_be_stored(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.sources.test_hostile.MUTATIONS", 300)
    run = take_in(
        read_mutations(real_data, tmp_path),
        open_run(Source.ARXIV, "damaged", MONDAY),
        rejected=lambda rejection: None,
    )
    assert run.status == "ok"
    assert run.new > 100
    assert run.new == Paper.objects.count()
