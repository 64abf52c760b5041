"""Signatures of what went over a socket, verified by another program than the signer."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.core import mail

from subscriptions.delivery import dkim_signing
from subscriptions.delivery.outcomes import Result
from subscriptions.delivery.smtp import SmtpTransport
from subscriptions.digests.tick import send_due
from subscriptions.flows.mail import mail_one
from subscriptions.models import Delivery, Edition, SendingPause
from tests.conftest import MONDAY
from tests.delivery.conftest import Serve
from tests.delivery.letters import Letter, send
from tests.delivery.scripted_server import ScriptedServer
from tests.node import HERE, NODE

Make = Callable[..., Any]
Verify = Callable[..., list[list[dict[str, Any]]]]

RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
HEADERS = "From: digest@example.org\r\nTo: ada@example.org\r\n"
PASSED = [("old", "rsa-sha256", "pass"), ("new", "ed25519-sha256", "pass")]


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


@pytest.fixture
def keys(settings: Any, tmp_path: Path) -> None:
    """One as a file, as openssl writes it; one as text."""
    file = tmp_path / "dkim.pem"
    file.write_text(pem(RSA, PrivateFormat.TraditionalOpenSSL))
    settings.DEFAULT_FROM_EMAIL = '"Blätter, wöchentlich" <digest@bücher.example>'
    settings.DKIM_DOMAIN = "bücher.example"
    settings.DKIM_SELECTOR, settings.DKIM_KEY = "old", str(file)
    settings.DKIM_ED25519_SELECTOR, settings.DKIM_ED25519_KEY = "new", pem(ED25519)


@pytest.fixture
def verify(node_modules: Path) -> Verify:
    def verified(messages: list[bytes]) -> list[list[dict[str, Any]]]:
        asked = {
            "records": {
                f"{key.selector}._domainkey.{dkim_signing.domain()}": key.record
                for key in dkim_signing.configured_keys()
            },
            "messages": [base64.b64encode(message).decode() for message in messages],
        }
        run = subprocess.run(
            [*NODE, str(HERE / "verify_dkim.js")],
            input=json.dumps(asked), capture_output=True, text=True, check=True,
            env={**os.environ, "NODE_PATH": str(node_modules)},
        )  # fmt: skip
        return list(json.loads(run.stdout))

    return verified


def summary(signatures: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(found["selector"], found["algorithm"], found["result"]) for found in signatures]


@pytest.fixture
def arrived(serve: Serve, keys: None, make_reader: Make, make_paper: Make) -> list[bytes]:
    """A digest and a letter, as a mail server got them."""
    server = serve()
    reader = make_reader("ada@example.org", phrases=("robot arms",))
    make_paper("Robot arms — naïve Ω", abstract=".\n.starts with dots  \nFrom here\n\t on. " * 40)
    Edition.objects.roll(MONDAY)
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 1
    context = {"sign_in_url": "https://example.org/", "asked_at": MONDAY}
    outcome = mail_one("sign_in", context, reader.email, subscriber=reader.pk)
    assert outcome.result is Result.SENT
    return [message.data for message in server.messages]


def test_digests_and_letters_are_signed_by_both_keys(arrived: list[bytes], verify: Verify) -> None:
    digest, letter = verify(arrived)
    assert summary(digest) == summary(letter) == PASSED
    for data, signatures in zip(arrived, (digest, letter), strict=True):
        head, _, body = data.partition(b"\r\n\r\n")
        present = re.findall(r"^([\w-]+):", head.decode(), re.MULTILINE)[2:]
        for found in re.findall(r"\sh=([^;]+);", head.decode()):
            names = [name.strip() for name in found.split(":")]
            assert names == [*map(str.lower, present), "from"], "each once, and From twice"
        assert [found["body"] for found in signatures] == [len(body)] * 2
    wanted = (
        "Subject Date Message-ID List-Unsubscribe List-Unsubscribe-Post Feedback-ID Content-Type"
    )
    assert all(name in digest[0]["signed"] for name in wanted.split())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe-Post: List-", b"List-Unsubscribe-Post: X-"),
        (b"<http://localhost", b"<http://evil"),
        (b"\r\nTo: ", b"\r\nFrom: Eve <eve@example.org>\r\nTo: "),
        (b"robot arms", b"robot legs"),
    ],
)
def test_what_is_changed_on_the_way_is_noticed(
    arrived: list[bytes], verify: Verify, old: bytes, new: bytes
) -> None:
    assert old in arrived[0]
    (found,) = verify([arrived[0].replace(old, new, 1)])
    assert {signature["result"] for signature in found} <= {"fail", "neutral", "permerror"}


def test_headers_folded_anew_still_pass(arrived: list[bytes], verify: Verify) -> None:
    changed = arrived[0].replace(b"Subject: ", b"subject:\r\n \t").replace(b">,\r\n <", b">, <")
    (found,) = verify([changed])
    assert summary(found) == PASSED


def test_bodies_of_any_form(serve: Serve, keys: None, verify: Verify) -> None:
    bodies = ["", "\r\n", "\r\n\r\n", "a  b\t\r\n \r\n\r\n", "x" * 900 + "\r\n", "a\r\n\r\nb\r\n"]
    server = serve()
    heads = [HEADERS, HEADERS + "Subject: =?utf-8?b?w6Q=?=\r\n\tfolded  twice\r\n"]
    messages = [f"{head}\r\n{body}".encode() for head in heads for body in bodies]
    letters = [Raw(number, wire=message) for number, message in enumerate(messages)]
    send_raw(server, letters)
    found = verify([message.data for message in server.messages])
    assert [summary(signatures) for signatures in found] == [PASSED] * len(messages)


class Raw(Letter):
    """A letter of these octets."""

    def __init__(self, number: int, wire: bytes) -> None:
        super().__init__(number)
        object.__setattr__(self, "octets", wire)

    def wire(self) -> bytes:
        return bytes(self.octets)  # type: ignore[attr-defined]


def send_raw(server: ScriptedServer, letters: list[Raw]) -> None:
    outcomes: dict[int, Any] = {}
    with closing(SmtpTransport()) as transport:
        transport.send(enumerate(letters), outcomes, lambda: None)
    assert all(outcome.result is Result.SENT for outcome in outcomes.values())


def test_without_keys_nothing_is_signed(serve: Serve) -> None:
    server = serve()
    send(server, [Letter(1)])
    assert b"DKIM-Signature" not in server.messages[0].data


def test_another_backend_signs_by_itself(keys: None, make_reader: Make, make_paper: Make) -> None:
    make_reader("ada@example.org", phrases=("robot arms",))
    make_paper("Robot arms")
    Edition.objects.roll(MONDAY)
    assert send_due(MONDAY, lambda: MONDAY)["sent"] == 1
    assert mail.outbox[0].message()["DKIM-Signature"] is None


def test_a_key_that_cannot_be_used_pauses_sending(
    serve: Serve, settings: Any, make_reader: Make, make_paper: Make
) -> None:
    server = serve()
    settings.DKIM_SELECTOR, settings.DKIM_KEY = "old", "/nowhere/dkim.pem"
    reader = make_reader("ada@example.org", phrases=("robot arms",))
    make_paper("Robot arms")
    Edition.objects.roll(MONDAY)
    send_due(MONDAY, lambda: MONDAY)
    assert Delivery.objects.get().status == Delivery.Status.DEFERRED
    assert "DKIM_KEY cannot be read: No such file" in SendingPause.objects.get().reason
    context = {"sign_in_url": "https://example.org/", "asked_at": MONDAY}
    outcome = mail_one("sign_in", context, reader.email)
    assert (outcome.result, server.messages) == (Result.NOT_TRIED, [])


def locked() -> str:
    with_password = BestAvailableEncryption(b"secret")
    return RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, with_password).decode()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"DKIM_KEY": pem(RSA)}, "DKIM_SELECTOR is not set, but DKIM_KEY is"),
        ({"DKIM_SELECTOR": "a"}, "DKIM_KEY is not set, but DKIM_SELECTOR is"),
        ({"DKIM_ED25519_SELECTOR": "a"}, "DKIM_ED25519_KEY is not set, but"),
        ({"DKIM_SELECTOR": "a", "DKIM_KEY": "-----BEGIN nothing"}, "no private key in PEM"),
        ({"DKIM_SELECTOR": "a", "DKIM_KEY": locked()}, "without a password"),
        ({"DKIM_SELECTOR": "a", "DKIM_KEY": pem(ED25519)}, "DKIM_KEY is not a key for RSA"),
        (
            {"DKIM_ED25519_SELECTOR": "a", "DKIM_ED25519_KEY": pem(RSA)},
            "DKIM_ED25519_KEY is not a key for Ed25519",
        ),
        (
            {"DKIM_SELECTOR": "a", "DKIM_KEY": pem(ec.generate_private_key(ec.SECP256R1()))},
            "DKIM_KEY is not a key for RSA",
        ),
        (
            {
                "DKIM_SELECTOR": "a", "DKIM_KEY": pem(RSA),
                "DKIM_ED25519_SELECTOR": "a", "DKIM_ED25519_KEY": pem(ED25519),
            },
            "are the same",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_key(settings: Any, values: dict[str, str], fault: str) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    with pytest.raises(dkim_signing.KeyUnusable, match=fault) as caught:
        dkim_signing.configured_keys()
    assert "BEGIN" not in str(caught.value), "a key is never shown"
