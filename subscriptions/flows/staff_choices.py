"""What staff decide about one reader; where it makes no sense, why not."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from subscriptions.models import READING, Subscriber, Suppression

from . import preferences, subscribe
from .refused import Refused

Status = Subscriber.Status


def change(pk: int, values: Mapping[str, Any], now: dt.datetime) -> None:
    """Write only these columns, on the row as it is now: its reader may have left meanwhile."""
    with transaction.atomic():
        if (reader := _locked(pk)) is None:
            return
        for name, value in values.items():
            setattr(reader, name, value)
        until = reader.paused_until
        if reader.status == Status.ACTIVE:
            reader.reschedule(now)
        elif until and preferences.may_pause(until, reader.timezone, now):
            preferences.pause(reader, until, now)
        reader.save()


def ask_again(pk: int, now: dt.datetime) -> int:
    """Have the confirmation mailed once more, by ``subscribe.answer_request`` of the returned pk.

    Consent stays as it was given. Raises Refused, also within a day of the last such mail.
    """
    reader = Subscriber.objects.filter(pk=pk).first()
    if reader is None or reader.status != Status.PENDING:
        raise Refused(f"They do not wait for a confirmation ({_state(reader)}).")
    if suppression := Suppression.objects.of(reader.email):
        raise Refused(f"The address is suppressed ({suppression.get_reason_display().lower()}).")
    if wait := subscribe.mailable_from(reader.email, reader, now):
        raise Refused(f"They were mailed within a day; again from {wait:%Y-%m-%d %H:%M} UTC.")
    return subscribe.receive_again(reader, "", now)


def pause(pk: int, until: dt.date, now: dt.datetime) -> None:
    """No digests before this day. Raises Refused."""
    with transaction.atomic():
        reader = _locked(pk)
        if reader is None or reader.status not in READING:
            raise Refused(f"They do not subscribe ({_state(reader)}).")
        if not preferences.may_pause(until, reader.timezone, now):
            raise Refused("A pause ends on a day after today, within the next year.")
        preferences.pause(reader, until, now)
        reader.save()


def end_pause(pk: int, now: dt.datetime) -> None:
    """Digests come again. Raises Refused."""
    with transaction.atomic():
        reader = _locked(pk)
        if reader is None or reader.status != Status.PAUSED:
            raise Refused(f"They are not paused ({_state(reader)}).")
        preferences.end_pause(reader, now)
        reader.save()


def unsubscribe(pk: int, now: dt.datetime) -> None:
    """As if the reader had left. Raises Refused."""
    if not preferences.unsubscribe(pk, now):
        raise Refused(f"They are not mailed ({_state(Subscriber.objects.filter(pk=pk).first())}).")


def suppress(email: str, reason: str, now: dt.datetime) -> bool:
    """Never mail an address again; its reader, if any, is unsubscribed at once.

    Whether there was one to unsubscribe. Raises Refused where nothing was left to do.
    """
    with transaction.atomic():
        reader = Subscriber.objects.select_for_update().with_email(email).first()
        changed = Suppression.objects.add(email, reason, now)
        left = reader is not None and preferences.unsubscribe(reader.pk, now)
    if not (changed or left):
        raise Refused("The address is suppressed already.")
    return left


def _locked(pk: int) -> Subscriber | None:
    return Subscriber.objects.select_for_update().filter(pk=pk).first()


def _state(reader: Subscriber | None) -> str:
    return reader.get_status_display().lower() if reader else "erased"
