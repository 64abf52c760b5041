"""Hand work to the workers without letting a page depend on the queue."""

import logging
from functools import partial
from typing import Any

from celery import Task
from django.db import transaction

logger = logging.getLogger(__name__)


def enqueue(task: "Task[..., Any]", *args: int | str) -> None:
    """Queue ``task(*args)`` once the transaction is committed.

    Where the queue cannot be reached the error is logged and the page goes on: a sign-up is
    in the database, and the next tick finds it.
    """
    transaction.on_commit(partial(_publish, task, *args))


def _publish(task: "Task[..., Any]", *args: int | str) -> None:
    try:
        task.delay(*args)
    except Exception:  # whatever the broker's client raises
        logger.exception("%s(%s) was not queued", task.name, args[0])
