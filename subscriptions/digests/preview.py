"""The coming digest of one reader, composed as the real one is, and stored nowhere."""

import datetime as dt

from subscriptions import emails
from subscriptions.models import WINDOW_DAYS, Delivery, Subscriber

from .compose import load_content, render
from .due import DAY, days_between
from .select import Request, select


def coming_digest(subscriber: Subscriber, now: dt.datetime) -> tuple[Delivery, emails.Rendered]:
    """What this reader would get at their next slot, of the papers that are here now."""
    slot = subscriber.next_digest_at or subscriber.next_slot(now)
    newest = max(slot, now).astimezone(dt.UTC).date() - DAY
    after = max(subscriber.covered_until or dt.date.min, newest - WINDOW_DAYS * DAY)
    days = days_between(after, newest) or (newest,)
    delivery = Delivery(
        subscriber=subscriber,
        first_day=days[0],
        newest_day=newest,
        items=select([Request(subscriber, days)])[subscriber.pk],
    )
    return delivery, render(delivery, load_content([delivery]))
