"""The list of what came back: found by whose it is, how it came, when and from where."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from subscriptions.flows.bounces import apply_waiting
from subscriptions.models import MailEvent
from tests.conftest import MONDAY
from tests.flows.coming_back import DAY, came_back, digest

LIST = reverse("admin:subscriptions_mailevent_changelist")
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def events(make_reader: Make) -> Iterator[dict[str, MailEvent]]:
    """By a name: of two readers, three domains and two days."""
    with time_machine.travel(MONDAY, tick=False):
        ada = make_reader("ada@example.org", at=MONDAY - 9 * DAY)
        bob = make_reader("bob@example.net", at=MONDAY - 9 * DAY)
        cy = make_reader("cy@example.com", at=MONDAY - 9 * DAY)
        found = {
            "hard": came_back(ada, "hard", MONDAY - DAY, digest(ada, MONDAY - DAY)),
            "soft": came_back(bob, "soft", MONDAY, digest(bob, MONDAY), MailEvent.Way.SMTP),
            "told": MailEvent.about(cy, "delivered", MailEvent.Way.WEBHOOK, key="told", now=MONDAY),
        }
        found["told"].save()
        apply_waiting(MONDAY)
        yield found


def listed(client: Client, **query: str) -> set[str]:
    page: Any = client.get(LIST, query)
    assert page.status_code == 200
    return {event.kind for event in page.context["cl"].result_list}


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ({}, {"hard", "soft", "delivered"}),
        ({"kind__exact": "hard"}, {"hard"}),
        ({"way__exact": "smtp"}, {"soft"}),
        ({"day": "2025-10-12"}, {"hard"}),
        ({"day": "2025-10-13"}, {"soft", "delivered"}),
        ({"day": "1 OR 1"}, {"hard", "soft", "delivered"}),
        ({"domain": "example.net"}, {"soft"}),
        ({"domain": "Example.com"}, {"delivered"}),
        ({"q": "Ada <ADA@example.org>"}, {"hard"}),
        ({"q": "example"}, set()),
    ],
)
def test_what_is_found(admin_client: Client, query: dict[str, str], kinds: set[str]) -> None:
    assert listed(admin_client, **query) == kinds


def test_domains_that_gave_most_back_are_offered(admin_client: Client) -> None:
    html = admin_client.get(LIST, {"domain": "elsewhere.example"}).text
    assert "?domain=example.org" in html and "?domain=example.net" in html
    assert "?domain=elsewhere.example" in html, "the one that was asked for"
    assert "?domain=example.com" not in html, "nothing came back from there"


def test_one_is_read_and_changed_by_nobody(
    admin_client: Client, events: dict[str, MailEvent]
) -> None:
    MailEvent.objects.update(reason="<b>550</b>")
    page = reverse("admin:subscriptions_mailevent_change", args=[events["hard"].pk])
    html = admin_client.get(page).text
    for told in ("ada@example.org", "&lt;b&gt;550", "5.1.1", "Oct. 12, 2025", "example.org"):
        assert told in html, told
    assert admin_client.post(page, {}).status_code == 403
    assert "&lt;b&gt;550" in admin_client.get(LIST).text
