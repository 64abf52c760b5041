"""Requests of mail services, recorded by others and sent again."""

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anymail.webhooks import amazon_ses
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.test import Client

from subscriptions.flows import webhooks
from subscriptions.models import Subscriber
from tests.conftest import MONDAY, missing
from tests.web.hooking import BASED, BASIC, SECRET, effects

BAD = re.compile(
    r"(bad|missing)_(auth|signature)|(invalid|missing|empty)_(timestamp|signature)"
    r"|requires_webhook_signing_key"
)
"""Names of requests that must be refused."""
SIGNED = "_WEBHOOK_SIGNATURE"
Request = dict[str, Any]
WEEK = dt.timedelta(days=7)

NOTED = {
    "bounced": "hard", "complained": "complaint", "delivered": "delivered", "failed": "ours",
    "unsubscribed": "left",
}  # fmt: skip
"""What becomes of an event of each type; of any other, nothing."""
BY_TEST = {
    "test_reject_event": "ours",  # SES took its content for bad
    "test_rejected_event": "ours",  # Mailgun’s sandbox sends nothing
    "test_dropped_bounce": "hard",
    "test_dropped_spam": "complaint",
    "test_dropped_timed_out": "soft",
    "test_dropped_bounced": "hard",
    "test_dropped_invalid_event": "hard",
    "test_dropped_unsubscribed_event": "left",
    "test_subscription_change_bounce": "hard",
}


def recorded(folder: Path, service: str) -> list[Request]:
    path = folder / "webhooks" / f"{service}.json"
    if not path.is_file():
        missing(f"there is no {path}")
    found: list[Request] = json.loads(path.read_text(encoding="utf-8"))
    return found


def body_of(request: Request) -> bytes:
    body = request["body"]
    return base64.b64decode(body["base64"]) if "base64" in body else body["text"].encode()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def replay(
    settings: Any, key: ec.EllipticCurvePrivateKey, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Request], int]:
    """Send a recorded request as its service would; the status of the answer.

    What the services' own keys signed for a test of theirs is signed anew, with one we have.
    """
    base, inbound = amazon_ses.AmazonSESBaseWebhookView, amazon_ses.AmazonSESInboundWebhookView
    monkeypatch.setattr(base, "get_boto_client", lambda *_, **__: _Boto())
    monkeypatch.setattr(inbound, "fetch_s3_chunks", _from_s3)
    client = Client(raise_request_exception=False)

    def send(request: Request) -> int:
        name, body = request["test"], body_of(request)
        headers = {
            (field if field.startswith("HTTP_") else f"HTTP_{field.upper().replace('-', '_')}"):
            value for field, value in request["headers"].items()
        }  # fmt: skip
        settings.ANYMAIL = dict(BASED)
        if "signing_to_api_key" in name:
            settings.ANYMAIL = {"MAILGUN_API_KEY": "TEST_API_KEY"}
        elif "requires_webhook_signing_key" in name:
            settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}
        elif "SignedWebhook" in name:
            settings.ANYMAIL["SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY"] = _public(key)
            if "successful" in name:
                (at,) = (value for field, value in headers.items() if "TIMESTAMP" in field)
                (field,) = (field for field in headers if field.endswith(SIGNED))
                signed = key.sign(at.encode() + body, ec.ECDSA(hashes.SHA256()))
                headers[field] = base64.b64encode(signed).decode()
        wrong = "bad_auth" in name or ("credential_rotation" in name and request["seq"] == 3)
        if wrong:
            headers["HTTP_AUTHORIZATION"] = BASIC[:-4] + "AAA="
        elif "missing_auth" not in name:
            headers["HTTP_AUTHORIZATION"] = BASIC
        answer = client.generic(
            request["method"], request["path"], body, request["content_type"], **headers
        )
        return answer.status_code

    return send


def _from_s3(view: object, bucket: str, name: str) -> Iterator[bytes]:
    if bucket == "YourBucket":
        raise ConnectionError("no such object")
    yield b"To: somebody@example.org\n\nHello\n"


class _Boto:
    def confirm_subscription(self, **_: object) -> None: ...

    def close(self) -> None: ...


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    """As SendGrid shows it: PEM without its first and last line."""
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "".join(pem.decode().splitlines()[1:-1])


def numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events come with the number that goes along with each message of ours."""
    take = webhooks.take

    def as_ours(service: str, found: list[Any], now: dt.datetime) -> None:
        for event in found:
            reader = Subscriber.objects.filter(
                email__iexact=getattr(event, "recipient", "")
            ).first()
            event.metadata = {"subscriber": str(reader.pk)} if reader else {}
        take(service, found, now)

    monkeypatch.setattr(webhooks, "take", as_ours)


@pytest.mark.parametrize("service", ["amazon_ses", "mailgun", "postmark", "sendgrid"])
@pytest.mark.parametrize("ours", [True, False])
def test_each_event_is_as_labelled_and_each_bad_signature_refused(
    real_data: Path, service: str, ours: bool, replay: Callable[[Request], int], told: list[Any],
    make_reader: Callable[..., Subscriber], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Of messages that others sent with the same account, only a dead address has an effect."""
    if ours:
        numbered(monkeypatch)
    requests = recorded(real_data, service)
    labels = [label for request in requests for label in request["events"]]
    for email in {str(label.get("recipient", "")).lower() for label in labels} - {""}:
        make_reader(email)
    Subscriber.objects.update(confirmed_at=MONDAY - 1000 * WEEK, consent_asked_at=MONDAY)
    for request in requests:
        name = f"{request['test']} {request['seq']}"
        with transaction.atomic():
            told.clear()
            first = replay(request)
            seen, after_one = list(told), effects()
            second = replay(request)
            assert (second, effects()) == (first, after_one), f"{name} again"
            transaction.set_rollback(True)
        refused = BAD.search(name) or ("credential_rotation" in name and request["seq"] == 3)
        if refused:
            assert 400 <= first < 500 and not seen and not after_one, name
            continue
        _is_as_labelled(request["test"], name, first, seen, request["events"], ours)
        without = {"delivered"} if ours else {*NOTED.values(), "soft"} - {"hard"}
        expected = {
            email: kept for email, kinds in _expected(request).items()
            if (kept := [kind for kind in kinds if kind not in without])
        }  # fmt: skip
        assert after_one == expected, name


def _is_as_labelled(
    test: str, name: str, status: int, seen: list[Any], labels: list[Request], ours: bool
) -> None:
    if "misconfigured" in name or "incorrect" in name or "failure_message" in name:
        assert not seen, name
        return
    if labels:
        assert (status, len(seen)) == (200, len(labels)), name
    for event, label in zip(seen, labels, strict=False):
        for field in (
            label.keys() - {"kind", "esp", "timestamp"} - ({"metadata"} if ours else set())
        ):
            assert getattr(event, field) == label[field], (name, field)


def _expected(request: Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in request["events"]:
        if (what := _kind(request["test"], label)) and label.get("recipient"):
            found.setdefault(label["recipient"].lower(), []).append(what)
    return found


def _kind(test: str, label: Request) -> str | None:
    return BY_TEST.get(test.rpartition(".")[2], NOTED.get(label["event_type"]))
