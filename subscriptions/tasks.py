"""Celery entry points: three lines each, no policy. Every one may run twice or be lost."""

import datetime as dt

from celery import shared_task
from django.utils import timezone

from subscriptions.digests import figures, ledger, outlook
from subscriptions.digests import tick as digests
from subscriptions.flows import (
    address,
    bounces,
    brakes,
    import_files,
    indexing,
    logins,
    mailbox,
    schedule,
    sign_in,
    subscribe,
    topics,
    troubles,
    wanted,
)
from subscriptions.models import Delivery, MailEvent


@shared_task
def tick() -> None:
    now = timezone.now()
    for chunk in digests.begin(now):
        prepare.delay(chunk, now.isoformat())
    brakes.check(now)
    if Delivery.objects.waiting(now):
        send_queued.delay()
    subscribe.purge_unconfirmed(now)
    for pk in subscribe.unanswered(now):
        answer_request.delay(pk)
    sign_in.purge(now)
    logins.purge(now)
    import_files.purge(now)
    address.purge(now)
    bounces.purge(now)
    brakes.purge(now)
    topics.gather()
    for pk in address.unmailed(now):
        mail_address_change.delay(pk)
    for pk in sign_in.unanswered(now):
        mail_sign_in.delay(pk)
    for name in schedule.due(now):
        fetch_source.delay(name)
    if wanted.due(now):
        fetch_wanted.delay()
    troubles.tell_staff(now)
    if brakes.untold(now):
        tell_staff.delay()
    if indexing.unindexed().exists():
        index_papers.delay()
    _take_back(now)
    _tell_editors(now)


def _take_back(now: dt.datetime) -> None:
    """What came back by mail, and its effects."""
    if mailbox.due(now):
        read_mailbox.delay()
    if MailEvent.objects.waiting().exists():
        apply_mail_events.delay()


def _tell_editors(now: dt.datetime) -> None:
    """What only their pages show."""
    if outlook.due(now):
        look_ahead.delay()
    for pk in figures.due(now):
        count_edition.delay(pk, now.isoformat())


@shared_task
def prepare(pks: list[int], now: str) -> None:
    if digests.prepare(pks, dt.datetime.fromisoformat(now))["queued"]:
        send_queued.delay()


@shared_task
def send_queued() -> None:
    ledger.send_queued(timezone.now)


@shared_task
def apply_mail_events() -> None:
    bounces.apply_all(timezone.now)


@shared_task
def tell_staff() -> None:
    brakes.tell_staff(timezone.now)


@shared_task
def fetch_source(name: str) -> None:
    schedule.fetch_due(name, timezone.now())


@shared_task
def fetch_wanted() -> None:
    wanted.fetch_wanted(timezone.now())


@shared_task
def answer_request(pk: int) -> None:
    subscribe.answer_request(pk, timezone.now())


@shared_task
def mail_sign_in(pk: int) -> None:
    sign_in.answer(pk, timezone.now())


@shared_task
def read_mailbox() -> None:
    mailbox.poll(timezone.now)


@shared_task
def index_papers() -> None:
    indexing.index_papers()


@shared_task
def look_ahead() -> None:
    outlook.look_ahead(timezone.now())


@shared_task
def count_edition(pk: int, asked_at: str) -> None:
    figures.count(pk, dt.datetime.fromisoformat(asked_at), timezone.now())


@shared_task
def mail_address_change(pk: int) -> None:
    address.mail(pk, timezone.now())
