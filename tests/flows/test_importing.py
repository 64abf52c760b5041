"""What becomes of the rows of a file of readers, and how the good ones come in."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from subscriptions.digests.tick import send_due
from subscriptions.flows import import_files
from subscriptions.flows.erase import erase
from subscriptions.flows.import_files import FileGone, Imported, bring_in, purge
from subscriptions.flows.importing import Fate
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
from tests.flows.lists import NOW, fates, store
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

Make = Callable[..., Any]


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


@pytest.mark.parametrize(
    ("says", "fate"),
    [
        ("unsubscribed,,", Fate.LEFT),
        (",2025-01-02,", Fate.LEFT),
        ("bounced,,", Fate.BOUNCED),
        ("complained,,no hour", Fate.COMPLAINED),
    ],
)
def test_who_is_gone_by_any_row_does_not_come_in(db: None, says: str, fate: Fate) -> None:
    rows = ["ada@example.org,active,,7", f"ADA@example.org,{says}", "bo@example.org,,,"]
    text = "email,status,left_at,hour\n" + "\n".join(rows)
    assert fates(text)[0] == (2, fate, "The file says so in line 3.")
    assert bring_in(store(text).pk, NOW).counts == {Fate.ACTIVE: 1}
    assert Subscriber.objects.get().email == "bo@example.org"


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


def test_a_file_looked_at_before_an_erasure_does_not_undo_it(make_reader: Make) -> None:
    text = "email,confirmed_at\nAda@Example.org,2024-05-01\n"
    file, ada = store(text), make_reader("ada@example.org")
    erase(ada.pk, NOW)
    done = bring_in(file.pk, NOW)
    assert [one.fate for one in done.dropped] == [Fate.ERASED] and not done.counts
    assert store(text).seen["counts"] == {"ERASED": 1}
    assert not Subscriber.objects.exists()


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
