"""The coming digest of one reader, composed as the real one is, and stored nowhere."""

import datetime as dt

from subscriptions.models import Delivery, Subscriber

from .compose import Composer
from .content import load_content
from .due import coming_days
from .message import Digest
from .select import Request, select


def coming_digest(subscriber: Subscriber, now: dt.datetime) -> tuple[Delivery, Digest]:
    """What this reader would get at their next slot, of the papers that are here now."""
    days = coming_days(subscriber, now)
    chosen = select([Request(subscriber, days)])[subscriber.pk]
    delivery = Delivery(
        subscriber=subscriber,
        first_day=days[0],
        newest_day=days[-1],
        items=chosen.items,
        kept_away=chosen.kept_away,
    )
    composer = Composer(load_content([delivery]))
    return delivery, composer.compose(delivery, now)
