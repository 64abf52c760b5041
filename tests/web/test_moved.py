"""After a change of address what lies in the old mailbox opens nothing, and its owner is told."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from subscriptions import links
from subscriptions.flows import address as flow
from subscriptions.flows.private_feed import turn_on
from subscriptions.models import (
    AddressChange,
    Delivery,
    Edition,
    SignIn,
    SignupRequest,
    Subscriber,
)
from subscriptions.tasks import mail_address_change, tick
from tests.conftest import MONDAY
from tests.web.conftest import link_in
from tests.web.signing_in import sign_in

MINUTE = dt.timedelta(minutes=1)
OLD, NEW = "ada@example.org", "countess@example.net"
Make = Callable[..., Any]
Do = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ada(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader(OLD, phrases=("robots",))
    return found


@pytest.fixture
def delivery(ada: Subscriber, make_paper: Make) -> Delivery:
    paper = make_paper("Cups")
    Edition.objects.roll(MONDAY)
    return Delivery.objects.create(
        subscriber=ada, first_day=MONDAY, newest_day=MONDAY, created_at=MONDAY,
        items=[{"paper": paper.pk, "section": "matches", "reason": "robots"}],
    )  # fmt: skip


@pytest.fixture
def do(client: Client, django_capture_on_commit_callbacks: Any) -> Do:
    """Post, and do what that queued."""

    def post(path: str, **data: str) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return client.post(path, data)

    return post


@pytest.fixture
def lost(client: Client) -> Do:
    """Post, where the queue loses what that queued."""
    return lambda path, **data: client.post(path, data)


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The mail server, until this is undone."""

    def refuse(self: object) -> None:
        raise ConnectionRefusedError("no mail server")

    with monkeypatch.context() as patch:
        patch.setattr(mail.get_connection().__class__, "open", refuse)
        yield patch


def ask(client: Client, reader: Subscriber, post: Do, email: str = NEW) -> Any:
    sign_in(client, reader)
    return post("/account/address/", email=email)


def confirm(post: Do) -> str:
    """Press the button of the link to the new address."""
    change = AddressChange.objects.get(status="asked")
    answer = post(f"/new-address/{links.NEW_ADDRESS.token(change.pk)}/")
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def mailed() -> list[tuple[str, str]]:
    return [(message.to[0], str(message.subject).partition(" ")[0]) for message in mail.outbox]


def test_what_is_in_the_old_mailbox_opens_nothing(
    client: Client, ada: Subscriber, delivery: Delivery, do: Do, frozen: Any
) -> None:
    own, digest = links.PREFERENCES.url(ada.pk), links.DIGEST.url(delivery.pk)
    leave, signed_up = links.UNSUBSCRIBE.url(ada.pk), links.CONFIRM.url(ada.pk)
    pages = [own, f"{own}saved/", f"{own}saved.bib", digest, f"{digest}0/more/", f"{digest}0/why/"]
    for url in (*pages, signed_up):
        assert client.get(url).status_code == 200, url
    left_open = sign_in(Client(), ada)
    unused = SignIn.objects.create(subscriber=ada, asked_at=MONDAY)
    ask(client, ada, do)
    frozen.move_to(MONDAY + 5 * MINUTE)
    confirm(do)

    for url in pages:
        answer = client.get(url)
        assert answer.status_code == 410 and "Mail me a new link" in answer.text, url
        assert "countess" not in answer.text.lower()
    for url in (f"{own}feed/", f"{own}account/", f"{own}saved/", f"{digest}0/more/"):
        assert client.post(url).status_code == 410, url
    for method in (client.get, client.post):
        answer = method(signed_up)
        assert answer.status_code == 410 and "countess" not in answer.text.lower()
    assert left_open.get("/account/").status_code == 302
    assert client.post(f"/sign-in/{links.SIGN_IN.token(unused.pk)}/").status_code == 410

    mail.outbox.clear()
    assert do(links.absolute(f"/fresh/{links.PREFERENCES.token(ada.pk)}/")).status_code == 302
    assert mail.outbox[0].to == [NEW], "the new link goes to the new address"
    assert client.get(link_in(mail.outbox[0], "preferences")).status_code == 200
    assert client.get(links.DIGEST.url(delivery.pk)).status_code == 200
    assert sign_in(Client(), ada).get("/account/").status_code == 200
    client.post(leave)
    ada.refresh_from_db()
    assert ada.status == "unsubscribed", "to leave is possible for ever"


def test_an_old_link_has_a_new_one_mailed_to_the_new_address(
    client: Client, ada: Subscriber, do: Do, frozen: Any
) -> None:
    old = links.PREFERENCES.token(ada.pk)
    ask(client, ada, do)
    frozen.move_to(MONDAY + 5 * MINUTE)
    confirm(do)
    mail.outbox.clear()
    assert do(f"/fresh/{old}/")["Location"] == "/check-inbox/"
    assert [message.to for message in mail.outbox] == [[NEW]]
    assert not SignupRequest.objects.exists()


def test_the_private_feed_moves_too(client: Client, ada: Subscriber, do: Do, frozen: Any) -> None:
    key = turn_on(ada.pk)
    assert client.get(f"/feeds/mine/{key}.atom").status_code == 200
    ask(client, ada, do)
    frozen.move_to(MONDAY + 5 * MINUTE)
    assert "Your private feed has a new address too" in confirm(do)
    ada.refresh_from_db()
    assert ada.feed_key and ada.feed_key != key
    assert client.get(f"/feeds/mine/{key}.atom").status_code == 404


def test_who_has_no_feed_gets_none(client: Client, ada: Subscriber, do: Do) -> None:
    ask(client, ada, do)
    assert "private feed" not in confirm(do)
    ada.refresh_from_db()
    assert ada.feed_key is None


def test_a_digest_that_a_worker_holds_is_made_anew(
    client: Client, ada: Subscriber, delivery: Delivery, do: Do
) -> None:
    ask(client, ada, do)
    (claimed,) = Delivery.objects.claim(10, MONDAY, 30 * MINUTE)
    assert claimed.subscriber.email == OLD
    confirm(do)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.claim_token) == ("queued", None)


def test_the_old_address_is_told_when_the_queue_lost_it(
    client: Client, ada: Subscriber, do: Do, lost: Do, frozen: Any
) -> None:
    ask(client, ada, do)
    confirm(lost)
    assert mailed() == [(NEW, "Confirm")]
    change = AddressChange.objects.get()
    assert (change.old_email, change.status) == (OLD, "confirmed")
    frozen.move_to(MONDAY + MINUTE)
    tick.delay()
    assert mailed() == [(NEW, "Confirm"), (OLD, "Your")]
    assert "13 October 2025 at 09:00 UTC" in mail.outbox[1].body, "when it was, not when told"
    assert not AddressChange.objects.exists(), "the old address is forgotten"
    tick.delay()
    mail_address_change.delay(change.pk)
    assert len(mail.outbox) == 2


def test_the_old_address_is_told_once_the_mail_server_is_back(
    client: Client, ada: Subscriber, do: Do, frozen: Any, down: pytest.MonkeyPatch
) -> None:
    ask(client, ada, do)
    confirm(do)
    frozen.move_to(MONDAY + dt.timedelta(days=1))
    tick.delay()
    assert mail.outbox == [] and AddressChange.objects.get().old_email == OLD
    down.undo()
    frozen.move_to(MONDAY + dt.timedelta(days=1, minutes=11))
    tick.delay()
    assert mailed() == [(OLD, "Your")] and not AddressChange.objects.exists()


def test_the_old_address_is_not_kept_for_ever(
    client: Client, ada: Subscriber, do: Do, down: pytest.MonkeyPatch
) -> None:
    ask(client, ada, do)
    confirm(do)
    flow.purge(MONDAY + dt.timedelta(days=6))
    assert AddressChange.objects.exists()
    flow.purge(MONDAY + dt.timedelta(days=7))
    assert not AddressChange.objects.exists()


def test_the_link_to_the_new_address_is_tried_for_an_hour(
    client: Client, ada: Subscriber, do: Do, frozen: Any, down: pytest.MonkeyPatch
) -> None:
    ask(client, ada, do)
    frozen.move_to(MONDAY + 11 * MINUTE)
    tick.delay()
    assert mail.outbox == []
    down.undo()
    assert flow.unmailed(MONDAY + 61 * MINUTE) == [], "nobody waits for it any more"
    frozen.move_to(MONDAY + 22 * MINUTE)
    tick.delay()
    tick.delay()
    assert mailed() == [(NEW, "Confirm")]
    frozen.move_to(MONDAY + 40 * MINUTE)
    tick.delay()
    assert len(mail.outbox) == 1
    confirm(do)


def test_the_link_to_the_new_address_survives_a_lost_task(
    client: Client, ada: Subscriber, lost: Do, frozen: Any
) -> None:
    ask(client, ada, lost)
    assert flow.unmailed(MONDAY) == [], "its task is on its way"
    frozen.move_to(MONDAY + MINUTE)
    tick.delay()
    assert mailed() == [(NEW, "Confirm")]


def test_what_was_replaced_is_not_mailed(
    client: Client, ada: Subscriber, do: Do, lost: Do, frozen: Any
) -> None:
    ask(client, ada, lost, "typo@example.net")
    frozen.move_to(MONDAY + 5 * MINUTE)
    ask(client, ada, lost)
    frozen.move_to(MONDAY + 6 * MINUTE)
    tick.delay()
    assert mailed() == [(NEW, "Confirm")]


def test_three_a_day(client: Client, ada: Subscriber, do: Do, frozen: Any) -> None:
    for n in range(5):
        frozen.move_to(MONDAY + n * 10 * MINUTE)
        answer = ask(client, ada, do, f"stranger{n}@example.net")
        assert (answer.status_code == 302) == (n < 3), n
    assert "enough for a day" in answer.text
    assert len(mail.outbox) == 3
    frozen.move_to(MONDAY + dt.timedelta(days=1, minutes=21))
    assert ask(client, ada, do).status_code == 302


def test_nobody_is_mailed_for_many(client: Client, make_reader: Make, do: Do, frozen: Any) -> None:
    for n in range(7):
        reader = make_reader(f"reader{n}@example.org", phrases=("x",))
        answer = ask(client, reader, do, "Stranger@example.net")
        assert answer["Location"] == "/account/address/?sent"
    frozen.move_to(MONDAY + 2 * MINUTE)
    tick.delay()
    assert [to for to, _ in mailed()] == ["Stranger@example.net"] * 5
