"""Who changes papers while an import runs waits for it, and it never waits for them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from subscriptions.digests.outlook import look_ahead
from subscriptions.flows import curating
from subscriptions.models import Edition, Paper, Pick
from tests.conftest import MONDAY
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until

TODAY = MONDAY.date()
Make = Callable[..., Any]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@contextmanager
def import_before(change: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """A transaction, in which the change can be begun; it ends after the transaction, unharmed."""
    failed: list[OperationalError] = []

    def run() -> None:
        try:
            change()
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)

    def begin() -> None:
        thread.start()
        wait_until(is_waited_for, "the change waits for nothing")

    try:
        with transaction.atomic():
            yield begin
    finally:
        thread.join()
    assert not failed


@pytest.fixture
def paper(make_paper: Make, admin_user: User) -> Paper:
    """A pick of the open day, which is held and approved by the first of two."""
    Edition.objects.roll(MONDAY)
    found: Paper = make_paper("Cups", day=TODAY)
    Pick.objects.create(paper=found, day=TODAY)
    Edition.objects.filter(day=TODAY).update(approved_by=admin_user, held_at=MONDAY)
    return found


@pytest.mark.parametrize("what", ["hide", "edit", "form"])
def test_while_an_open_day_is_approved(paper: Paper, admin_client: Client, what: str) -> None:
    page = reverse("admin:subscriptions_paper_change", args=[paper.pk])
    typed = {"title": "Mugs", "arxiv_id": paper.arxiv_id, "authors": "", "categories": ""}
    changes: dict[str, Callable[[], object]] = {
        "hide": lambda: curating.hide([paper.pk], Paper.Hidden.OFF_TOPIC),
        "edit": lambda: curating.edit(paper.pk, TODAY, TODAY, "A note", [], TODAY),
        "form": lambda: admin_client.post(page, typed),
    }
    with import_before(changes[what]) as begin:
        Edition.objects.listing_day()
        begin()
        Paper.objects.select_for_update().get(pk=paper.pk)
    assert Edition.objects.get(day=TODAY).approved_by is None, "the change is made"


def test_the_look_ahead_locks_what_is_hidden_with_the_others(
    make_paper: Make, make_reader: Make
) -> None:
    Edition.objects.roll(MONDAY)
    hidden = make_paper("Cups", day=TODAY, hidden="off-topic", reach=3)
    shown = make_paper("Mugs", day=TODAY, reach=3)
    with import_before(lambda: look_ahead(MONDAY)) as begin:
        Paper.objects.select_for_update().get(pk=hidden.pk)
        begin()
        Paper.objects.select_for_update().get(pk=shown.pk)
    assert set(Paper.objects.values_list("reach", flat=True)) == {0}
