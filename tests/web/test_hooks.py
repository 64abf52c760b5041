"""What mail services tell at /anymail/: real requests replayed, and who may tell."""

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anymail.exceptions import AnymailImproperlyInstalled, _LazyError
from anymail.webhooks import amazon_ses
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from subscriptions.flows import webhooks
from subscriptions.models import MailEvent, Subscriber
from subscriptions.verp import Kind
from subscriptions.web import hooks
from tests.conftest import MONDAY, missing
from tests.returned import answer, of, sent_digest

SECRET = "paper-round:hidden"
BASIC = f"Basic {base64.b64encode(SECRET.encode()).decode()}"
BASED = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": "TEST_WEBHOOK_SIGNING_KEY"}
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


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The events that were handed on, before they are taken."""
    events: list[Any] = []
    take = webhooks.take

    def spy(service: str, found: list[Any], now: dt.datetime) -> None:
        events.extend(found)
        take(service, found, now)

    monkeypatch.setattr(webhooks, "take", spy)
    yield events


def effects() -> dict[str, list[str]]:
    """What was noted of whom, and who left."""
    found: dict[str, list[str]] = {}
    for email, kind in MailEvent.objects.order_by("pk").values_list("subscriber__email", "kind"):
        found.setdefault(email, []).append(kind)
    for email in Subscriber.objects.filter(status="unsubscribed").values_list("email", flat=True):
        found.setdefault(email, []).append("left")
    return found


@pytest.mark.parametrize("service", ["amazon_ses", "mailgun", "postmark", "sendgrid"])
def test_each_event_is_as_labelled_and_each_bad_signature_refused(
    real_data: Path, service: str, replay: Callable[[Request], int], told: list[Any],
    make_reader: Callable[..., Subscriber],
) -> None:  # fmt: skip
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
        _is_as_labelled(name, first, seen, request["events"])
        assert after_one == _expected(request), name


def _is_as_labelled(name: str, status: int, seen: list[Any], labels: list[Request]) -> None:
    if "misconfigured" in name or "incorrect" in name or "failure_message" in name:
        assert not seen, name
        return
    if labels:
        assert (status, len(seen)) == (200, len(labels)), name
    for event, label in zip(seen, labels, strict=False):
        for field in label.keys() - {"kind", "esp", "timestamp"}:
            assert getattr(event, field) == label[field], (name, field)


def _expected(request: Request) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label in request["events"]:
        what = BY_TEST.get(request["test"].rpartition(".")[2], NOTED.get(label["event_type"]))
        if what and label.get("recipient"):
            found.setdefault(label["recipient"].lower(), []).append(what)
    return found


@pytest.fixture
def ada(make_reader: Callable[..., Subscriber]) -> Subscriber:
    return make_reader("ada@example.org")


def postmark(client: Client, path: str = "tracking", **event: Any) -> int:
    answer = client.post(
        f"/anymail/postmark/{path}/", event, "application/json", headers={"Authorization": BASIC}
    )
    return answer.status_code


def sendgrid(client: Client, *events: dict[str, Any]) -> int:
    answer = client.post(
        "/anymail/sendgrid/tracking/", json.dumps(events), "application/json",
        headers={"Authorization": BASIC},
    )  # fmt: skip
    return answer.status_code


def test_a_stranger_can_tell_nothing_where_no_secret_is_set(
    client: Client, db: None, settings: Any, told: list[Any]
) -> None:
    """Whatever the service: also of those that nobody here has looked at."""
    settings.ANYMAIL = {}
    paths = [str(one.pattern).strip("^$").replace("(_mime)?", "") for one in hooks.urlpatterns]
    assert len(paths) > 25
    client.raise_request_exception = False
    event = [{"event": "bounce", "email": "ada@example.org", "type": "bounce"}]
    for path in paths:
        for content in (event, event[0]):
            status = client.post(f"/anymail/{path}", content, "application/json").status_code
            mandrill = path.startswith("mandrill")  # finds out at the signature that it has no key
            assert status == 404 or (mandrill and status >= 400), path
    assert told == []


def test_one_services_key_opens_no_other(client: Client, db: None, settings: Any) -> None:
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    assert client.post("/anymail/postmark/tracking/", {}, "application/json").status_code == 404
    assert client.post("/anymail/mailgun/tracking/", {}, "application/json").status_code == 400


@pytest.mark.parametrize(
    ("secret", "fine"),
    [("user:word", True), (["a:b", "c:d"], True), ("word", False), (["a:b", "c"], False)],
)
def test_a_secret_is_a_user_and_a_password(settings: Any, secret: object, fine: bool) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": secret}
    assert ("paper_round.E021" in {one.id for one in run_checks()}) is not fine


def test_without_the_extra_it_is_said(
    client: Client, db: None, settings: Any, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    settings.ANYMAIL = BASED
    lacking = _LazyError(AnymailImproperlyInstalled("boto3", "amazon-ses"))
    monkeypatch.setattr(amazon_ses, "_get_anymail_boto3_params", lacking)
    answer = client.post("/anymail/amazon_ses/tracking/", {}, "application/json")
    assert answer.status_code == 404
    assert "its webhooks need the extra “ses”" in caplog.text


def test_an_event_is_of_the_digest_that_was_sent(
    client: Client, ada: Subscriber, settings: Any
) -> None:
    settings.ANYMAIL = BASED
    delivery = sent_digest(ada, MONDAY)
    event: Request = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "Ada@example.org"}
    said = "smtp;550 5.1.1 <ada@example.org> unknown"
    number = {"delivery": str(delivery.pk)}
    assert postmark(client, Details=said, Metadata=number, **event) == 200
    noted = MailEvent.objects.get()
    assert (noted.delivery, noted.way, noted.status) == (delivery, "webhook", "5.1.1")
    assert "ada@" not in noted.reason
    ada.refresh_from_db()
    assert ada.status == "bounced"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"Type": "SoftBounce", "Details": "smtp;550 5.1.1 user unknown"}, "soft"),
        ({"Type": "HardBounce", "Details": ""}, "hard"),
        ({"Type": "HardBounce", "Details": "smtp;554 5.7.1 blocked as spam"}, "ours"),
        ({"Type": "SpamNotification", "Details": ""}, "ours"),
        ({"Type": "DMARCPolicy", "Details": ""}, "ours"),
        ({"Type": "Blocked", "Details": ""}, "ours"),
        ({"Type": "Transient", "Details": "smtp;421 later"}, None),
        ({"Type": "AutoResponder", "Details": ""}, None),
    ],
)
def test_what_the_server_said_counts_more_than_the_services_word(
    client: Client, ada: Subscriber, settings: Any, event: dict[str, str], kind: str | None
) -> None:
    settings.ANYMAIL = BASED
    postmark(client, RecordType="Bounce", ID=1, Email=ada.email, **event)
    assert effects() == ({ada.email: [kind]} if kind else {})


def test_an_event_of_a_former_address_or_of_nobody_is_left_out(
    client: Client, ada: Subscriber, settings: Any
) -> None:
    settings.ANYMAIL = BASED
    delivery = sent_digest(ada, MONDAY)
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "Details": ""}
    for metadata in ({"delivery": str(delivery.pk)}, {"subscriber": str(ada.pk)}, {}):
        assert postmark(client, **bounce, Email="old@example.org", Metadata=metadata) == 200
    others: list[Request] = [{"delivery": "999999"}, {"delivery": "x"}, {"delivery": {"a": 1}}]
    for other in others:
        assert postmark(client, **bounce, Metadata=other) == 200
    assert effects() == {}


def test_a_request_told_again_does_not_unsubscribe_who_came_back(
    client: Client, ada: Subscriber, settings: Any
) -> None:
    settings.ANYMAIL = BASED
    change = {"RecordType": "SubscriptionChange", "SuppressionReason": "ManualSuppression"}
    change |= {"Recipient": ada.email}
    assert ada.confirmed_at
    before, after = (ada.confirmed_at + n * dt.timedelta(hours=1) for n in (-1, 1))
    postmark(client, **change, ChangedAt=before.isoformat())
    assert effects() == {}
    postmark(client, **change, ChangedAt=after.isoformat())
    assert effects() == {ada.email: ["left"]}


def test_a_batch_of_any_size_takes_the_same_queries(
    client: Client, make_reader: Callable[..., Subscriber], settings: Any
) -> None:
    settings.ANYMAIL = BASED
    events = []
    for n in range(12):
        reader = make_reader(f"reader{n}@example.org")
        number = {"delivery": sent_digest(reader, MONDAY).pk} if n % 2 else {}
        told = {"event": "delivered", "email": reader.email, "response": "250 ok"}
        events.append({**told, **number, "sg_event_id": f"e{n}", "timestamp": 1_760_000_000 + n})
    counts = []
    for batch in (events[:2], events[2:]):
        with CaptureQueriesContext(connection) as queries:
            assert sendgrid(client, *batch) == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert MailEvent.objects.count() == 12


def test_a_mail_that_a_service_took_in_is_taken(
    client: Client, ada: Subscriber, settings: Any
) -> None:
    settings.ANYMAIL, settings.BOUNCE_ADDRESS = BASED, "bounces@example.org"
    message = answer("undisclosed-recipients:;", "", "unsubscribe").decode()
    recipient = of(Kind.UNSUBSCRIBE, ada)
    assert postmark(client, "inbound", RawEmail=message, OriginalRecipient=recipient) == 200
    assert effects() == {ada.email: ["left"]}
