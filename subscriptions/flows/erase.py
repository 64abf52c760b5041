"""Erasing a reader: all that is stored of them goes, but for a keyed hash of their address.

By it no file of readers brings them back.
"""

import datetime as dt
from collections.abc import Collection
from functools import partial
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from subscriptions.models import (
    READING,
    AddressChange,
    Movement,
    Paper,
    SignInRequest,
    SignupRequest,
    Subscriber,
    Suppression,
    Upvote,
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
            forget([reader.pk])
            Suppression.objects.keep_out(reader.email, now)
            if reader.status in READING:
                Movement.objects.note(Movement.Kind.ERASED, now)


def forget(pks: Collection[int]) -> None:
    """Delete subscriptions with their rows, and their traces in the staff's log; their votes go.

    The papers they were for are counted anew once that is committed: who votes locks the paper
    first, then the reader.
    """
    readers = Subscriber.objects.filter(pk__in=pks)
    voted = list(Upvote.objects.filter(subscriber__in=pks).values_list("paper", flat=True))
    _clean_log(readers)
    for relation in Subscriber._meta.related_objects:
        owner = {f"{relation.field.name}__in": pks}
        _clean_log(relation.related_model._base_manager.filter(**owner))
    readers.delete()
    transaction.on_commit(partial(recount, Paper.objects.filter(pk__in=voted)), robust=True)


def _clean_log(of: QuerySet[Any]) -> None:
    """That staff did something stays in their log, but not to whom or what it said."""
    rows = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(of.model),
        object_id__in=of.order_by().values_list(Cast("pk", TextField())),
    )
    rows.update(object_repr="erased", change_message="")
