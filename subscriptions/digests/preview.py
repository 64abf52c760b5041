"""The coming digest of one reader, composed as the real one is, and stored nowhere."""

import datetime as dt

from subscriptions.models import WINDOW_DAYS, Delivery, Subscriber

from .compose import Composer
from .content import load_content
from .due import DAY, days_between
from .message import Digest
from .select import Request, select


def coming_digest(subscriber: Subscriber, now: dt.datetime) -> tuple[Delivery, Digest]:
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
    composer = Composer(load_content([delivery]))
    return delivery, composer.compose(delivery, now)
