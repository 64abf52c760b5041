"""After a reader is erased no table of the whole database knows them."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection, models
from django.test import Client

from subscriptions import links
from subscriptions.flows.address import Confirmed
from subscriptions.flows.address import confirm as confirm_address
from subscriptions.flows.erase import erase
from subscriptions.flows.subscribe import answer_request, receive
from subscriptions.flows.votes import give
from subscriptions.matching import trend
from subscriptions.models import (
    AddressChange,
    Delivery,
    Edition,
    Feedback,
    Interest,
    Paper,
    SignIn,
    SignInRequest,
    SignupRequest,
    Submission,
    Subscriber,
    Suppression,
    Upvote,
)
from tests.conftest import MONDAY, choices
from tests.flows.coming_back import came_back
from tests.web.signing_in import sign_in

FRIDAY = dt.date(2025, 10, 10)
EMAIL = "Ada.Lovelace@example.org"
WORDS = "secret analytical engine"
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture(params=["active", "paused"])
def reader(request: pytest.FixtureRequest, make_reader: Make, make_paper: Make) -> Subscriber:
    """A reader with rows in every table that can hold one, and in the staff's log."""
    found: Subscriber = make_reader(EMAIL, phrases=(WORDS,))
    Subscriber.objects.filter(pk=found.pk).update(
        status=request.param, feed_key="k" * 43, timezone="Pacific/Chatham"
    )
    stranger = make_reader("eve@example.org", phrases=("cups",))
    paper = make_paper("Cups", votes=1)
    Edition.objects.roll(MONDAY)
    interest = found.interests.get()
    Feedback.objects.create(
        subscriber=found, paper=paper, interest=interest, verdict="more", given_at=MONDAY
    )
    delivery = Delivery.objects.create(
        subscriber=found, first_day=MONDAY, newest_day=MONDAY, created_at=MONDAY,
        items=[{"paper": paper.pk, "section": "matches", "reason": WORDS}],
        kept_away={WORDS: 3}, last_reply=f"550 no {EMAIL}", status="sending",
        claim_token=uuid.uuid4(), claim_expires_at=MONDAY,
    )  # fmt: skip
    came_back(found, "soft", MONDAY, delivery)
    for one in (found, stranger):
        give(one, paper, MONDAY)
    Submission.objects.create(
        subscriber=found, arxiv_id=paper.arxiv_id, paper=paper, submitted_at=MONDAY
    )
    SignIn.objects.create(subscriber=found, asked_at=MONDAY)
    AddressChange.objects.create(subscriber=found, email="ada@new.example", asked_at=MONDAY)
    AddressChange.objects.create(subscriber=stranger, email=EMAIL.lower(), asked_at=MONDAY)
    AddressChange.objects.create(
        subscriber=stranger, email="eve@example.org", asked_at=MONDAY,
        status="confirmed", confirmed_at=MONDAY, old_email=EMAIL,
    )  # fmt: skip
    SignInRequest.objects.create(email=EMAIL.upper(), asked_at=MONDAY)
    SignupRequest.objects.create(email=EMAIL, choices={"phrases": [WORDS]}, asked_at=MONDAY)
    staff = get_user_model().objects.create_superuser("editor", "editor@example.net")
    for row in (found, delivery, interest):
        LogEntry.objects.create(
            user=staff, action_flag=CHANGE, object_id=str(row.pk), object_repr=str(row),
            content_type=ContentType.objects.get_for_model(row),
            change_message=f'[{{"changed": {{"name": "interest", "object": "{WORDS}"}}}}]',
        )  # fmt: skip
    return found


def tables_with_readers() -> list[type[models.Model]]:
    """Every model that points to a reader, or has an address; staff's own are not readers'."""
    return [
        model
        for model in apps.get_models()
        if model is not get_user_model()
        and any(
            field.related_model is Subscriber or isinstance(field, models.EmailField)
            for field in model._meta.get_fields()
            if not isinstance(field, models.ForeignObjectRel)
        )
    ]


def mine(model: type[models.Model], reader: Subscriber) -> models.QuerySet[Any]:
    """The rows of a reader in a table."""
    mine = models.Q(pk__in=[])
    for field in model._meta.concrete_fields:
        if field.related_model is Subscriber:
            mine |= models.Q((field.name, reader.pk))
        if isinstance(field, models.EmailField):
            mine |= models.Q((f"{field.name}__iexact", EMAIL))
    return model._default_manager.filter(mine)


def whole_database() -> dict[str, str]:
    """All that stands in each table, sessions in clear, in lower case."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[table] = "\n".join(map(repr, cursor.fetchall())).casefold()
    found["sessions in clear"] = repr([row.get_decoded() for row in Session.objects.all()])
    return found


def holding(*texts: str) -> set[str]:
    return {
        table
        for table, text in whole_database().items()
        if any(part.casefold() in text.casefold() for part in texts)
    }


def test_nothing_is_left(client: Client, reader: Subscriber) -> None:
    sign_in(client, reader)
    tables = tables_with_readers()
    assert len(tables) >= 10
    for model in tables:
        assert mine(model, reader).exists(), f"{model} can hold a reader, and is not tried here"
    assert len(holding(EMAIL)) >= 5 and len(holding(WORDS)) >= 4
    assert f"'reader': {reader.pk}" in whole_database()["sessions in clear"]

    page = client.get("/account/erase/").content.decode()
    assert "A…@e….org" in page and Subscriber.objects.filter(pk=reader.pk).exists()
    answer = client.post("/account/erase/")
    assert "Everything is erased" in answer.content.decode()

    for model in tables:
        assert not mine(model, reader).exists(), model
    for text in (EMAIL, EMAIL.partition("@")[0], WORDS, str(reader), "ada@new.example", "Chatham"):
        assert not holding(text), text
    assert not Session.objects.exists()
    assert LogEntry.objects.count() == 3, "that staff did something stays"
    assert client.get("/account/")["Location"].startswith("/sign-in/")
    assert mail.outbox == []


def test_others_keep_what_is_theirs(
    client: Client, reader: Subscriber, django_capture_on_commit_callbacks: Any
) -> None:
    paper = Paper.objects.get()
    assert paper.trend == pytest.approx(trend(2, FRIDAY), abs=1e-9)
    sign_in(client, reader)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/erase/")
    paper.refresh_from_db()
    assert Subscriber.objects.get().email == "eve@example.org"
    assert Upvote.objects.get().subscriber.email == "eve@example.org"
    assert Interest.objects.get().value == "cups"
    assert Paper.objects.with_votes().get().votes == 2
    assert paper.trend == pytest.approx(trend(1, FRIDAY), abs=1e-9)


def test_a_suppressed_address_stays_suppressed(client: Client, reader: Subscriber) -> None:
    Suppression.objects.create(
        email_hash=Suppression.hash(EMAIL), reason="operator", created_at=MONDAY
    )
    sign_in(client, reader).post("/account/erase/")
    assert Suppression.objects.get().reason == "operator", "the stronger reason stays"
    assert Suppression.objects.has(EMAIL) and not holding(EMAIL)


def test_who_erased_can_come_back_by_themselves_only(client: Client, reader: Subscriber) -> None:
    erase(reader.pk, MONDAY)
    assert Suppression.objects.get().reason == "erased" and not Suppression.objects.has(EMAIL)
    pk = receive(EMAIL, choices(phrases=("cups",)), "", MONDAY)
    assert answer_request(pk, MONDAY) and mail.outbox[0].to == [EMAIL]
    assert Suppression.objects.exists(), "anyone can type an address"
    back = Subscriber.objects.get(email=EMAIL)
    client.post(f"/confirm/{links.CONFIRM.token(back.pk)}/")
    back.refresh_from_db()
    assert back.status == "active" and not Suppression.objects.exists()


def test_an_old_address_is_not_brought_in_until_it_is_confirmed_again(make_reader: Make) -> None:
    old, new = "ada@example.org", "ada@new.example"
    ada = make_reader(old)
    for to, kept in ((new, old), (old.upper(), new)):
        change = AddressChange.objects.create(subscriber=ada, email=to, asked_at=MONDAY)
        assert confirm_address(change.pk, MONDAY) is Confirmed.DONE
        assert Suppression.objects.reasons([old, new]) == {kept: "erased"}
        assert Suppression.objects.suppressed([old, new]) == set()


def test_links_of_mails_that_were_sent_still_answer(client: Client, reader: Subscriber) -> None:
    erase(reader.pk, MONDAY)
    erase(reader.pk, MONDAY)
    left = client.post(f"/u/{links.UNSUBSCRIBE.token(reader.pk)}/")
    assert left.status_code == 200
    page = client.get(f"/preferences/{links.PREFERENCES.token(reader.pk)}/").content.decode()
    assert "Not subscribed" in page


def test_staff_who_delete_a_reader_erase_them(admin_client: Client, reader: Subscriber) -> None:
    path = f"/admin/subscriptions/subscriber/{reader.pk}/delete/"
    assert admin_client.post(path, {"post": "yes"}).status_code == 302
    assert not holding(EMAIL, WORDS, str(reader))
    eve = Subscriber.objects.get()
    SignInRequest.objects.create(email=eve.email, asked_at=MONDAY)
    data = {"action": "erase", "pks": str(eve.pk), "post": "yes"}
    admin_client.post("/admin/subscriptions/subscriber/decide/", data)
    assert not Subscriber.objects.exists() and not holding("eve@example.org", str(eve))
