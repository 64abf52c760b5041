"""Digests to look at: composed as the real ones are, and stored nowhere."""

import datetime as dt
import re
import threading
from collections.abc import Iterable
from typing import NamedTuple

from subscriptions.models import WINDOW_DAYS, Delivery, Interest, Subscriber, Topic

from .compose import Composer
from .content import load_content
from .due import DAY, coming_days, days_up_to
from .interests import interests_proposed
from .message import Digest
from .select import Chosen, Request, choose, select_from
from .shelf import Days, Shelf

FRESH = dt.timedelta(minutes=10)
"""So old may be what grows by the hour, as votes do. What editors do is seen at once."""
PREFERS_DARK = "@media (prefers-color-scheme: dark)"


class Preview(NamedTuple):
    """A digest, and the delivery it is made of."""

    delivery: Delivery
    digest: Digest


def coming_digest(subscriber: Subscriber, now: dt.datetime) -> Preview:
    """What this reader would get at their next slot, of the papers that are here now."""
    days = coming_days(subscriber, now)
    with _LOCK:
        chosen = select_from(_shelf(days, now), [Request(subscriber, days)])[subscriber.pk]
    return _composed(subscriber, days, chosen, now)


def edition_digest(subscriber: Subscriber, day: dt.date, now: dt.datetime) -> Preview:
    """What this reader gets of a day, or got: as if it and all days before it were released."""
    days = days_up_to(subscriber, day)
    with _LOCK:
        shelf, request = _shelf(days, now), Request(subscriber, days)
        chosen = select_from(shelf, [request], had_before=day)[subscriber.pk]
    return _composed(subscriber, days, chosen, now)


def topics_digest(cadence: str, topics: Iterable[Topic], day: dt.date, now: dt.datetime) -> Preview:
    """The same for somebody who follows these topics, or nothing, and was sent nothing."""
    reader = Subscriber(cadence=cadence, covered_until=day)
    days = days_up_to(reader, day)
    followed = interests_proposed(
        Interest(kind=Interest.Kind.TOPIC, topic=topic, weight=Interest.Weight.NORMAL)
        for topic in topics
    )
    with _LOCK:
        shelf = _shelf(days, now)
        shelf.scored.score(followed)
        chosen = choose(Request(reader, days), followed, set(), shelf)
    return _composed(reader, days, chosen, now)


def in_scheme(html: str, *, dark: bool) -> str:
    """The HTML of a digest as a mail program shows it that is dark, or one that is light."""
    scheme = "dark" if dark else "light"
    html = html.replace(PREFERS_DARK, "@media all" if dark else "@media not all")
    return re.sub('light dark(?=[";])', scheme, html)


def _composed(subscriber: Subscriber, days: Days, chosen: Chosen, now: dt.datetime) -> Preview:
    delivery = Delivery(
        subscriber=subscriber,
        first_day=days[0],
        newest_day=days[-1],
        items=chosen.items,
        kept_away=chosen.kept_away,
    )
    return Preview(delivery, Composer(load_content([delivery])).compose(delivery, now))


_LOCK = threading.Lock()
"""Held while a shelf is made or chosen from: threads share it."""
_kept: tuple[dt.datetime, Shelf] | None = None


def _shelf(days: Days, now: dt.datetime) -> Shelf:
    """The papers of these days, a week at least; kept, as making it takes seconds."""
    global _kept
    first, last = min(days[0], days[-1] - (WINDOW_DAYS - 1) * DAY), days[-1]
    if _kept and (_kept[1].first, _kept[1].last) == (first, last):
        made, shelf = _kept
        if now < made + FRESH and shelf.refresh():
            return shelf
    _kept = now, Shelf(first, last, pages=True)
    return _kept[1]
