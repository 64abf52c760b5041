"""The admin's look at what is going out, and what staff can decide about it."""

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.admin import paging
from subscriptions.models import Delivery, SendingPause

DAY = dt.date(2025, 10, 12)
NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
LIST = reverse("admin:subscriptions_delivery_changelist")
PAUSE = reverse("admin:subscriptions_delivery_pause")
Make = Callable[..., Any]
Deliver = Callable[..., Delivery]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def deliver(make_reader: Make) -> Deliver:
    """A delivery of a reader of its own."""
    numbers = count()

    def make(status: str, day: dt.date = DAY, **fields: object) -> Delivery:
        if status == "sent":
            fields.setdefault("sent_at", NOW)
        return Delivery.objects.create(
            subscriber=make_reader(f"r{next(numbers)}@example.org", at=NOW),
            first_day=day, newest_day=day, status=status, created_at=NOW, **fields,
        )  # fmt: skip

    return make


@pytest.fixture
def viewer(client: Client) -> Client:
    """Somebody of the staff who may look, and decide nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client.force_login(user)
    return client


def look(client: Client, query: str = "") -> str:
    answer = client.get(LIST + query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def act(client: Client, action: str, *rows: Delivery, **fields: str) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    answer = client.post(LIST, data, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def statuses(*rows: Delivery) -> list[str]:
    return [Delivery.objects.get(pk=row.pk).status for row in rows]


def shown(page: str) -> int:
    return page.count('name="_selected_action"')


def test_the_progress_is_above_the_list(admin_client: Client, deliver: Deliver) -> None:
    assert "Nothing was queued yet" in look(admin_client)
    for status in ("sent", "sent", "sent", "failed", "queued"):
        deliver(status)
    deliver("in_doubt", DAY - dt.timedelta(days=1))
    page = look(admin_client)
    assert "Edition of Oct. 12, 2025" in page and 'aria-valuenow="80"' in page
    assert "3 a minute, about 20 s left" in page
    assert page.index("3 sent") < page.index("1 failed") < page.index("1 queued")
    assert "Of older editions" in page and "1 in doubt" in page
    assert "deliveries settle --log" in page


def test_a_count_leads_to_its_rows(admin_client: Client, deliver: Deliver) -> None:
    deliver("failed")
    for days in (1, 2, 30):
        deliver("failed", DAY - dt.timedelta(days=days))
        deliver("in_doubt", DAY - dt.timedelta(days=days))
    context = admin_client.get(LIST).context
    failed, in_doubt = context["newest"][0], context["older"][0]
    assert (failed["text"], in_doubt["text"]) == ("1 failed", "3 in doubt")
    assert shown(look(admin_client, f"?{failed['query']}")) == 1
    assert shown(look(admin_client, f"?{in_doubt['query']}")) == 3
    assert shown(look(admin_client, "?status__exact=failed")) == 4
    assert shown(look(admin_client, "?day=2025-10-10")) == 2
    assert shown(look(admin_client, "?day=nonsense")) == 7


def test_in_doubt_needs_nobody_where_it_is_resent(
    admin_client: Client, deliver: Deliver, settings: Any
) -> None:
    settings.IN_DOUBT_POLICY = "resend"
    deliver("in_doubt")
    assert "deliveries settle --log" not in look(admin_client)


def test_a_reader_is_found_by_the_whole_address(admin_client: Client, deliver: Deliver) -> None:
    deliver("sent"), deliver("sent")
    assert shown(look(admin_client, "?q=R1@example.org")) == 1
    assert shown(look(admin_client, "?q=example.org")) == 0


def test_pause_and_resume(admin_client: Client, deliver: Deliver) -> None:
    deliver("queued")
    page = admin_client.post(PAUSE, {"reason": "a <b>bad</b> edition"}, follow=True)
    assert SendingPause.objects.get().reason == "a <b>bad</b> edition"
    html = page.content.decode()
    assert "since Oct. 13, 2025, 9 a.m. UTC: a &lt;b&gt;bad" in html and "Resume sending" in html
    admin_client.post(PAUSE, {"reason": "another"})
    assert SendingPause.objects.get().reason.startswith("a <b>")
    page = admin_client.post(PAUSE, {"resume": "Resume sending"}, follow=True)
    assert not SendingPause.objects.exists()
    assert "Pause sending" in page.content.decode()
    admin_client.post(PAUSE, {"resume": "Resume sending"})
    told = LogEntry.objects.order_by("pk").values_list("user__username", "change_message")
    assert [(who, what.split(".")[0]) for who, what in told] == [
        ("admin", "Sending is paused"),
        ("admin", "Sending goes on with the next tick"),
    ]
    admin_client.post(PAUSE)
    assert SendingPause.objects.get().reason == "paused by admin"


def test_a_look_changes_nothing(admin_client: Client, viewer: Client, deliver: Deliver) -> None:
    failed = deliver("failed")
    assert admin_client.get(PAUSE).status_code == 405
    page = look(viewer)
    assert "1 failed" in page and "Pause sending" not in page and shown(page) == 0
    assert viewer.post(PAUSE).status_code == 403
    act(viewer, "retry_failed", failed)
    assert statuses(failed) == ["failed"]
    assert not SendingPause.objects.exists()
    assert Client().post(PAUSE).status_code == 302


def test_a_pause_needs_a_token_of_the_page(admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(PAUSE).status_code == 403
    assert not SendingPause.objects.exists()


@pytest.mark.parametrize(
    ("action", "before", "after", "said"),
    [
        ("retry_failed", "failed", "queued", "1 queued again. 3 left alone: not failed."),
        ("resend_doubtful", "in_doubt", "queued", "1 queued again. 3 left alone: not in doubt."),
        ("mark_sent", "in_doubt", "sent", "1 marked as sent. 3 left alone: not in doubt."),
    ],
)
def test_an_action_takes_only_the_rows_it_is_for(
    admin_client: Client, deliver: Deliver, action: str, before: str, after: str, said: str
) -> None:
    rows = [deliver(status) for status in ("failed", "in_doubt", "sent", "skipped")]
    expected = [after if row.status == before else row.status for row in rows]
    assert act(admin_client, action, *rows) == said
    assert statuses(*rows) == expected
    entry = LogEntry.objects.get()
    assert entry.object_id == str(next(row.pk for row in rows if row.status == before))
    assert "example.org" not in entry.object_repr, "addresses are masked"


def test_all_of_a_filter_at_once(admin_client: Client, deliver: Deliver) -> None:
    rows = [deliver("failed") for _ in range(3)]
    data = {"action": "retry_failed", "_selected_action": [rows[0].pk], "select_across": "1"}
    admin_client.post(f"{LIST}?status__exact=failed", data)
    assert statuses(*rows) == ["queued"] * 3


def test_no_more_are_counted_than_can_be_paged_through(
    admin_client: Client, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST", 3)
    for _ in range(3):
        deliver("sent")
    assert "\n3 deliveries" in look(admin_client)
    deliver("sent")
    with CaptureQueriesContext(connection) as captured:
        assert admin_client.get(LIST).context["cl"].result_count == 3
    assert any("COUNT(*)" in sent["sql"] and "LIMIT 4" in sent["sql"] for sent in captured)
    assert "\n3+ deliveries" in look(admin_client)


def test_queries_do_not_grow(admin_client: Client, deliver: Deliver) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            look(admin_client)
        return len(captured)

    deliver("in_doubt")
    call_command("deliveries", "pause", "--reason=x")
    queries()
    few = queries()
    for status in ("sent", "failed", "queued", "in_doubt") * 3:
        deliver(status, DAY - dt.timedelta(days=len(status)))
    assert queries() == few <= 10
