"""What a reader with a session sees of themselves, moves, and takes along."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client

from subscriptions import links
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import AddressChange, Edition, Subscriber, Suppression
from subscriptions.models.subscribers import SubscriberQuerySet
from tests.conftest import MONDAY
from tests.flows.coming_back import came_back
from tests.web.conftest import link_in
from tests.web.signing_in import sign_in

MINUTE = dt.timedelta(minutes=1)
NEW = "countess@example.net"
Make = Callable[..., Any]
Move = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(params=["active", "paused"])
def reader(request: pytest.FixtureRequest, make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    Subscriber.objects.filter(pk=found.pk).update(status=request.param)
    return found


@pytest.fixture
def ada(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    return found


@pytest.fixture
def do(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Post, and do what that queued."""

    def post(client: Client, path: str, **data: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(path, data)

    return post


def mails() -> list[tuple[str, str]]:
    return [(message.to[0], str(message.subject)) for message in mail.outbox]


def test_the_page_shows_no_whole_address(client: Client, reader: Subscriber) -> None:
    page = sign_in(client, reader).get("/account/").content.decode()
    assert "a…@e….org" in page and "ada@" not in page
    assert "12 October 2025" in page
    assert links.PREFERENCES.token(reader.pk).partition(".")[0] in page


@pytest.mark.parametrize(
    "path",
    [
        "/account/", "/account/address/", "/account/erase/", "/account/copy/", "/submit/",
        "/account/submissions/1/withdraw/",
    ],
)  # fmt: skip
def test_nothing_without_a_session_or_from_elsewhere(
    client: Client, ada: Subscriber, path: str
) -> None:
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 405 or answer["Location"].startswith("/sign-in/")
    strict = Client(enforce_csrf_checks=True)
    key = settings.SESSION_COOKIE_NAME
    strict.cookies[key] = sign_in(client, ada).cookies[key].value
    assert strict.post(path).status_code in (403, 405)
    assert Subscriber.objects.exists()


def test_a_change_of_address(
    client: Client, reader: Subscriber, do: Callable[..., Any], frozen: Any
) -> None:
    sign_in(client, reader)
    answer = do(client, "/account/address/", email="Countess@Example.net")
    assert answer["Location"] == "/account/address/?sent"
    assert "on its way there" in client.get(answer["Location"]).content.decode()
    assert "C…@e….net" in client.get("/account/").content.decode()
    (message,) = mail.outbox
    assert message.to == ["Countess@example.net"]
    assert "a…@e….org" in message.body and "ada@" not in message.body
    path = link_in(message, "new-address")
    owner = Client()  # opened on another machine
    assert "Confirm this address" in owner.get(path).content.decode()
    reader.refresh_from_db()
    assert reader.email == "ada@example.org", "opening the link changes nothing"

    frozen.move_to(MONDAY + 5 * MINUTE)
    answer = do(owner, path)
    assert answer.status_code == 200 and "is changed" in answer.content.decode()
    before = reader.status
    reader.refresh_from_db()
    assert (reader.email, reader.status) == ("Countess@example.net", before)
    assert not AddressChange.objects.exists()
    told: Any = mail.outbox[-1]
    assert (len(mail.outbox), told.to) == (2, ["ada@example.org"])
    for part in (told.body, told.alternatives[0].content):
        assert "C…@e….net" in part and "Countess" not in part
    assert do(owner, path).status_code == 410
    assert owner.get(path).status_code == 410
    assert client.get("/account/").status_code == 302, "the session from before is over"
    assert sign_in(client, reader).get("/account/").status_code == 200


@pytest.mark.parametrize(
    ("state", "mailed"),
    [
        ("unknown", "Confirm your new address at Paper Round"),
        ("pending", "Confirm your new address at Paper Round"),
        ("unsubscribed", "Confirm your new address at Paper Round"),
        ("active", "This address is subscribed to Paper Round already"),
        ("paused", "This address is subscribed to Paper Round already"),
        ("bounced", None),
        ("complained", None),
        ("suppressed", None),
    ],
)
def test_what_is_mailed_fits_whose_address_it_is(
    client: Client, ada: Subscriber, make_reader: Make, do: Callable[..., Any],
    state: str, mailed: str | None,
) -> None:  # fmt: skip
    sign_in(client, ada)
    plain = do(client, "/account/address/", email="somebody@example.net")
    mail.outbox.clear()
    AddressChange.objects.update(asked_at=MONDAY - 5 * MINUTE)
    if state == "suppressed":
        hashed = Suppression.hash(NEW)
        Suppression.objects.create(email_hash=hashed, reason="operator", created_at=MONDAY)
    elif state != "unknown":
        there = make_reader(NEW, phrases=("cups",))
        slot = there.next_digest_at if state in ("active", "paused") else None
        Subscriber.objects.filter(pk=there.pk).update(status=state, next_digest_at=slot)
    answer = do(client, "/account/address/", email="Countess@EXAMPLE.net")
    assert (answer.status_code, answer["Location"], answer.content) == (
        plain.status_code, plain["Location"], plain.content,
    )  # fmt: skip
    assert dict(answer.headers) == dict(plain.headers)
    assert mails() == ([("Countess@example.net", mailed)] if mailed else [])
    if not mailed or "already" in mailed:
        assert "new-address" not in "".join(str(message.body) for message in mail.outbox)
        return
    assert "is changed" in do(client, link_in(mail.outbox[0], "new-address")).content.decode()
    assert [row.email.lower() for row in Subscriber.objects.all()] == [NEW]
    assert Subscriber.objects.get().pk == ada.pk


def test_who_signed_up_with_it_meanwhile_keeps_it(
    client: Client, ada: Subscriber, make_reader: Make, do: Callable[..., Any]
) -> None:
    do(sign_in(client, ada), "/account/address/", email=NEW)
    make_reader(NEW, phrases=("cups",))
    answer = do(client, link_in(mail.outbox[0], "new-address"))
    assert answer.status_code == 409
    assert "has a subscription of its own" in answer.content.decode()
    ada.refresh_from_db()
    assert ada.email == "ada@example.org" and len(mail.outbox) == 1


def test_even_at_the_very_moment(
    client: Client, ada: Subscriber, make_reader: Make, do: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    do(sign_in(client, ada), "/account/address/", email=NEW)
    make_reader(NEW, phrases=("cups",))
    monkeypatch.setattr(SubscriberQuerySet, "with_email", lambda self, email: self.none())
    answer = do(client, link_in(mail.outbox[0], "new-address"))
    assert (answer.status_code, AddressChange.objects.count()) == (409, 1)


def test_only_the_link_of_the_last_address_works(
    client: Client, ada: Subscriber, do: Callable[..., Any], frozen: Any
) -> None:
    sign_in(client, ada)
    do(client, "/account/address/", email="typo@example.net")
    soon = do(client, "/account/address/", email=NEW)
    assert soon.status_code == 422 and "in five minutes" in soon.content.decode()
    frozen.move_to(MONDAY + 5 * MINUTE)
    do(client, "/account/address/", email=NEW)
    assert [to for to, _ in mails()] == ["typo@example.net", NEW]
    first, second = (link_in(message, "new-address") for message in mail.outbox)
    gone = do(client, first)
    assert gone.status_code == 410 and "only that one’s link works" in gone.content.decode()
    assert do(client, second).status_code == 200
    ada.refresh_from_db()
    assert ada.email == NEW


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("ADA@example.org", "That is the address your digests go to now."),
        ("not an address", "not an email address"),
        ("", "This field is required"),
    ],
)
def test_a_wrong_address_is_told(client: Client, ada: Subscriber, given: str, problem: str) -> None:
    answer = sign_in(client, ada).post("/account/address/", {"email": given})
    assert answer.status_code == 422 and problem in answer.content.decode()
    assert not AddressChange.objects.exists()


def test_old_forged_and_ended(client: Client, ada: Subscriber, frozen: Any) -> None:
    change = AddressChange.objects.create(subscriber=ada, email=NEW, asked_at=MONDAY)
    path = f"/new-address/{links.NEW_ADDRESS.token(change.pk)}/"
    assert client.post(f"/new-address/{links.SIGN_IN.token(change.pk)}/").status_code == 404
    assert client.post("/new-address/1.2.3/").status_code == 404
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(path).status_code == 403
    frozen.move_to(MONDAY + dt.timedelta(days=1, seconds=1))
    assert client.post(path).status_code == 410
    frozen.move_to(MONDAY)
    unsubscribe(ada.pk, MONDAY)
    assert client.post(path).status_code == 410
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_at_once_one_does(make_reader: Make) -> None:
    ada = make_reader("ada@example.org", phrases=("x",))
    for n in range(5):
        change = AddressChange.objects.create(
            subscriber=ada, email=f"ada{n}@example.net", asked_at=MONDAY
        )
        path = f"/new-address/{links.NEW_ADDRESS.token(change.pk)}/"
        barrier = threading.Barrier(2)
        answers: list[int] = []

        def press(path: str, barrier: threading.Barrier, answers: list[int]) -> None:
            barrier.wait()
            answers.append(Client().post(path).status_code)
            connection.close()

        threads = [threading.Thread(target=press, args=(path, barrier, answers)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 410]
        assert [to for to, _ in mails()].count(f"ada{n - 1}@example.net" if n else ada.email) == 1


def test_all_that_is_stored_as_a_file(
    client: Client, reader: Subscriber, make_paper: Make, make_reader: Make
) -> None:
    Edition.objects.roll(MONDAY)
    paper, put_forward = make_paper("Cups"), make_paper("Saucers")
    other = make_reader("eve@example.org", phrases=("eves own words",))
    interest = reader.interests.get()
    for one, word in ((reader, "Mine"), (other, "Hers")):
        one.upvotes.create(paper=paper, given_at=MONDAY)
        one.submissions.create(
            arxiv_id=put_forward.arxiv_id, paper=put_forward, submitted_at=MONDAY
        )
        one.feedback.create(paper=paper, verdict="more", given_at=MONDAY)
        AddressChange.objects.create(subscriber=one, email=f"{word}@x.example", asked_at=MONDAY)
        came_back(one, "soft", MONDAY)
        one.deliveries.create(
            first_day=MONDAY, newest_day=MONDAY, created_at=MONDAY, last_reply=word,
            items=[
                {"paper": paper.pk, "section": "matches", "reason": "robots",
                 "interest": interest.pk},
                {"paper": 10**6, "section": "trending", "reason": "gone since"},
            ],
        )  # fmt: skip
    sign_in(client, reader)
    assert client.get("/account/copy/").status_code == 405
    answer = client.post("/account/copy/")
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == 'attachment; filename="paper-round-2025-10-13.json"'
    told = json.loads(answer.content)
    assert told["subscriber"]["email"] == "ada@example.org"
    assert told["subscriber"]["confirmed_at"] == "2025-10-12T09:00:00Z"
    assert told["interests"] == [{"kind": "phrase", "name": "robots", "weight": 2}]
    assert told["upvotes"] == [
        {"title": "Cups", "arxiv_id": paper.arxiv_id, "doi": None,
         "given_at": "2025-10-13T09:00:00Z"}
    ]  # fmt: skip
    (delivery,) = told["deliveries"]
    assert (delivery["newest_day"], delivery["status"]) == ("2025-10-13", "queued")
    first, gone = delivery["papers"]
    assert (first["title"], first["reason"], first["interest"]) == ("Cups", "robots", "robots")
    assert gone["reason"] == "gone since"
    assert told["submissions"][0]["title"] == "Saucers"
    assert told["feedback"][0]["verdict"] == "more"
    (event,) = told["mail_events"]
    assert (event["kind"], event["reason"]) == ("soft", "550 5.1.1 no such user")
    assert (event["domain"], event["digest"]) == ("example.org", None)
    assert told["address_changes"][0]["email"] == "Mine@x.example"
    assert "Hers" not in answer.content.decode() and "eve@" not in answer.content.decode()


def test_every_table_with_readers_is_in_the_file(client: Client, ada: Subscriber) -> None:
    told = json.loads(sign_in(client, ada).post("/account/copy/").content)
    related = {relation.get_accessor_name() for relation in Subscriber._meta.related_objects}
    assert related <= set(told)
    assert {field.name for field in Subscriber._meta.concrete_fields} - {"id"} == set(
        told["subscriber"]
    )


def test_the_file_costs_no_more_for_many_digests(
    client: Client, ada: Subscriber, make_paper: Make, django_assert_max_num_queries: Any
) -> None:
    papers = [make_paper(f"Paper {n}") for n in range(10)]
    for n in range(20):
        day = MONDAY.date() - dt.timedelta(days=n)
        sent = ada.deliveries.create(
            first_day=day, newest_day=day, created_at=MONDAY,
            items=[{"paper": p.pk, "section": "matches", "reason": "x"} for p in papers],
        )  # fmt: skip
        came_back(ada, "soft", MONDAY, sent)
    for paper in papers:
        ada.upvotes.create(paper=paper, given_at=MONDAY)
        ada.feedback.create(paper=paper, verdict="save", given_at=MONDAY)
    sign_in(client, ada)
    with django_assert_max_num_queries(18):
        assert client.post("/account/copy/").status_code == 200
