"""What mail services tell at /anymail/, and who may tell."""

import datetime as dt
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from anymail.exceptions import AnymailImproperlyInstalled, _LazyError
from anymail.signals import AnymailTrackingEvent
from anymail.webhooks import amazon_ses
from django.core.checks import run_checks
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from subscriptions import verp
from subscriptions.flows import webhooks
from subscriptions.models import MailEvent, Subscriber
from subscriptions.verp import Kind
from subscriptions.web import hooks
from tests.conftest import MONDAY
from tests.returned import answer, of, sent_digest
from tests.web.hooking import BASED, BASIC, SECRET, effects

Request = dict[str, Any]


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


@pytest.fixture
def without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = _LazyError(AnymailImproperlyInstalled("boto3", "amazon-ses"))
    monkeypatch.setattr(amazon_ses, "_get_anymail_boto3_params", lacking)
    monkeypatch.setitem(sys.modules, "boto3", None)


def test_without_the_extra_there_is_no_such_address(
    client: Client, db: None, settings: Any, without_boto3: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ANYMAIL = BASED
    answer = client.post("/anymail/amazon_ses/tracking/", {}, "application/json")
    assert answer.status_code == 404
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("host", "secret", "said"),
    [
        ("email-smtp.eu-west-1.amazonaws.com", SECRET, True),
        ("email-smtp.eu-west-1.amazonaws.com", "", False),
        ("smtp.example.org", SECRET, False),
    ],
)
def test_a_check_says_that_the_extra_is_missing(
    settings: Any, without_boto3: None, host: str, secret: str, said: bool
) -> None:
    settings.EMAIL_HOST, settings.ANYMAIL = host, {"WEBHOOK_SECRET": secret} if secret else {}
    assert ("paper_round.W021" in {one.id for one in run_checks()}) is said


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


@pytest.mark.parametrize("signed", [True, False])
def test_over_smtp_the_return_path_says_whose_it_is(
    client: Client, ada: Subscriber, settings: Any, signed: bool
) -> None:
    settings.ANYMAIL, settings.BOUNCE_ADDRESS = BASED, "bounces@example.org"
    delivery = sent_digest(ada, MONDAY)
    source = verp.address(Kind.DIGEST, delivery.pk)
    told = {
        "notificationType": "Complaint",
        "mail": {
            "timestamp": "2025-10-14T08:00:00.000Z",
            "messageId": "one",
            "source": source if signed else source.replace("+b", "+b1"),
            "destination": [ada.email],
        },
        "complaint": {
            "complainedRecipients": [{"emailAddress": ada.email}],
            "timestamp": "2025-10-14T08:00:00.000Z",
            "feedbackId": "two",
        },
    }
    body = {"Type": "Notification", "MessageId": "three", "Message": json.dumps(told)}
    headers = {
        "authorization": BASIC,
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": "three",
    }
    path = "/anymail/amazon_ses/tracking/"
    answer = client.post(path, json.dumps(body), content_type="text/plain", headers=headers)
    assert answer.status_code == 200
    assert effects() == ({ada.email: ["complaint"]} if signed else {})


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
    number = {"subscriber": str(ada.pk)}
    postmark(client, RecordType="Bounce", ID=1, Email=ada.email, Metadata=number, **event)
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


@pytest.mark.parametrize("number", [{}, {"newsletter": "9"}, {"subscriber": "999999"}])
def test_of_what_others_sent_only_a_dead_address_counts(
    client: Client, ada: Subscriber, settings: Any, number: dict[str, str]
) -> None:
    """Another program may use the same account to write to the same people."""
    settings.ANYMAIL = BASED
    events: list[Request] = [
        {"event": "spamreport"},
        {"event": "unsubscribe"},
        {"event": "delivered", "response": "250 ok"},
        {"event": "bounce", "type": "bounce", "reason": "452 4.2.2 mailbox full"},
        {"event": "bounce", "type": "blocked", "reason": "554 5.7.1 blocked as spam"},
        {"event": "dropped", "reason": "Spam Reporting Address"},
    ]
    for event in events:
        assert sendgrid(client, {"email": ada.email, **event, **number}) == 200
    assert effects() == {}
    bounce = {"event": "bounce", "type": "bounce", "reason": "550 5.1.1 no such user"}
    assert sendgrid(client, {"email": ada.email, **bounce, **number}) == 200
    assert effects() == {ada.email: ["hard"]}


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        ("Spam Reporting Address", "complaint"),
        ("Unsubscribed Address", "left"),
        ("Bounced Address", "hard"),
        ("Spam Content", "ours"),
        ("Recipient List over Package Quota", "ours"),
    ],
)
def test_what_sendgrid_drops_is_told_by_its_lists(
    client: Client, ada: Subscriber, settings: Any, reason: str, effect: str
) -> None:
    settings.ANYMAIL = BASED
    dropped = {"event": "dropped", "reason": reason, "email": ada.email}
    assert sendgrid(client, {**dropped, "subscriber": ada.pk}) == 200
    assert effects() == {ada.email: [effect]}


@pytest.mark.parametrize(
    ("reason", "effect"),
    [("suppress-complaint", "complaint"), ("suppress-unsubscribe", "left")],
)
def test_what_mailgun_has_on_its_lists_is_told(reason: str, effect: str) -> None:
    event = AnymailTrackingEvent(
        event_type="bounced", timestamp=MONDAY, recipient="ada@example.org",
        reject_reason="other", esp_event={"event-data": {"reason": reason}},
    )  # fmt: skip
    for kind in ("bounced", "rejected"):
        event.event_type = kind
        assert webhooks.judged(event) == {"left": webhooks.LEAVES}.get(effect, effect)


def test_a_request_told_again_does_not_unsubscribe_who_came_back(
    client: Client, ada: Subscriber, settings: Any
) -> None:
    settings.ANYMAIL = BASED
    change: Request = {"RecordType": "SubscriptionChange", "SuppressionReason": "ManualSuppression"}
    change |= {"Recipient": ada.email, "Metadata": {"subscriber": str(ada.pk)}}
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
        number = (
            {"delivery": sent_digest(reader, MONDAY).pk} if n % 2 else {"subscriber": reader.pk}
        )
        told = {"event": "bounce", "type": "blocked", "email": reader.email, "reason": "spam"}
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
