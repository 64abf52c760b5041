"""Erasing a reader: all that is stored of them goes; a suppression of their address stays."""

import datetime as dt
from functools import partial

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model

from subscriptions.models import (
    READING,
    AddressChange,
    Movement,
    Paper,
    SignInRequest,
    SignupRequest,
    Subscriber,
)

from .trends import recount


def erase(pk: int, now: dt.datetime) -> None:
    """Delete a reader and all that is theirs; nothing happens for one who is not there.

    What was asked for with their address goes first: who answers it locks it, then the reader.
    """
    email = Subscriber.objects.filter(pk=pk).values_list("email", flat=True).first()
    if email is None:
        return
    with transaction.atomic():
        for model in (SignupRequest, SignInRequest, AddressChange):
            model.objects.filter(email__iexact=email).delete()
        AddressChange.objects.filter(old_email__iexact=email).delete()
        if reader := Subscriber.objects.select_for_update().filter(pk=pk).first():
            forget(reader)
            if reader.status in READING:
                Movement.objects.note(Movement.Kind.ERASED, now)


def forget(reader: Subscriber) -> None:
    """Delete a subscription with its rows, and its traces in the staff's log; its votes go.

    The papers they were for are counted anew once that is committed: who votes locks the paper
    first, then the reader.
    """
    voted = list(reader.upvotes.values_list("paper", flat=True))
    _clean_log(Subscriber, [reader.pk])
    for relation in Subscriber._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{relation.field.name: reader})
        _clean_log(relation.related_model, list(rows.values_list("pk", flat=True)))
    reader.delete()
    transaction.on_commit(partial(recount, Paper.objects.filter(pk__in=voted)), robust=True)


def _clean_log(model: type[Model], pks: list[int]) -> None:
    """That staff did something stays in their log, but not to whom or what it said."""
    rows = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(model), object_id__in=map(str, pks)
    )
    rows.update(object_repr="erased", change_message="")
