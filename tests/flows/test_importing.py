"""What becomes of the rows of a file of readers, whatever is in it."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions.digests.tick import send_due
from subscriptions.flows import import_files
from subscriptions.flows.import_files import FileGone, Imported, bring_in, keep, look, purge
from subscriptions.flows.importing import Fate, Plan, examine
from subscriptions.flows.reader_columns import FIELDS, guess, join, split
from subscriptions.flows.reader_file import UnreadableFile, plain, read, safe
from subscriptions.models import (
    Edition,
    ImportFile,
    Interest,
    Movement,
    Subscriber,
    Suppression,
    Topic,
    WantedPaper,
    bulk,
)
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

NOW = dt.datetime(2025, 10, 15, 12, tzinfo=dt.UTC)  # a Wednesday
Make = Callable[..., Any]


def store(text: str | bytes, *, agreed: bool = True) -> ImportFile:
    content = text.encode() if isinstance(text, str) else text
    return ImportFile.objects.get(pk=keep(content, "list.csv", "Our old list", agreed, NOW))


def fates(text: str, *, agreed: bool = True) -> list[tuple[int, Fate, str]]:
    table = read(text.encode())
    plan = Plan(guess(table.names, ()), "Our old list", agreed)
    return [(one.row.line, one.fate, one.reason) for one in examine(table, plan, NOW)]


@pytest.fixture
def known(make_reader: Make) -> None:
    """Readers of each status, and an address that is suppressed."""
    for status in ("here", "unsubscribed", "bounced", "complained"):
        reader = make_reader(f"{status}@example.org", at=NOW)
        if status != "here":
            Subscriber.objects.filter(pk=reader.pk).update(status=status, next_digest_at=None)
    Suppression.objects.create(
        email_hash=Suppression.hash("never@example.org"), reason="operator", created_at=NOW
    )


@pytest.mark.usefixtures("known", "topics")
def test_each_row_has_its_fate() -> None:
    rows = [
        ("dated@example.org,2024-05-01 09:30,,", Fate.ACTIVE, Fate.ACTIVE),
        ("Plain@Example.org,,,", Fate.ACTIVE, Fate.WAITS),
        ("plain@example.org,2024-05-01,,", Fate.TWICE, Fate.TWICE),
        ("pending@example.org,2024-05-01,unconfirmed,", Fate.WAITS, Fate.WAITS),
        ("resting@example.org,2024-05-01T09:30:00Z,Paused,", Fate.PAUSED, Fate.PAUSED),
        ("HERE@example.org,,,", Fate.HERE, Fate.HERE),
        ("unsubscribed@example.org,2024-05-01,,", Fate.LEFT, Fate.LEFT),
        ("bounced@example.org,2024-05-01,,", Fate.BOUNCED, Fate.BOUNCED),
        ("complained@example.org,2024-05-01,,", Fate.COMPLAINED, Fate.COMPLAINED),
        ("Never@example.org,2024-05-01,,", Fate.SUPPRESSED, Fate.SUPPRESSED),
        ("gone@example.org,2024-05-01,,2025-01-02 10:00", Fate.LEFT, Fate.LEFT),
        ("cleaned@example.org,2024-05-01,cleaned,", Fate.BOUNCED, Fate.BOUNCED),
        ("spam@example.org,2024-05-01,complained,no", Fate.COMPLAINED, Fate.COMPLAINED),
        ("no address,,,", Fate.BAD, Fate.BAD),
    ]
    text = "Email Address,CONFIRM_TIME,status,UNSUB_TIME\n" + "\n".join(row for row, *_ in rows)
    assert [fate for _, fate, _ in fates(text)] == [agreed for _, agreed, _ in rows]
    assert [fate for _, fate, _ in fates(text, agreed=False)] == [alone for *_, alone in rows]
    assert fates(text)[2] == (4, Fate.TWICE, "The first is in line 3.")


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize(
    ("field", "cell", "told"),
    [
        ("topics", "Robotics; Astrology", "topics: there is no topic “Astrology”"),
        ("phrases", "…", "phrases: “…” has no word in it."),
        ("phrases", "|".join(f"phrase {n}" for n in range(31)), "At most 30 lines"),
        ("authors", "A" * 121, "at most 120 characters"),
        ("muted", "x" * 9000, "muted: a cell has at most 8,000 characters."),
        ("categories", "cs.NOPE", "no arXiv category “cs.NOPE”; one is cs.CL"),
        ("papers", "hello", "papers: “hello” is not an arXiv id or link"),
        ("cadence", "hourly", "cadence: “hourly” is neither weekly nor daily."),
        ("weekday", "7", "weekday: “7” is no weekday; one is Monday."),
        ("hour", "24:00", "hour: “24:00” is no full hour from 0 to 23."),
        ("timezone", "Mars/Olympus", "no time zone “Mars/Olympus”; one is Europe/Berlin."),
        ("max_papers", "31", "max_papers: “31” is no number from 5 to 30."),
        ("sections_off", "picks|matches|trending", "sections_off: one section must stay."),
        ("text_only", "perhaps", "text_only: “perhaps” is neither yes nor no."),
        ("status", "gold", "status: “gold” is unknown; it can be pending, active,"),
        ("confirmed_at", "31/12/2024", "“31/12/2024” is no date; one is 2024-05-31"),
        ("confirmed_at", "2025-10-15T14:00+01:00", "“2025-10-15T14:00+01:00” is still to come."),
        ("paused_until", "2031-01-01", "paused_until: “2031-01-01” is more than a year ahead."),
        ("consent_source", "x" * 201, "consent_source: at most 200 characters."),
    ],
)
def test_a_bad_cell_is_named_with_what_would_be_right(field: str, cell: str, told: str) -> None:
    text = f'email,{field}\n"ada@example.org","{cell}"\nbo@example.org,\n'
    (line, fate, reason), good = fates(text)
    assert (line, fate) == (2, Fate.BAD) and told in reason
    assert good == (3, Fate.ACTIVE, "")


def test_all_that_is_wrong_with_a_row_is_named(db: None) -> None:
    ((_, _, reason),) = fates("email,hour,weekday\n,25,noon")
    for field in ("email is missing.", "hour:", "weekday:"):
        assert field in reason


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ("Email Address|First Name|OPTIN_TIME|CONFIRM_TIME|TIMEZONE|TAGS",
         "email|||confirmed_at|timezone|"),
        ("Email Address|OPTIN_TIME|UNSUB_TIME", "email|confirmed_at|left_at"),
        ("email|active_subscription|expiry|email_disabled|created_at", "email|||left_at|"),
        ("Name|Email|Joined|Status", "|email||status"),
        ("email_address|subscriber_type|tags", "email|status|"),
        ("subscriber_email|Confirmed at|Time zone|E-Mail", "|confirmed_at|timezone|email"),
        ("E-Mail-Adresse|Bestätigt am|Themen|Wochentag|Uhrzeit",
         "email|confirmed_at|topics|weekday|hour"),
        ("|".join(FIELDS), "|".join(FIELDS)),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_the_names_that_others_give_them(names: str, fields: str) -> None:
    assert guess(names.split("|"), ()) == tuple(fields.split("|"))


def test_addresses_alone_are_a_file(db: None) -> None:
    file = store("ada@example.org\nbo@example.org\n")
    assert file.seen["names"] == ["Column 1"] and not file.seen["headed"]
    assert file.seen["counts"] == {"ACTIVE": 2} and file.seen["lines"] == [1, 2]
    kontakt = store("Kontakt;Ort\nada@example.org;Köln\n")
    assert kontakt.plan["columns"] == ["email", ""]
    assert store("who\nada,ada@example.org\n").plan["columns"] == [""]


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize(
    "encoded",
    [
        *(text.encode(encoding) for text in ("email,phrases\nada@example.org,Möbius\n",)
          for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252")),
        "email;phrases\r\nada@example.org;Möbius\r\n".encode(),
        "\r\rE-mail\tPhrases\rada@example.org\tMöbius".encode(),
    ],
)  # fmt: skip
def test_encodings_and_separators(encoded: bytes) -> None:
    bring_in(store(encoded).pk, NOW)
    assert Interest.objects.get().value == "Möbius"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has no row"),
        (b"\n \n,,\n", "has no row"),
        (b"PK\x03\x04\x14\x00", "is a workbook: save its sheet as CSV"),
        (b"email\0", "is not text"),
        (b"email\xff\xfe\x81", "is not text"),
        (b"\xff\xfea", "is not text"),
        (b'email,"name\nada@example.org,x', "is not CSV, in line 1"),
        (b",".join([b"x"] * 101), "has more than 100 columns"),
        (b"x" * (20 * 2**20 + 1), "is larger than 20 MB: divide it"),
    ],
)
def test_what_is_no_table_is_refused_in_words(db: None, content: bytes, told: str) -> None:
    with pytest.raises(UnreadableFile, match=told):
        store(content)
    assert not ImportFile.objects.exists()


def test_too_many_rows_are_refused(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subscriptions.flows.reader_file.MAX_ROWS", 2)
    store("email\na@example.org\nb@example.org")
    with pytest.raises(UnreadableFile, match="has more than 2 rows: divide it"):
        store("email\na@example.org\nb@example.org\nc@example.org")


def test_broken_rows_keep_no_other_out(db: None) -> None:
    found = fates(
        "email,phrases\nada@example.org\nbo@example.org,x,y\nok@example.org,x,\n"
        'cy@example.org,"a" b\ndi@example.org,x\neve@example.org,"open\nfay@example.org,x\n'
    )
    assert [(line, fate.name) for line, fate, _ in found] == [
        (2, "BAD"), (3, "BAD"), (4, "ACTIVE"), (5, "BAD"), (6, "ACTIVE"), (7, "BAD"),
    ]  # fmt: skip
    assert found[0][2] == "The first row has 2 cells, and this one 1."
    assert found[-1][2].startswith("A quotation mark opens here that no other closes")


ODD = st.one_of(
    st.binary(max_size=300),
    st.text(alphabet="a@b.c,;\t\"\r\n='|\\\u202e\ud7ff\x00é", max_size=200).map(str.encode),
    st.lists(
        st.tuples(
            st.sampled_from(["ada@example.org", "ADA@example.org", "x", "", '"', "=1+1"]),
            st.text(max_size=20),
        ),
        max_size=8,
    ).map(lambda rows: "\n".join(["email,name", *map(",".join, rows)]).encode("utf-16")),
)


@pytest.mark.django_db
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=ODD, taken=st.permutations(list(FIELDS)), agreed=st.booleans())
def test_any_bytes_are_rows_with_one_fate_each_or_refused(
    content: bytes, taken: list[str], agreed: bool
) -> None:
    try:
        file = store(content, agreed=agreed)
    except UnreadableFile:
        return
    table = read(content)
    rows = list(table.rows())
    columns = tuple(taken[: len(table.names)]) + ("",) * (len(table.names) - len(taken))
    found = list(examine(table, Plan(columns, "x", agreed), NOW))
    assert [one.row for one in found] == rows
    assert all((one.fate is Fate.BAD) == bool(not one.reader and one.fate is not Fate.TWICE)
               for one in found)  # fmt: skip
    look(file, Plan(columns, "x", agreed), NOW)
    if "email" in columns:
        assert file.seen["counts"] == Counter(one.fate.name for one in found)
    done = bring_in(file.pk, NOW)
    assert done.counts.total() == len(file.seen["lines"])
    assert not done.dropped


@given(st.text())
def test_no_cell_is_a_formula_and_none_is_lost(cell: str) -> None:
    for start in ("", "=", "'=", "x;=", "\t@", "''"):
        made = safe(start + cell)
        assert plain(made) == start + cell
        assert not any(piece.startswith(("=", "+", "-", "@")) for piece in made.split(";"))


@given(st.lists(st.text(alphabet="ab|;\\ ", min_size=1).map(str.strip).filter(bool)))
def test_entries_of_a_cell_are_as_they_were(entries: list[str]) -> None:
    assert split(join(entries)) == entries


@pytest.mark.usefixtures("known")
def test_good_rows_come_in_with_their_choices(topics: dict[str, Topic], make_paper: Make) -> None:
    paper = make_paper("An example", arxiv_id="2501.00001")
    before = Subscriber.objects.count()
    text = (
        "email,topics,phrases,authors,categories,papers,muted,cadence,weekday,hour,timezone,"
        "max_papers,sections_off,text_only,confirmed_at,consent_source,status,paused_until\n"
        "Ada@Example.org,Robotics | hci,flow matching;'=x,Wei Zhang (cs.CV),cs.cl,"
        "2501.00001v2|2502.00002,survey,Weekly,thu,07:00,Europe/Berlin,15,picks,yes,"
        "2024-05-01 09:30,At a fair,active,\n"
        "bo@example.org,,,,,2503.00003,,,,,,,,,2024-05-01,,pending,\n"
        "cy@example.org,,,,,,,,,,,,,,2024-05-01,,paused,2025-12-24\n"
        "here@example.org,robotics,,,,,,,,,,,,,,,,\n"
        "no address,,,,,,,,,,,,,,,,,\n"
    )
    done = bring_in(store(text, agreed=False).pk, NOW)
    assert done.counts == {Fate.ACTIVE: 1, Fate.WAITS: 1, Fate.PAUSED: 1}
    assert not done.dropped and Subscriber.objects.count() == before + 3
    ada, bo, cy = Subscriber.objects.order_by("pk")[before:]
    assert (ada.email, ada.status, ada.covered_until) == ("Ada@example.org", "active", None)
    assert ada.next_digest_at == dt.datetime(2025, 10, 16, 5, tzinfo=dt.UTC)
    assert ada.confirmed_at == ada.consent_asked_at == dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.UTC)
    assert (ada.consent_version, ada.consent_source) == ("import", "At a fair")
    assert (ada.max_papers, ada.sections_off, ada.text_only) == (15, ["picks"], True)
    assert set(ada.interests.values_list("kind", "topic", "paper", "value", "weight")) == {
        ("topic", topics["robotics"].pk, None, "", 2), ("topic", topics["hci"].pk, None, "", 2),
        ("phrase", None, None, "flow matching", 2), ("phrase", None, None, "=x", 2),
        ("phrase", None, None, "survey", -2), ("author", None, None, "Wei Zhang (cs.CV)", 2),
        ("category", None, None, "cs.CL", 2), ("paper", None, paper.pk, "", 2),
        ("paper", None, None, "2502.00002", 2),
    }  # fmt: skip
    assert (bo.status, bo.confirmed_at, bo.next_digest_at) == ("pending", None, None)
    assert (bo.consent_asked_at, bo.consent_source) == (NOW, "Our old list")
    assert (cy.status, cy.paused_until) == ("paused", dt.date(2025, 12, 24))
    assert cy.next_digest_at == dt.datetime(2025, 12, 29, 8, tzinfo=dt.UTC)
    assert [paper.arxiv_id for paper in WantedPaper.objects.all()] == ["2502.00002"]
    joined = Movement.objects.get(day=NOW.date(), kind="joined").count
    assert joined == before + 2, "those of the fixture, ada and cy"
    assert not Subscriber.objects.get(email="here@example.org").interests.exists()
    assert mail.outbox == [] and not ImportFile.objects.exists()


def test_the_first_digest_comes_at_the_next_slot(make_paper: Make) -> None:
    make_paper("Robot arms", day=dt.date(2025, 10, 14), votes=3)
    Edition.objects.roll(NOW)
    text = "email,weekday,status\nada@example.org,Thursday,\nbo@example.org,,pending"
    bring_in(store(text).pk, NOW)
    send_due(NOW, lambda: NOW)
    assert mail.outbox == []
    slot = dt.datetime(2025, 10, 16, 8, tzinfo=dt.UTC)
    send_due(slot, lambda: slot)
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]
    assert "Robot arms" in mail.outbox[0].body


def test_the_same_file_again_changes_nothing(topics: dict[str, Topic]) -> None:
    text = "email,topics\nada@example.org,robotics\nADA@example.org,hci\nbo@example.org,hci\n"
    bring_in(store(text).pk, NOW)
    before = list(Subscriber.objects.values()), list(Interest.objects.values())
    again = store(text)
    assert again.seen["counts"] == {"HERE": 2, "TWICE": 1}
    later = NOW + dt.timedelta(hours=1)
    assert bring_in(again.pk, later).counts.total() == 0
    assert (list(Subscriber.objects.values()), list(Interest.objects.values())) == before
    assert Movement.objects.get().count == 2


def test_what_is_good_no_more_is_named_and_stays_out(make_reader: Make) -> None:
    file = store("email\nada@example.org\nbo@example.org\ncy@example.org\n")
    make_reader("bo@example.org", at=NOW, phrases=("her own",))
    Suppression.objects.create(
        email_hash=Suppression.hash("cy@example.org"), reason="complaint", created_at=NOW
    )
    done = bring_in(file.pk, NOW)
    assert done.counts == {Fate.ACTIVE: 1}
    assert [(one.row.line, one.fate) for one in done.dropped] == [
        (3, Fate.HERE), (4, Fate.SUPPRESSED),
    ]  # fmt: skip
    assert [i.value for i in Interest.objects.all()] == ["her own"]
    with pytest.raises(FileGone):
        bring_in(file.pk, NOW)


def test_nothing_is_half_done(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "CHUNK", 1)
    calls = []

    def fail(ids: Any, now: Any) -> None:
        calls.append(ids)
        if len(calls) == 2:
            raise RuntimeError("the database went away")

    monkeypatch.setattr(import_files, "want", fail)
    file = store("email\nada@example.org\nbo@example.org\ncy@example.org\n")
    with pytest.raises(RuntimeError):
        bring_in(file.pk, NOW)
    assert not Subscriber.objects.exists() and not Movement.objects.exists()
    assert ImportFile.objects.exists(), "it can be tried again"
    assert bring_in(file.pk, NOW).counts == {Fate.ACTIVE: 3}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_signs_up_at_that_very_moment_keeps_what_they_chose(make_reader: Make) -> None:
    file = store("email,phrases\nada@example.org,theirs\nbo@example.org,theirs\n")
    found: list[Imported] = []

    def run() -> None:
        try:
            found.append(bring_in(file.pk, NOW))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        make_reader("bo@example.org", at=NOW, phrases=("her own",))
        thread.start()
        wait_until(is_waited_for, "the import does not wait for the sign-up")
    thread.join()
    (done,) = found
    assert done.counts == {Fate.ACTIVE: 1}
    assert [(one.row.line, one.fate) for one in done.dropped] == [(3, Fate.HERE)]
    assert [i.value for i in Interest.objects.order_by("pk")] == ["her own", "theirs"]


def test_a_database_may_know_two_spellings_as_one(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def insert(rows: Any) -> None:
        if isinstance(rows[0], Interest):
            raise IntegrityError("interest_value_once")
        bulk.insert(rows)

    monkeypatch.setattr(import_files, "insert", insert)
    bring_in(store("email,phrases\nada@example.org,robots|arms\n").pk, NOW)
    assert {i.value for i in Interest.objects.all()} == {"robots", "arms"}


def test_files_are_forgotten_after_a_day(db: None) -> None:
    store("email\nada@example.org")
    purge(NOW + dt.timedelta(hours=23))
    assert ImportFile.objects.exists()
    purge(NOW + dt.timedelta(hours=24))
    assert not ImportFile.objects.exists()
