"""Any bytes are rows of readers, each with one fate, or are refused in words."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions.flows.import_files import bring_in, look
from subscriptions.flows.importing import Fate, Plan, examine
from subscriptions.flows.reader_columns import FIELDS, guess, join, split
from subscriptions.flows.reader_file import UnreadableFile, plain, read, safe
from subscriptions.models import ImportFile, Interest
from tests.flows.lists import NOW, fates, store


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
