"""TLS and AUTH, with a real certificate and a real handshake."""

import ssl
from base64 import b64encode
from typing import Any

import pytest

from tests.delivery.conftest import Serve
from tests.delivery.letters import send, three

UNTRIED = ["not tried"] * 3


def test_starttls_and_auth(serve: Serve, settings: Any, tls: ssl.SSLContext, trusted: None) -> None:
    server = serve(offers=["PIPELINING", "STARTTLS", "AUTH PLAIN LOGIN"], tls=tls)
    settings.EMAIL_USE_TLS = True
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
    assert send(server, three()).results == ["sent"] * 3
    assert server.verbs()[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert server.commands[3] == "AUTH PLAIN " + b64encode(b"\0us\0secret").decode()


def test_implicit_tls(serve: Serve, settings: Any, tls: ssl.SSLContext, trusted: None) -> None:
    server = serve(tls=tls, implicit_tls=True)
    settings.EMAIL_USE_SSL = True
    assert send(server, three()).results == ["sent"] * 3


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_that_nobody_vouches_for_stops_sending(
    serve: Serve, settings: Any, tls: ssl.SSLContext, implicit: bool
) -> None:
    server = serve(offers=["STARTTLS"], tls=tls, implicit_tls=implicit)
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = implicit, not implicit
    sent = send(server, three())
    assert (sent.results, sent.ending) == (UNTRIED, "Stopped")
    assert "CERTIFICATE_VERIFY_FAILED" in sent.outcomes[0].reply


@pytest.mark.parametrize("implicit", [True, False])
def test_a_certificate_of_another_name_stops_sending(
    serve: Serve, settings: Any, tls: ssl.SSLContext, trusted: None, implicit: bool
) -> None:
    server = serve(offers=["STARTTLS"], tls=tls, implicit_tls=implicit)
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = implicit, not implicit
    settings.EMAIL_HOST = "127.0.0.1"
    assert send(server, three()).ending == "Stopped"


def test_a_server_that_speaks_no_tls_stops_sending(serve: Serve, settings: Any) -> None:
    server = serve()
    settings.EMAIL_USE_SSL = True
    sent = send(server, three())
    assert (sent.results, sent.ending) == (UNTRIED, "Stopped")
    assert "SSLError" in sent.outcomes[0].reply


@pytest.mark.parametrize("implicit", [True, False])
def test_a_line_lost_in_the_handshake_is_no_verdict(
    serve: Serve, settings: Any, tls: ssl.SSLContext, implicit: bool
) -> None:
    answers = {("TLS", 1): "drop"}
    server = serve(answers, offers=["STARTTLS"], tls=tls, implicit_tls=implicit)
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = implicit, not implicit
    sent = send(server, three())
    assert (sent.results, sent.ending) == (UNTRIED, "Unavailable")


@pytest.mark.parametrize("offers", [["PIPELINING"], ["AUTH GSSAPI"]])
def test_a_server_without_the_auth_that_is_configured_stops_sending(
    serve: Serve, settings: Any, offers: list[str]
) -> None:
    server = serve(offers=offers)
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
    sent = send(server, three())
    assert (sent.results, sent.ending) == (UNTRIED, "Stopped")
    assert "MAIL" not in server.verbs()


def test_a_server_without_starttls_stops_sending(serve: Serve, settings: Any) -> None:
    server = serve()
    settings.EMAIL_USE_TLS = True
    assert send(server, three()).ending == "Stopped"
    assert server.verbs() == ["EHLO"]


def test_a_password_that_cannot_be_said_is_not_told(serve: Serve, settings: Any) -> None:
    server = serve(offers=["AUTH PLAIN"])
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "geheimß"
    sent = send(server, three())
    assert sent.ending == "Stopped"
    assert "ß" not in sent.outcomes[0].reply and "xdf" not in sent.outcomes[0].reply


def test_a_name_that_does_not_resolve(serve: Serve, settings: Any) -> None:
    server = serve()
    settings.EMAIL_HOST = "mail.invalid"
    assert send(server, three()).ending == "Unavailable"


@pytest.mark.parametrize(
    ("answer", "ending"),
    [
        ("535 5.7.8 wrong password|drop", "Stopped"),
        (["535 5.7.8 wrong password", "421 4.7.0 too many"], "Stopped"),
        (["535 5.7.8 wrong password", "454 4.7.0 later"], "Stopped"),
        (["504 5.5.4 not this one", "454 4.7.0 later"], "Unavailable"),
        (["504 5.5.4 not this one", "drop"], "Unavailable"),
        (["504 5.5.4 not this one", "235 2.7.0 welcome"], ""),
    ],
)
def test_two_mechanisms(serve: Serve, settings: Any, answer: Any, ending: str) -> None:
    """smtplib tries one after the other; a wrong password is what counts."""
    server = serve({("AUTH", 1): answer}, offers=["AUTH PLAIN LOGIN"])
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "us", "secret"
    sent = send(server, three())
    assert (sent.ending, sent.results) == (ending, UNTRIED if ending else ["sent"] * 3)
    assert ending != "Stopped" or sent.outcomes[0].reply == "535 5.7.8 wrong password"
