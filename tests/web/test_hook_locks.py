"""What a mail service tells while digests are queued: neither waits for the other."""

import threading
from collections.abc import Callable

import pytest
from anymail.signals import AnymailTrackingEvent
from django.db import OperationalError, connection, transaction

from subscriptions.flows import webhooks
from subscriptions.models import MailEvent, Subscriber
from tests.conftest import MONDAY
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_readers_are_taken_in_the_order_in_which_digests_are_queued(
    make_reader: Callable[..., Subscriber],
) -> None:
    first, second = make_reader("ada@example.org"), make_reader("bo@example.org")
    events = [
        AnymailTrackingEvent(
            event_type="failed", timestamp=MONDAY, event_id=reader.email,
            recipient=reader.email, metadata={"subscriber": str(reader.pk)}, esp_event={},
        )
        for reader in (second, first)
    ]  # fmt: skip
    failed: list[OperationalError] = []

    def tell() -> None:
        try:
            webhooks.take("SendGrid", events, MONDAY)
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=tell)
    try:
        with transaction.atomic():
            Subscriber.objects.select_for_update().get(pk=first.pk)
            thread.start()
            wait_until(is_waited_for, "the events wait for nothing")
            Subscriber.objects.select_for_update().get(pk=second.pk)
    finally:
        thread.join()
    assert not failed and MailEvent.objects.count() == 2
