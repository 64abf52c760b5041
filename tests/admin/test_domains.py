"""How mail to each domain fares, and the pauses of domains, in the admin."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from digest_service.limits import WarmUp
from subscriptions.models import Allowance, Delivery, DomainDay, DomainPause

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TODAY, DAY = NOW.date(), dt.timedelta(days=1)
FIGURES = reverse("admin:subscriptions_domainday_changelist")
PAUSES = reverse("admin:subscriptions_domainpause_changelist")
ADD = reverse("admin:subscriptions_domainpause_add")


@pytest.fixture(autouse=True)
def frozen(db: None) -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def look(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def listed(client: Client, query: str = "") -> list[str]:
    page: Any = client.get(FIGURES + query)
    return [row.domain for row in page.context["cl"].result_list]


def pause(domain: str = "gmail.com", **fields: object) -> DomainPause:
    return DomainPause.objects.create(
        **{"domain": domain, "reason": "a <b>bad</b> day", "since": NOW, **fields}
    )


def test_figures_are_of_a_week_and_can_be_of_more(admin_client: Client) -> None:
    for days in (0, 1, 2, 6, 7, 29, 30):
        DomainDay.objects.add(TODAY - days * DAY, {f"d{days}.example": {"sent": 10}})
    assert listed(admin_client) == ["d0.example", "d1.example", "d2.example", "d6.example"]
    assert listed(admin_client, "?days=1") == ["d0.example"]
    assert len(listed(admin_client, "?days=30")) == 6
    assert len(listed(admin_client, "?days=all")) == 7
    assert len(listed(admin_client, "?days=nonsense")) == 4
    assert listed(admin_client, "?q=d1.ex") == ["d1.example"]


def test_shares_are_told_and_sorted_by(admin_client: Client) -> None:
    DomainDay.objects.add(TODAY, {
        "a.example": {"sent": 1000, "complaint": 4, "hard": 10},
        "b.example": {"sent": 10, "complaint": 3},
        "c.example": {"hard": 7, "soft": 1},
        "d.example": {"sent": 9000},
    })  # fmt: skip
    page = look(admin_client, FIGURES)
    for share in ("0.40%", "1.00%", "30.00%"):
        assert f">{share}</td>" in page
    assert page.count(">–</td>") == 3 and "100.00%" not in page, "nothing was sent to c.example"
    assert "<h1>Mail by domain and day (UTC)</h1>" in page
    assert listed(admin_client) == ["d.example", "a.example", "b.example", "c.example"]
    assert listed(admin_client, "?o=-9.2")[:2] == ["b.example", "a.example"]
    assert listed(admin_client, "?o=-7.2")[:2] == ["c.example", "a.example"]
    assert listed(admin_client, "?o=2.1")[0] == "c.example"


def test_what_pauses_is_above_the_list_with_a_button_that_ends_it(
    admin_client: Client, make_reader: Any
) -> None:
    row, ended = pause(), pause("old.example", ended_at=NOW)
    pause("", ended_at=NOW, cause="server")
    waiting = Delivery.objects.create(
        subscriber=make_reader(at=NOW), first_day=TODAY, newest_day=TODAY, created_at=NOW,
        status="deferred", retry_at=NOW + DAY, last_reply="sending to gmail.com is paused",
    )  # fmt: skip
    for path in (PAUSES, reverse("admin:subscriptions_delivery_changelist")):
        page = look(admin_client, path)
        assert "<b>Nothing is sent to gmail.com</b>" in page and "a &lt;b&gt;bad" in page
        assert "Nothing is sent to old.example" not in page
    end = reverse("admin:subscriptions_domainpause_end", args=[row.pk])
    assert admin_client.get(end).status_code == 405
    page = admin_client.post(end, follow=True).content.decode()
    assert "Sending to gmail.com goes on with the next tick." in page
    row.refresh_from_db()
    waiting.refresh_from_db()
    assert (row.ended_at, waiting.retry_at) == (NOW, NOW)
    assert LogEntry.objects.get().change_message == "Ended."
    over = reverse("admin:subscriptions_domainpause_end", args=[ended.pk])
    assert "goes on" not in admin_client.post(over, follow=True).content.decode()
    assert admin_client.post(f"{PAUSES}999/end/").status_code == 404


def test_a_pause_by_hand(admin_client: Client) -> None:
    data = {"domain": " @Bücher.example", "reason": "They asked."}
    answer = admin_client.post(ADD, data, follow=True)
    row = DomainPause.objects.get()
    assert "was added successfully" in answer.content.decode()
    assert (row.domain, row.cause, row.reason) == ("xn--bcher-kva.example", "hand", "They asked.")
    assert (row.since, row.ended_at, row.told_at) == (NOW, None, NOW)
    assert LogEntry.objects.get().object_id == str(row.pk)
    look(admin_client, reverse("admin:subscriptions_domainpause_change", args=[row.pk]))
    for domain, wrong in {
        "bücher.example": "paused already", "": "required", "gmail": "valid domain name",
        "a b.example": "valid domain name", f"{'a' * 300}.example": "at most 253",
    }.items():  # fmt: skip
        page = admin_client.post(ADD, {**data, "domain": domain}).content.decode()
        assert wrong in page, domain
    assert DomainPause.objects.count() == 1


def test_who_may_look_may_end_nothing(client: Client) -> None:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_domainpause"))
    client.force_login(user)
    row = pause()
    page = look(client, PAUSES)
    assert "Nothing is sent to gmail.com" in page and "Send to it again" not in page
    end = reverse("admin:subscriptions_domainpause_end", args=[row.pk])
    assert client.post(end).status_code == 403
    assert DomainPause.objects.active().exists()


def test_the_desk_says_what_pauses_and_what_the_limits_have_left(
    admin_client: Client, settings: Any
) -> None:
    settings.DOMAIN_LIMITS = {"gmail.com": 20_000}
    settings.WARM_UP = WarmUp(TODAY, 30_000, 1.5)
    Allowance.objects.create(day=TODAY, domain="gmail.com", used=12_345, waiting=6)
    pause()
    page = look(admin_client, reverse("admin:index"))
    assert f'<a href="{PAUSES}">Nothing is sent to gmail.com: a &lt;b&gt;bad' in page
    assert "gmail.com: 12,345 of 20,000 today, 6 put off" in page
    assert "warm-up, all domains: 0 of 30,000 today" in page
    assert "gmail.com: 12,345 of" in look(
        admin_client, reverse("admin:subscriptions_delivery_changelist")
    )


def test_queries_do_not_grow(admin_client: Client) -> None:
    def queries() -> list[int]:
        found = []
        for path in (FIGURES, PAUSES):
            with CaptureQueriesContext(connection) as captured:
                look(admin_client, path)
            found.append(len(captured))
        return found

    queries()
    few = queries()
    DomainDay.objects.add(TODAY, {f"d{n}.example": {"sent": n} for n in range(60)})
    for n in range(20):
        pause(f"d{n}.example", ended_at=NOW if n % 2 else None)
    many = queries()
    assert all(now <= before + 1 for now, before in zip(many, few, strict=True)) and max(many) < 10
