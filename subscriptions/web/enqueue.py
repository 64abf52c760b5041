"""Hand work to the workers without letting a page depend on the queue."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction

logger = logging.getLogger(__name__)


def enqueue(task: "Task[..., Any]", pk: int) -> None:
    """Queue ``task(pk)`` once the transaction is committed.

    Where the queue cannot be reached the error is logged and the page goes on: a sign-up is
    in the database, and the next tick finds it.
    """
    transaction.on_commit(partial(_publish, task, pk))


def _publish(task: "Task[..., Any]", pk: int) -> None:
    try:
        task.delay(pk)
    except Exception:  # whatever the broker's client raises
        logger.exception("%s(%s) was not queued", task.name, pk)
