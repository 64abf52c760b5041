"""Finding a subscriber, what their page tells, and what staff change and decide there."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.admin import decisions
from subscriptions.digests.tick import send_due
from subscriptions.flows.erase import erase
from subscriptions.flows.preferences import unsubscribe
from subscriptions.flows.staff_choices import suppress
from subscriptions.flows.subscribe import sign_up
from subscriptions.models import (
    Delivery,
    Edition,
    Feedback,
    Interest,
    MailEvent,
    Paper,
    SignIn,
    Subscriber,
    Suppression,
    Topic,
)
from tests.conftest import choices
from tests.flows.coming_back import DAY, came_back, digest

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
FRIDAY = dt.date(2025, 10, 10)
LIST = reverse("admin:subscriptions_subscriber_changelist")
DECIDE = reverse("admin:subscriptions_subscriber_decide")
SUPPRESS = reverse("admin:subscriptions_suppression_add")
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("Ada@example.org", at=MONDAY, phrases=("robot arms",))
    return found


@pytest.fixture
def viewer(client: Client, db: None) -> Client:
    """Somebody of the staff who may look, and change nothing."""
    return staff(client, "view_subscriber")


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("bo", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def page_of(reader: Subscriber) -> str:
    return reverse("admin:subscriptions_subscriber_change", args=[reader.pk])


def look(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def found(client: Client, **query: str) -> list[str]:
    return [one.email for one in client.get(LIST, query).context["cl"].result_list]


def decide(client: Client, action: str, *readers: Subscriber, **fields: str) -> str:
    pks = ",".join(str(reader.pk) for reader in readers)
    answer = client.post(DECIDE, {"action": action, "pks": pks, **fields}, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context.get("messages", ()))


def test_search_takes_what_a_person_wrote(
    admin_client: Client, make_reader: Make, reader: Subscriber
) -> None:
    make_reader("ada.b@example.org")
    numeric = make_reader(f"{reader.pk}@example.org").email
    for typed, expected in (
        ("ada@EXAMPLE.org", ["Ada@example.org"]),
        (" Ada Ito <mailto:ada@example.org> ", ["Ada@example.org"]),
        ("ada", ["ada.b@example.org", "Ada@example.org"]),
        (str(reader.pk), [numeric, "Ada@example.org"]),
        ("example.org", []),
        ("a%", []),
        ("9" * 30, []),
    ):
        assert found(admin_client, q=typed) == expected, typed


@pytest.mark.postgresql
@pytest.mark.django_db
def test_search_and_filters_use_their_indexes() -> None:
    """Also for an address with a character that LIKE knows."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # Unordered: of a table as small as this one, any index serves to sort.
        plan = Subscriber.objects.found_by("a_da@").order_by().explain()
        assert "subscriber_email_begins" in plan and "~>=~" in plan
        plan = Subscriber.objects.found_by("17").explain()
        assert "subscriber_email_begins" in plan and "subscriptions_subscriber_pkey" in plan
        plan = Subscriber.objects.filter(status="bounced", cadence="daily")[:10_001].explain()
        assert "subscriber_by_status" in plan and "daily" in plan.split("Cond:")[1]


def test_the_list(admin_client: Client, make_paper: Make, reader: Subscriber) -> None:
    make_paper("Robot arms", day=FRIDAY)
    Edition.objects.roll(MONDAY)
    Interest.objects.create(subscriber=reader, kind="phrase", value="ads", weight=-2)
    (row,) = admin_client.get(LIST).context["cl"].result_list
    assert (row.followed, row.last_status) == (1, None)
    Subscriber.objects.update(next_digest_at=MONDAY)
    send_due(MONDAY, lambda: MONDAY)
    html = look(admin_client, f"{LIST}?status__exact=active&cadence__exact=weekly")
    assert ">Sent</td>" in html and ">1</td>" in html
    assert found(admin_client, cadence__exact="daily") == []


def test_queries_do_not_grow(
    admin_client: Client, make_reader: Make, make_paper: Make, topics: dict[str, Topic]
) -> None:
    reader = make_reader("first@example.org", topics=(topics["hci"].pk,))

    def fill(first: int, count: int) -> None:
        """More readers, and more of all that one has."""
        for n in range(first, first + count):
            make_reader(f"r{n}@example.org", phrases=(f"a{n}", f"b{n}"))
            paper, day = make_paper(f"Paper {n}"), FRIDAY - dt.timedelta(days=n)
            example = Interest.objects.create(subscriber=reader, kind="paper", paper=paper)
            Interest.objects.create(
                subscriber=reader, kind="topic", topic=list(topics.values())[n + 1]
            )
            Feedback.objects.create(
                subscriber=reader, paper=paper, verdict="more", interest=example, given_at=MONDAY
            )
            SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
            Delivery.objects.create(
                subscriber=reader, first_day=day, newest_day=day, created_at=MONDAY,
                items=[{"paper": paper.pk, "section": "matches", "reason": "a reason"}],
            )  # fmt: skip
            came_back(reader, "soft", MONDAY, digest(reader, MONDAY - (30 + n) * DAY))

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            look(admin_client, path)
        return len(captured)

    def counts() -> list[int]:
        first = Paper.objects.earliest("pk")
        why = reverse("admin:subscriptions_subscriber_why", args=[reader.pk])
        return [queries(LIST), queries(page_of(reader)), queries(f"{why}?paper={first.pk}")]

    fill(0, 2)
    counts()
    few = counts()
    fill(2, 12)
    assert counts() == few
    assert few[0] <= 9 and few[1] <= 20 and few[2] <= 35


def test_the_page_of_one_tells_all(
    admin_client: Client, make_paper: Make, reader: Subscriber
) -> None:
    paper = make_paper("Robot <arms>", day=FRIDAY)
    Edition.objects.roll(MONDAY)
    Subscriber.objects.update(
        timezone="Asia/Tokyo", consent_source="Workshop list, 2024", next_digest_at=MONDAY
    )
    send_due(MONDAY, lambda: MONDAY)
    delivery = Delivery.objects.get()
    Feedback.objects.create(
        subscriber=reader, paper=paper, verdict="less", given_at=MONDAY,
        interest=reader.interests.get(),
    )  # fmt: skip
    SignIn.objects.create(subscriber=reader, asked_at=MONDAY)
    Suppression.objects.create(
        email_hash=Suppression.hash(reader.email), reason="complaint", created_at=MONDAY
    )
    html = look(admin_client, page_of(reader))
    for told in (
        "wording 2026-11", "Workshop list, 2024", "complaint, since Oct. 13, 2025, 9 a.m. UTC",
        "Monday, 20 October 2025, 08:00", "Monday, 27 October 2025, 08:00", "1 paper",
        "Robot &lt;arms&gt;", "Your phrase “robot arms”", "less like this", "Ada@example.org",
        f"/admin/subscriptions/delivery/{delivery.pk}/change/",
        f"paper={paper.pk}&amp;delivery={delivery.pk}",
    ):  # fmt: skip
        assert told in html, told
    page = reverse("admin:subscriptions_delivery_change", args=[delivery.pk])
    assert "Your phrase “robot arms”" in look(admin_client, page)
    assert admin_client.post(page, {}).status_code == 403
    Delivery.objects.filter(pk=delivery.pk).update(status="failed", sent_at=None, last_reply="550")
    assert "550" in look(admin_client, page_of(reader))


def test_the_page_of_one_tells_what_came_back(admin_client: Client, reader: Subscriber) -> None:
    long_ago = MONDAY - 40 * DAY
    Subscriber.objects.update(confirmed_at=long_ago, consent_asked_at=long_ago)
    said = "<script>alert(1)</script> Ada@example.org " + "x" * 600
    for n in (20, 6):
        sent = digest(reader, MONDAY - n * DAY)
        event = MailEvent.about(
            reader, "soft", MailEvent.Way.WEBHOOK, key=str(n), now=sent.created_at,
            delivery=sent.pk, status="4.2.2", reason=said,
        )  # fmt: skip
        MailEvent.objects.note([event])
    html = look(admin_client, page_of(reader))
    for told in (
        "2 of 4 digests", "cannot be mailed now", "the mail service told", "4.2.2",
        "&lt;script&gt;alert(1)&lt;/script&gt; A…@e….org xxx", "Sept. 23, 2025, 9 a.m.",
    ):  # fmt: skip
        assert told in html, told
    assert "<script>alert" not in html and "x" * 500 not in html
    came_back(reader, "delivered", MONDAY)
    assert "0 of 4 digests" in look(admin_client, page_of(reader))
    suppress(reader.email, "bounce", MONDAY)
    pk = Suppression.objects.get().pk
    erased = reverse("admin:subscriptions_suppression_delete", args=[pk])
    assert admin_client.post(erased, {"post": "yes"}).status_code == 302
    assert "none: the address may be mailed" in look(admin_client, page_of(reader))


def test_history_is_paged(admin_client: Client, reader: Subscriber) -> None:
    days = [FRIDAY - dt.timedelta(days=n) for n in range(12)]
    for day in days:
        Delivery.objects.create(subscriber=reader, first_day=day, newest_day=day, created_at=MONDAY)
    html = look(admin_client, page_of(reader))
    assert "Oct. 10, 2025" in html and "Sept. 30, 2025" not in html
    html = look(admin_client, f"{page_of(reader)}?deliveries=2")
    assert "Sept. 30, 2025" in html and "Page 2 of 2" in html


def test_a_look_changes_nothing(viewer: Client, reader: Subscriber) -> None:
    html = look(viewer, page_of(reader))
    assert "robot arms" in html and "Unsubscribe" not in html and "Pause" not in html
    assert viewer.get(DECIDE).status_code == 405
    for action in decisions.DECISIONS:
        data = {"action": action, "pks": str(reader.pk), "post": "yes", "until": "2025-11-01"}
        assert viewer.post(DECIDE, data).status_code == 403
    assert viewer.post(DECIDE, {"action": "promote"}).status_code == 404
    assert Subscriber.objects.get().status == "active"


def test_addresses_are_for_who_may_view_subscribers(client: Client, reader: Subscriber) -> None:
    other = staff(client, "add_suppression", "delete_subscriber", "view_delivery")
    why = reverse("admin:subscriptions_subscriber_why", args=[reader.pk])
    for path in (LIST, page_of(reader), why):
        assert other.get(path).status_code == 403
    data = {"action": "suppress", "pks": str(reader.pk)}
    assert other.post(DECIDE, data).status_code == 403


def test_pause_and_end_it(admin_client: Client, reader: Subscriber) -> None:
    assert "Until" in look(admin_client, page_of(reader))
    assert decide(admin_client, "pause", reader, until="2025-11-01", post="yes") == (
        "Paused until 2025-11-01."
    )
    html = look(admin_client, page_of(reader))
    assert "until Nov. 1, 2025" in html and "End the pause" in html
    assert decide(admin_client, "end_pause", reader) == "Pause ended."
    assert decide(admin_client, "end_pause", reader) == (
        "Nothing was done. They are not paused (active)."
    )
    assert decide(admin_client, "pause", reader, until="2025-10-13", post="yes") == (
        "Nothing was done. A pause ends on a day after today, within the next year."
    )
    noted = LogEntry.objects.order_by("pk").values_list("change_message", "object_repr")
    assert list(noted) == [
        ("Paused until 2025-11-01.", "A…@e….org"), ("Pause ended.", "A…@e….org"),
    ]  # fmt: skip


def test_what_hurts_is_asked_first(admin_client: Client, reader: Subscriber) -> None:
    for action in ("unsubscribe", "suppress", "erase", "pause"):
        answer = admin_client.post(DECIDE, {"action": action, "pks": str(reader.pk)})
        assert decisions.DECISIONS[action].asks in answer.content.decode()
    assert Subscriber.objects.get().status == "active"
    assert not Suppression.objects.exists() and not LogEntry.objects.exists()


def test_suppress(admin_client: Client, reader: Subscriber) -> None:
    assert decide(admin_client, "suppress", reader, post="yes") == "Suppressed."
    assert Subscriber.objects.get().status == "unsubscribed"
    assert Suppression.objects.get().reason == "operator"
    assert "<b>Suppressed</b>: operator" in look(admin_client, page_of(reader))


def test_erase(admin_client: Client, reader: Subscriber) -> None:
    asked = look(admin_client, f"/admin/subscriptions/subscriber/{reader.pk}/delete/")
    assert "cannot be brought back" in asked
    assert decide(admin_client, "erase", reader, post="yes") == "Erased."
    assert not Subscriber.objects.exists()
    entry = LogEntry.objects.get()
    assert (entry.is_deletion(), entry.object_repr) == (True, "erased")


def test_resend_the_confirmation(
    admin_client: Client, django_capture_on_commit_callbacks: Any, db: None
) -> None:
    pending = sign_up("ada@example.org", choices(phrases=("robots",)), MONDAY)
    assert "Resend the confirmation" in look(admin_client, page_of(pending))
    with django_capture_on_commit_callbacks(execute=True):
        assert decide(admin_client, "resend", pending) == "Confirmation asked for again."
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]
    assert "mailed within a day" in decide(admin_client, "resend", pending)


def test_many_at_once(
    admin_client: Client, make_reader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = [make_reader(f"r{n}@example.org") for n in range(3)]
    unsubscribe(readers[0].pk, MONDAY)
    data = {"action": "pause", "_selected_action": [reader.pk for reader in readers]}
    asked = admin_client.post(f"{LIST}?cadence__exact=weekly", data)
    assert asked.context["pks"] == ",".join(str(reader.pk) for reader in readers)
    assert "Choose the first day" not in asked.content.decode()
    again = admin_client.post(DECIDE, {"action": "pause", "pks": asked.context["pks"], "until": ""})
    assert "Choose the first day" in again.content.decode()
    answer = admin_client.post(
        f"{DECIDE}?cadence__exact=weekly",
        {"action": "pause", "pks": asked.context["pks"], "until": "2025-11-01", "post": "yes"},
        follow=True,
    )
    assert [str(message) for message in answer.context["messages"]] == [
        "2: Paused until 2025-11-01.",
        "1: Nothing was done. They do not subscribe (unsubscribed).",
    ]
    assert answer.redirect_chain == [(f"{LIST}?cadence__exact=weekly", 302)]
    monkeypatch.setattr(decisions, "AT_ONCE", 2)
    data = {"action": "erase", "_selected_action": [readers[0].pk], "select_across": "1"}
    told = admin_client.post(LIST, data, follow=True).context["messages"]
    assert "At most 2 at once" in " ".join(map(str, told))
    assert "At most 2 at once" in decide(admin_client, "erase", *readers, post="yes")
    assert Subscriber.objects.count() == 3


def test_an_erased_address_can_be_suppressed(admin_client: Client, reader: Subscriber) -> None:
    erase(reader.pk, MONDAY)
    data = {"email": "ada@example.org", "reason": "erased"}
    assert "Select a valid choice" in admin_client.post(SUPPRESS, data).content.decode()
    assert admin_client.post(SUPPRESS, data | {"reason": "operator"}).status_code == 302
    assert Suppression.objects.get().reason == "operator"


def test_an_address_is_suppressed_and_its_reader_unsubscribed(
    admin_client: Client, reader: Subscriber
) -> None:
    data = {"email": "Ada <ada@example.org>", "reason": "operator"}
    assert admin_client.post(SUPPRESS, data).status_code == 302
    assert Suppression.objects.has("ada@example.org")
    assert Subscriber.objects.get().status == "unsubscribed"
    told = [str(entry) for entry in LogEntry.objects.all()]
    assert len(told) == 2 and not any("ada@" in one.lower() for one in told)
    assert "suppressed already" in admin_client.post(SUPPRESS, data).content.decode()
    suppressions = reverse("admin:subscriptions_suppression_changelist")
    for typed, count in (("ADA@example.org", 1), ("bo@example.org", 0)):
        rows = admin_client.get(suppressions, {"q": typed}).context["cl"].result_list
        assert len(rows) == count
