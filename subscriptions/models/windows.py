"""The two moves of each window of messages, as SQL that is written out.

They run for every few messages: making them anew by the ORM takes longer than running them.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from .deliveries import Delivery

_BEGIN = """
UPDATE subscriptions_delivery SET status = 'sending', last_attempt_at = %s
WHERE claim_token = %s AND status = 'claimed' AND id BETWEEN %s AND %s AND claim_expires_at > %s
    AND subscriber_id IN (SELECT id FROM subscriptions_subscriber WHERE status = 'active')
"""
_RECORD = """
UPDATE subscriptions_delivery SET status = %s, attempts = %s, retry_at = %s, sent_at = %s,
    last_reply = CASE id {replies} END, claim_token = NULL, claim_expires_at = NULL
WHERE claim_token = %s AND status = 'sending' AND id IN ({pks})
"""


def begin_window(rows: Sequence[Delivery], now: dt.datetime) -> set[int]:
    """Set claimed rows ``sending``, and return which are; only those may be sent.

    ``rows`` are neighbours, in order, among those of one claim. Conditional on its token
    and expiry and on the reader's status, in one UPDATE: a worker that stalled past its
    lease, or a reader who left meanwhile, drops out.
    """
    first, last, token = rows[0].pk, rows[-1].pk, rows[0].claim_token
    if _execute(_BEGIN, [_time(now), _uuid(token), first, last, _time(now)]) == len(rows):
        return {row.pk for row in rows}
    sending = Delivery.objects.filter(
        claim_token=token, status=Delivery.Status.SENDING, pk__range=(first, last)
    )
    return set(sending.values_list("pk", flat=True))


def record_window(
    token: uuid.UUID | None,
    replies: Mapping[int, str],
    status: Delivery.Status,
    attempts: int,
    retry_at: dt.datetime | None,
    sent_at: dt.datetime | None,
) -> int:
    """Write what became of ``sending`` rows that fared alike, each with its own reply.

    Returns how many; rows that another worker owns by now stay as they are.
    """
    statement = _RECORD.format(
        replies=" ".join(["WHEN %s THEN %s"] * len(replies)), pks=", ".join(["%s"] * len(replies))
    )
    pairs = [value for pair in replies.items() for value in pair]
    values = [status.value, attempts, _time(retry_at), _time(sent_at), *pairs]
    return _execute(statement, [*values, _uuid(token), *replies])


def _execute(statement: str, values: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        count: int = cursor.rowcount
    return count


def _time(value: dt.datetime | None) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _uuid(value: uuid.UUID | None) -> Any:
    return Delivery._meta.get_field("claim_token").get_db_prep_value(value, connection)
