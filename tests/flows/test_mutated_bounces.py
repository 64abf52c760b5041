"""Damaged bounces, taken as a mail server hands them over: nobody is lost by one not signed."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subscriptions.flows.inbound import Taken, take
from subscriptions.models import MailEvent, Subscriber, Suppression
from tests.conftest import MONDAY
from tests.delivery.bounces.mutations import mutations
from tests.returned import of_digest, sent_digest

FORGED = "bounces+b1-aaaaaaaaaaaaaaaa@example.org"
LATER = MONDAY + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _an_address(settings: Any, time_machine: Any) -> None:
    settings.BOUNCE_ADDRESS = "bounces@example.org"
    time_machine.move_to(LATER, tick=False)


def test_without_a_signed_address_nothing_happens(real_data: Path, ada: Subscriber) -> None:
    sent_digest(ada, MONDAY)
    for message in mutations(real_data / "bounces"):
        assert take(message, FORGED, LATER) is Taken.NOT_OURS
        assert take(message, None, LATER) is Taken.NOT_OURS
    assert not Suppression.objects.exists()
    assert not MailEvent.objects.exists()


def test_with_one_only_its_reader_is_concerned(
    real_data: Path, ada: Subscriber, make_reader: Callable[..., Subscriber]
) -> None:
    bo = make_reader("bo@example.org")
    address = of_digest(sent_digest(ada, MONDAY))
    for message in mutations(real_data / "bounces"):
        take(message, address, LATER)
    assert set(MailEvent.objects.values_list("subscriber", flat=True)) <= {ada.pk}
    assert set(Suppression.objects.reasons([ada.email, bo.email])) <= {ada.email}
    assert Suppression.objects.count() <= 1
    bo.refresh_from_db()
    assert bo.status == "active"
