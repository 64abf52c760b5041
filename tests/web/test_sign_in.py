"""A session opened by a mailed link: whoever asks, only the owner gets in, and once."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client, RequestFactory

from subscriptions import links
from subscriptions.flows import sign_in as flow
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import SignIn, SignInRequest, Subscriber, Suppression
from subscriptions.tasks import tick
from subscriptions.web.guards import _limiter
from subscriptions.web.session import current_reader
from tests.conftest import MONDAY
from tests.web.conftest import last_mail, link_in
from tests.web.signing_in import sign_in

MINUTE = dt.timedelta(minutes=1)
Make = Callable[..., Subscriber]
Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    _limiter.cache_clear()
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ask(client: Client, db: None, django_capture_on_commit_callbacks: Any) -> Ask:
    """Post an address, and do what that queued."""

    def post(email: str = "ada@example.org", **data: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return client.post("/sign-in/", {"email": email, **data})

    return post


@pytest.fixture(params=["active", "paused"])
def reader(request: pytest.FixtureRequest, make_reader: Make) -> Subscriber:
    found = make_reader("ada@example.org", phrases=("robots",))
    Subscriber.objects.filter(pk=found.pk).update(status=request.param)
    return found


def test_ask_open_the_link_press_the_button(client: Client, reader: Subscriber, ask: Ask) -> None:
    answer = ask("Ada@EXAMPLE.org")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?sent")
    assert "on its way" in client.get(answer["Location"]).content.decode()
    assert last_mail().to == [reader.email]
    path = link_in(last_mail(), "sign-in")
    page = client.get(path)
    assert page.status_code == 200 and "a…@e….org" in page.content.decode()
    assert SignIn.objects.count() == 1, "opening the link must not use it up"
    assert client.get("/account/")["Location"] == "/sign-in/?next=%2Faccount%2F"

    answer = client.post(path)
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    page = client.get("/account/")
    assert "a…@e….org" in page.content.decode()
    assert "no-store" in page["Cache-Control"]

    again = Client().post(path)
    assert again.status_code == 410 and "/sign-in/" in again.content.decode()
    assert client.get(path).status_code == 410


@pytest.mark.parametrize("state", ["unknown", "pending", "bounced", "complained", "suppressed"])
def test_the_answer_tells_nobody_who_is_a_reader(make_reader: Make, ask: Ask, state: str) -> None:
    known = make_reader("known@example.org", phrases=("x",))
    answer = ask("known@example.org")
    assert len(mail.outbox) == 1
    other = make_reader("ada@example.org", phrases=("x",))
    if state == "unknown":
        other.delete()
    elif state == "suppressed":
        Suppression.objects.create(
            email_hash=Suppression.hash(other.email), reason="operator", created_at=MONDAY
        )
    else:
        Subscriber.objects.filter(pk=other.pk).update(status=state, next_digest_at=None)
    told = ask("ada@example.org")
    assert (told.status_code, told["Location"], told.content) == (
        answer.status_code, answer["Location"], answer.content,
    )  # fmt: skip
    assert dict(told.headers) == dict(answer.headers)
    assert len(mail.outbox) == 1
    assert not SignInRequest.objects.exists() and known.sign_ins.count() == 1


def test_what_is_no_address_is_told_beside_the_field(ask: Ask) -> None:
    answer = ask("ada at example.org")
    assert answer.status_code == 422 and "not an email address" in answer.content.decode()
    assert not SignInRequest.objects.exists()


def test_from_the_preferences_the_owner_is_mailed(
    client: Client, reader: Subscriber, django_capture_on_commit_callbacks: Any
) -> None:
    path = f"/preferences/{links.PREFERENCES.token(reader.pk)}/"
    assert f'action="{path}account/"' in client.get(path).content.decode()
    assert client.get(f"{path}account/").status_code == 405
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"{path}account/")["Location"] == "/sign-in/?sent"
    assert last_mail().to == [reader.email]
    assert client.post("/preferences/1.2.3/account/").status_code == 404
    unsubscribe(reader.pk, MONDAY)
    with django_capture_on_commit_callbacks(execute=True):
        assert "Not subscribed" in client.post(f"{path}account/").content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("next_page", "goes_to"),
    [
        ("/papers/7/", "/papers/7/"),
        ("", "/account/"),
        ("https://evil.example/", "/account/"),
        ("//evil.example/", "/account/"),
        ("/\\evil.example", "/account/"),
        ("javascript:alert(1)", "/account/"),
        ("papers/7/", "/account/"),
        ("/" + "a" * 300, "/account/"),
        ("/\x00", "/account/"),
    ],
)
def test_afterwards_only_a_page_of_this_site_follows(
    client: Client, make_reader: Make, ask: Ask, next_page: str, goes_to: str
) -> None:
    reader = make_reader("ada@example.org", phrases=("x",))
    ask(next=next_page)
    assert client.post(link_in(last_mail(), "sign-in"))["Location"] == goes_to
    if not next_page.isprintable():
        return  # PostgreSQL would not even keep it
    kept = SignIn.objects.create(subscriber=reader, next=next_page[:200], asked_at=MONDAY)
    answer = client.post(f"/sign-in/{links.SIGN_IN.token(kept.pk)}/")
    assert "evil" not in answer["Location"] and answer["Location"].startswith("/")


def test_too_old_or_forged_links(client: Client, reader: Subscriber, frozen: Any) -> None:
    row = SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
    path = f"/sign-in/{links.SIGN_IN.token(row.pk)}/"
    for bad in (f"/sign-in/{links.CONFIRM.token(row.pk)}/", "/sign-in/1.2.3/", "/sign-in/x/"):
        assert client.post(bad).status_code == 404
    frozen.move_to(MONDAY + 30 * MINUTE + dt.timedelta(seconds=1))
    assert client.post(path).status_code == 410
    assert "/sign-in/" in client.get(path).content.decode()
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize("state", ["bounced", "complained", "pending"])
def test_a_link_of_one_who_is_no_reader_opens_nothing(
    client: Client, reader: Subscriber, state: str
) -> None:
    row = SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
    Subscriber.objects.filter(pk=reader.pk).update(status=state, next_digest_at=None)
    assert client.post(f"/sign-in/{links.SIGN_IN.token(row.pk)}/").status_code == 410
    assert client.get("/account/").status_code == 302


def test_it_ends_after_an_hour(client: Client, reader: Subscriber, frozen: Any) -> None:
    sign_in(client, reader)
    for minutes in (20, 40, 59):
        frozen.move_to(MONDAY + minutes * MINUTE)
        assert client.get("/account/").status_code == 200
    frozen.move_to(MONDAY + 60 * MINUTE)
    assert client.get("/account/").status_code == 302


def test_signing_out_ends_it(client: Client, reader: Subscriber) -> None:
    sign_in(client, reader)
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/account/").status_code == 302
    assert settings.SESSION_COOKIE_NAME not in client.cookies or not (
        client.cookies[settings.SESSION_COOKIE_NAME].value
    )


def test_staff_who_read_keep_their_login(admin_client: Client, reader: Subscriber) -> None:
    sign_in(admin_client, reader)
    assert admin_client.get("/account/").status_code == 200
    admin_client.post("/sign-out/")
    assert admin_client.get("/account/").status_code == 302
    assert admin_client.get("/admin/").status_code == 200


def test_a_session_begun_by_another_is_not_taken_over(client: Client, reader: Subscriber) -> None:
    client.session.save()
    given = client.cookies[settings.SESSION_COOKIE_NAME].value
    sign_in(client, reader)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != given
    stranger = Client()
    stranger.cookies[settings.SESSION_COOKIE_NAME] = given
    assert stranger.get("/account/").status_code == 302


def test_posts_from_elsewhere_are_refused(reader: Subscriber) -> None:
    row = SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
    strict = Client(enforce_csrf_checks=True)
    for path in (f"/sign-in/{links.SIGN_IN.token(row.pk)}/", "/sign-in/", "/sign-out/"):
        assert strict.post(path).status_code == 403
    assert SignIn.objects.exists()


def test_five_mails_an_hour(reader: Subscriber, ask: Ask, frozen: Any) -> None:
    for _ in range(8):
        ask()
    assert len(mail.outbox) == 5
    frozen.move_to(MONDAY + 61 * MINUTE)
    ask()
    assert len(mail.outbox) == 6


def test_a_network_that_asks_too_often_is_told(client: Client, db: None) -> None:
    data = {"email": "nobody@example.org"}
    answers = [
        client.post("/sign-in/", data, REMOTE_ADDR="198.51.100.7").status_code for _ in range(31)
    ]
    assert answers == [302] * 30 + [429]


def test_a_lost_task_is_found_by_the_tick(
    client: Client, reader: Subscriber, frozen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow.receive(reader.email, "", MONDAY)
    assert flow.unanswered(MONDAY) == [], "its task is on its way"
    frozen.move_to(MONDAY + MINUTE)
    tick.delay()
    assert [message.to for message in mail.outbox] == [[reader.email]]
    assert flow.unanswered(MONDAY + 2 * MINUTE) == []


def test_a_mail_that_was_not_taken_is_sent_later(
    reader: Subscriber, ask: Ask, frozen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: object) -> None:
        raise ConnectionRefusedError("no mail server")

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", down)
        ask(next="/papers/3/")
    assert not mail.outbox and not SignIn.objects.exists()
    frozen.move_to(MONDAY + MINUTE)
    (pk,) = flow.unanswered(MONDAY + MINUTE)
    assert flow.answer(pk, MONDAY + MINUTE)
    assert not flow.answer(pk, MONDAY + MINUTE), "a task that runs twice mails once"
    assert len(mail.outbox) == 1 and SignIn.objects.get().next == "/papers/3/"


def test_old_links_and_requests_are_forgotten(reader: Subscriber, client: Client) -> None:
    SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
    SignInRequest.objects.create(email="ada@example.org", asked_at=MONDAY)
    sign_in(client, reader)
    flow.purge(MONDAY + dt.timedelta(hours=11))
    assert client.get("/account/").status_code == 200
    flow.purge(MONDAY + dt.timedelta(hours=23))
    assert SignIn.objects.exists() and SignInRequest.objects.exists()
    flow.purge(MONDAY + dt.timedelta(days=1))
    assert not SignIn.objects.exists() and not SignInRequest.objects.exists()
    assert client.get("/account/").status_code == 302


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_press_the_button_at_once_one_gets_in(make_reader: Make) -> None:
    reader = make_reader("ada@example.org", phrases=("x",))
    for _ in range(10):
        row = SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
        path = f"/sign-in/{links.SIGN_IN.token(row.pk)}/"
        barrier = threading.Barrier(2)
        answers: list[int] = []

        def press(path: str = path, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            answers.append(Client().post(path).status_code)  # noqa: B023
            connection.close()

        threads = [threading.Thread(target=press) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [302, 410]


def test_a_visitor_is_nobody_without_a_look_at_any_session() -> None:
    assert current_reader(RequestFactory().get("/")) is None  # which has none to look at
