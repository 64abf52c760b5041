"""What Django's checks say of the mail settings, without a network."""

import errno
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.checks import run_checks
from django.core.management import call_command

from subscriptions.mail_checks import TAG


@pytest.fixture(autouse=True)
def sound(settings: Any) -> None:
    """As on a site that faces the world, with a server that signs."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.SITE_URL = "https://papers.example.org"
    settings.DEFAULT_FROM_EMAIL = "Paper Round <digest@example.org>"
    settings.BOUNCE_ADDRESS = "bounces@mail.example.org"
    settings.DKIM_DOMAIN = settings.DKIM_SELECTOR = settings.DKIM_KEY = ""


def ids(deploy: bool = True) -> set[str]:
    found = run_checks(tags=[TAG], include_deployment_checks=deploy)
    assert all(one.hint for one in found)
    return {str(one.id).removeprefix("paper_round.") for one in found}


def test_a_server_that_may_sign_is_asked_about() -> None:
    assert ids() == {"W013"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"EMAIL_BACKEND": "anymail.backends.mailgun.EmailBackend"}, set()),
        ({"SITE_URL": "http://papers.example.org"}, {"W001", "W013"}),
        ({"DEFAULT_FROM_EMAIL": "digest@localhost", "BOUNCE_ADDRESS": ""},
         {"W010", "W013", "W017"}),
        ({"DEFAULT_FROM_EMAIL": "digest@192.0.2.1", "BOUNCE_ADDRESS": ""},
         {"W010", "W013", "W017"}),
        ({"BOUNCE_ADDRESS": "", "INBOUND_SECRET": "hidden"}, {"W013"}),
        ({"DEFAULT_FROM_EMAIL": '"Round, Paper" <d@bücher.example>', "BOUNCE_ADDRESS": ""},
         {"W013", "W017"}),
        ({"BOUNCE_ADDRESS": "bounces@example.net"}, {"W011", "W013"}),
        ({"DKIM_DOMAIN": "example.net"}, {"W012", "W013"}),
        ({"SITE_URL": "https://papers.of.the.institute.example.org"}, {"W014", "W013"}),
        ({"BOUNCE_ADDRESS": f"{'b' * 28}@example.org"}, {"W014", "W013"}),
    ],
)  # fmt: skip
def test_what_receivers_would_hold_against_it(
    settings: Any, changes: dict[str, str], found: set[str]
) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert ids() == found
    assert ids(deploy=False) == set(), "nobody who tries it is bothered"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("DEFAULT_FROM_EMAIL", "Round, Paper <digest@example.org>", "E010"),
        ("DEFAULT_FROM_EMAIL", "Paper Round", "E010"),
        ("DEFAULT_FROM_EMAIL", f"a@{'ü' * 300}.example", "E010"),
        ("BOUNCE_ADDRESS", "bounces", "E011"),
        ("BOUNCE_ADDRESS", "Bounces <bounces@example.org>", "E011"),
        ("BOUNCE_ADDRESS", "bounces@bücher.example", "E011"),
    ],
)
def test_what_keeps_mail_from_being_sent(settings: Any, name: str, value: str, found: str) -> None:
    setattr(settings, name, value)
    assert ids(deploy=False) == {found}
    assert ids() == {found, "W013"}


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


RSA, SHORT, ED25519 = (
    pem(rsa.generate_private_key(65537, 2048)),
    pem(rsa.generate_private_key(65537, 1024)),
    pem(ed25519.Ed25519PrivateKey.generate()),
)


@pytest.mark.parametrize(
    ("changes", "found", "hint"),
    [
        ({"DKIM_KEY": "/nowhere/dkim.pem"}, "E012", "DKIM_SELECTOR="),
        ({"DKIM_SELECTOR": "pr", "DKIM_KEY": "/nowhere/dkim.pem"}, "E012", "/nowhere/dkim.pem"),
        ({"DKIM_SELECTOR": "pr", "DKIM_KEY": "/"}, "E012", "path of a PEM file"),
        ({"DKIM_SELECTOR": "pr2026"}, "E012", "openssl genrsa"),
        ({"DKIM_ED25519_SELECTOR": "pr2026ed"}, "E012", "openssl genpkey"),
        ({"DKIM_SELECTOR": "pr 2026", "DKIM_KEY": RSA}, "E012", "hyphens"),
        ({"DKIM_SELECTOR": "x._domainkey", "DKIM_KEY": RSA}, "E012", "without ._domainkey"),
        ({"DKIM_SELECTOR": "pr", "DKIM_KEY": SHORT}, "W015", "new selector"),
        ({"DKIM_ED25519_SELECTOR": "ed", "DKIM_ED25519_KEY": ED25519}, "W016", "as well"),
        ({"DKIM_SELECTOR": "a.b", "DKIM_KEY": RSA}, "", ""),
    ],
)
def test_keys(settings: Any, changes: dict[str, str], found: str, hint: str) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    said = run_checks(tags=[TAG], include_deployment_checks=True)
    assert [str(one.id) for one in said] == ([f"paper_round.{found}"] if found else [])
    assert all(hint in str(one.hint) and "BEGIN" not in f"{one}" for one in said)


def test_a_key_of_another_user(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    settings.DKIM_SELECTOR, settings.DKIM_KEY = "pr", "/keys/dkim.pem"
    (error,) = run_checks(tags=[TAG], include_deployment_checks=True)
    assert error.msg == "DKIM_KEY cannot be read: Permission denied."
    assert str(error.hint).startswith("chown /keys/dkim.pem to the user")


@pytest.mark.django_db
def test_a_bad_key_keeps_no_command_from_running(settings: Any) -> None:
    settings.DKIM_SELECTOR, settings.DKIM_KEY = "pr", "/nowhere/dkim.pem"
    out = StringIO()
    call_command("deliveries", stdout=out, skip_checks=False)
    assert out.getvalue()
