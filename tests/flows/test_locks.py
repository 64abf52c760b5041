"""Who erases a reader holds no lock on them while waiting for what somebody else has locked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from subscriptions.flows.erase import erase
from subscriptions.models import Edition, Paper, SignInRequest, SignupRequest, Subscriber, Upvote
from tests.conftest import MONDAY
from tests.services import wait_until

Make = Callable[..., Any]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reader(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("x",))
    return found


@contextmanager
def before_an_erasure(reader: Subscriber) -> Iterator[Callable[[], None]]:
    """A transaction in which one can have the reader erased, up to where that waits for it."""
    failed: list[OperationalError] = []

    def run() -> None:
        try:
            erase(reader.pk, MONDAY)
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)

    def start() -> None:
        thread.start()
        wait_until(is_waited_for, "the erasure waits for nothing")

    try:
        with transaction.atomic():
            yield start
    finally:
        thread.join()
    assert not failed
    assert not Subscriber.objects.exists()


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone() is not None


def test_while_a_form_is_answered(reader: Subscriber) -> None:
    form = SignupRequest.objects.create(email=reader.email, choices={}, asked_at=MONDAY)
    with before_an_erasure(reader) as have_them_erased:
        SignupRequest.objects.select_for_update().get(pk=form.pk)
        have_them_erased()
        assert Subscriber.objects.select_for_update().with_email(reader.email).first()


def test_while_a_link_is_asked_for(reader: Subscriber) -> None:
    request = SignInRequest.objects.create(email=reader.email, asked_at=MONDAY)
    with before_an_erasure(reader) as have_them_erased:
        SignInRequest.objects.filter(pk=request.pk).delete()
        have_them_erased()
        assert Subscriber.objects.select_for_update().with_email(reader.email).first()


def test_while_a_vote_is_taken_back(reader: Subscriber, make_paper: Make) -> None:
    paper = make_paper("Cups")
    Edition.objects.roll(MONDAY)
    Upvote.objects.create(subscriber=reader, paper=paper, given_at=MONDAY)
    with before_an_erasure(reader) as have_them_erased:
        Paper.objects.select_for_update().get(pk=paper.pk)
        have_them_erased()
        Upvote.objects.filter(subscriber=reader, paper=paper).delete()
