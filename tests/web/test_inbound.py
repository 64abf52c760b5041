"""Mail handed over by HTTP."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from subscriptions.models import MailEvent, Subscriber
from subscriptions.verp import Kind
from subscriptions.web.views.inbound import TOO_LARGE, inbound
from tests.conftest import MONDAY
from tests.returned import answer, bounce, of, of_digest, sent_digest

BEARER = {"Authorization": "Bearer hidden"}
UNKNOWN = "550 5.1.1 no such user here"


@pytest.fixture(autouse=True)
def _configured(settings: Any) -> None:
    settings.BOUNCE_ADDRESS, settings.INBOUND_SECRET = "bounces@example.org", "hidden"


@pytest.fixture
def ada(make_reader: Callable[..., Subscriber]) -> Subscriber:
    return make_reader("ada@example.org")


def post(message: bytes, query: str = "", headers: dict[str, str] = BEARER, **extra: Any) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.generic(
        "POST", f"/inbound/{query}", message, "message/rfc822", headers=headers, **extra
    )


def test_a_bounce_is_taken(ada: Subscriber) -> None:
    to = of_digest(sent_digest(ada, MONDAY))
    taken = post(bounce(to, (ada.email, UNKNOWN), at=MONDAY))
    assert (taken.status_code, taken.content) == (200, b"what came back was noted\n")
    assert MailEvent.objects.get().subscriber == ada
    ada.refresh_from_db()
    assert ada.status == "bounced"


@pytest.mark.parametrize("way", ["header", "query"])
def test_the_envelope_recipient_goes_along(ada: Subscriber, way: str) -> None:
    to, message = of(Kind.UNSUBSCRIBE, ada), answer("undisclosed-recipients:;", "")
    if way == "header":
        post(message, headers={**BEARER, "X-Recipient": to})
    else:
        post(message, f"?recipient={to.replace('+', '%2B')}")
    ada.refresh_from_db()
    assert ada.status == "unsubscribed"


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer hiddem", "hidden", "Bearer hídden"])
def test_without_the_secret_nothing_is_taken(ada: Subscriber, given: str) -> None:
    message = answer(of(Kind.UNSUBSCRIBE, ada), "")
    refused = post(message, headers={"Authorization": given})
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    ada.refresh_from_db()
    assert ada.status == "active"


def test_without_a_secret_of_the_site_there_is_no_such_address(db: None, settings: Any) -> None:
    settings.INBOUND_SECRET = ""
    for given in ("Bearer ", "Bearer hidden"):
        assert post(b"", headers={"Authorization": given}).status_code == 404


def test_only_a_post_takes_anything(client: Client, db: None) -> None:
    assert client.get("/inbound/", headers=BEARER).status_code == 405


def test_what_is_far_too_large_is_not_read(db: None) -> None:
    assert post(b"x", CONTENT_LENGTH=TOO_LARGE + 1).status_code == 413


@pytest.mark.parametrize("length", [None, "", "many"])
def test_a_body_in_chunks_is_refused_and_not_taken_for_an_empty_one(
    ada: Subscriber, length: str | None
) -> None:
    message = answer(of(Kind.UNSUBSCRIBE, ada), "")
    environ = RequestFactory().generic(
        "POST", "/inbound/", message, "message/rfc822", headers=BEARER
    ).environ  # fmt: skip
    environ |= {"wsgi.input": io.BytesIO(message), "wsgi.input_terminated": True}
    del environ["CONTENT_LENGTH"]
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    assert inbound(WSGIRequest(environ)).status_code == 411


def test_while_the_database_is_away_it_is_to_come_again(ada: Subscriber) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server closed the connection")

    message = answer(of(Kind.UNSUBSCRIBE, ada), "")
    with connection.execute_wrapper(away):
        later = post(message)
    assert (later.status_code, later.headers["Retry-After"]) == (503, "300")
    assert post(message).status_code == 200
