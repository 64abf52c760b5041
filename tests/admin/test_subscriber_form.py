"""What staff change of a subscriber: when and how to send, and what they follow."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from subscriptions.admin.subscribers import SubscriberAdmin
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import Interest, Subscriber, Topic, WantedPaper
from tests.conftest import MONDAY

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("Ada@example.org", at=MONDAY, phrases=("robot arms",))
    return found


def save(client: Client, reader: Subscriber, *new: dict[str, str], **fields: str) -> Any:
    """Post the form as it is, with changes, and rows of new interests."""
    stored = [{"id": str(row.pk), "weight": str(row.weight)} for row in reader.interests.all()]
    rows = stored + [{"weight": "2", **row} for row in new]
    inline = {
        f"interests-{n}-{name}": value for n, row in enumerate(rows) for name, value in row.items()
    }
    counts = {
        "interests-TOTAL_FORMS": str(len(rows)), "interests-INITIAL_FORMS": str(len(stored)),
    }  # fmt: skip
    page = reverse("admin:subscriptions_subscriber_change", args=[reader.pk])
    data = {
        "cadence": reader.cadence, "weekday": str(reader.weekday), "hour": str(reader.hour),
        "timezone": reader.timezone, "max_papers": str(reader.max_papers),
        **inline, **counts, **fields,
    }  # fmt: skip
    return client.post(page, data)


def test_a_new_schedule_set_by_staff_moves_the_slot(
    admin_client: Client, reader: Subscriber
) -> None:
    assert save(admin_client, reader, timezone="Mars").status_code == 200
    assert save(admin_client, reader, max_papers="31").status_code == 200
    changes = {"weekday": "3", "hour": "6", "max_papers": "30", "sections_off": "trending"}
    answer = save(admin_client, reader, email="eve@example.org", status="paused", **changes)
    assert answer.status_code == 302
    moved = Subscriber.objects.get()
    assert (moved.max_papers, moved.sections_off) == (30, ["trending"])
    assert (moved.email, moved.status) == (reader.email, "active"), "these are the owner's"
    assert moved.next_digest_at == dt.datetime(2025, 10, 16, 6, tzinfo=dt.UTC)


def test_saving_does_not_bring_back_a_reader_who_just_left(
    admin_client: Client, reader: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model = SubscriberAdmin.save_model

    def left_meanwhile(self: Any, request: Any, obj: Any, form: Any, change: Any) -> None:
        unsubscribe(reader.pk, MONDAY)
        save_model(self, request, obj, form, change)

    monkeypatch.setattr(SubscriberAdmin, "save_model", left_meanwhile)
    assert save(admin_client, reader, cadence="daily").status_code == 302
    now = Subscriber.objects.get()
    assert (now.status, now.next_digest_at, now.cadence) == ("unsubscribed", None, "daily")


def test_interests_are_added_weighed_and_taken_off(
    admin_client: Client, reader: Subscriber, make_paper: Make, topics: dict[str, Topic]
) -> None:
    here = make_paper("Here", doi="10.1234/here")
    answer = save(
        admin_client, reader,
        {"kind": "topic", "what": topics["hci"].name.upper()},
        {"kind": "category", "what": "CS.cl", "weight": "4"},
        {"kind": "phrase", "what": "  ads  here", "weight": "-2"},
        {"kind": "paper", "what": f"https://arxiv.org/abs/{here.arxiv_id}v2"},
        {"kind": "paper", "what": "2501.00001"},
        {"kind": "topic", "what": ""},
        **{"interests-0-DELETE": "on"},
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["errors"]
    rows = Interest.objects.order_by("pk").values_list("kind", "topic", "paper", "value", "weight")
    assert list(rows) == [
        ("topic", topics["hci"].pk, None, "", 2), ("category", None, None, "cs.CL", 4),
        ("phrase", None, None, "ads here", -2), ("paper", None, here.pk, "", 2),
        ("paper", None, None, "2501.00001", 2),
    ]  # fmt: skip
    assert WantedPaper.objects.get().arxiv_id == "2501.00001"
    assert save(admin_client, reader, **{"interests-0-weight": "1"}).status_code == 302
    assert Interest.objects.earliest("pk").weight == 1
    assert "Ada" not in str(list(LogEntry.objects.values_list("object_repr", "change_message")))


WRONG = [
    ([{"kind": "phrase", "what": "Robot ARMS"}], "“Robot ARMS” is followed already: keep one."),
    (
        [{"kind": "phrase", "what": "ads"}, {"kind": "phrase", "what": "Ads", "weight": "-2"}],
        "“Ads” is both followed and muted: keep one.",
    ),
    ([{"kind": "category", "what": "cs.XX"}], "There is no arXiv category “cs.XX”"),
    ([{"kind": "topic", "what": "Alchemy"}], "There is no topic “Alchemy” on offer."),
    ([{"kind": "paper", "what": "my paper"}], "is not an arXiv id or link"),
    ([{"kind": "author", "what": "Bo Lee", "weight": "-2"}], "Only a phrase can be muted."),
    ([{"kind": "phrase", "what": "…"}], "has no word in it"),
    ([{"kind": "phrase", "what": "x" * 121}], "at most 120 characters"),
    ([{"kind": "phrase", "what": f"w{n}"} for n in range(30)], "At most 30 of a kind"),
]


def test_interests_are_checked_as_on_the_readers_form(
    admin_client: Client, reader: Subscriber
) -> None:
    for rows, told in WRONG:
        answer = save(admin_client, reader, *rows)
        assert answer.status_code == 200
        assert told in answer.content.decode(), told
    assert [row.value for row in Interest.objects.all()] == ["robot arms"]


def test_an_interest_the_reader_took_off_meanwhile_stays_off(
    admin_client: Client, reader: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model = SubscriberAdmin.save_model

    def taken_off_meanwhile(self: Any, *args: Any) -> None:
        Interest.objects.all().delete()
        save_model(self, *args)

    monkeypatch.setattr(SubscriberAdmin, "save_model", taken_off_meanwhile)
    assert save(admin_client, reader, **{"interests-0-weight": "4"}).status_code == 302
    assert not Interest.objects.exists()
