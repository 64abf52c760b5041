"""Four simulated weeks in the life of a reader who keeps changing their mind."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.core import mail

from subscriptions.digests.tick import send_due
from subscriptions.flows.preferences import save_preferences
from subscriptions.models import Delivery, Subscriber
from tests.conftest import choices

START = dt.datetime(2025, 10, 5, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def test_no_paper_twice_and_no_day_missed(
    make_reader: Callable[..., Subscriber], make_paper: Callable[..., Any]
) -> None:
    """Through a new weekday, a pause, a new zone (over a clock change) and a new cadence."""
    for n in range(40):
        day = START.date() - 7 * DAY + n * DAY
        for k in range(2):
            make_paper(f"Robot arms, day {n} number {k}", day=day, votes=n)
    send_due(START, lambda: START)
    reader = make_reader(at=START, phrases=("robot arms",))
    wishes: dict[int, dict[str, Any]] = {
        4: {"weekday": 4},  # Monday to Friday
        9: {"weekday": 4, "pause": 3},
        15: {"weekday": 2, "hour": 22, "timezone": "America/Los_Angeles"},
        18: {"cadence": "daily", "hour": 7, "timezone": "Asia/Kolkata"},
        20: {"cadence": "daily", "hour": 7, "timezone": "Asia/Kolkata", "pause": 2},
        23: {"cadence": "daily", "hour": 2, "timezone": "Europe/Berlin"},
        25: {"weekday": 0},
    }
    for hour in range(1, 28 * 24 + 1):
        now = START + hour * HOUR
        send_due(now, lambda now=now: now)  # type: ignore[misc]
        if hour % 24 == 0 and (wish := wishes.pop(hour // 24, None)):
            pause = wish.pop("pause", None)
            until = now.date() + pause * DAY if pause else None
            chosen = choices(phrases=("robot arms",), **wish)
            assert save_preferences(reader.pk, chosen, until, now)
    assert not wishes

    sent = Delivery.objects.filter(subscriber=reader).order_by("newest_day")
    papers = [item["paper"] for delivery in sent for item in delivery.items]
    assert len(papers) == len(set(papers)), "a paper came twice"
    days = [
        delivery.first_day + n * DAY
        for delivery in sent
        for n in range((delivery.newest_day - delivery.first_day).days + 1)
    ]
    whole = (days[-1] - days[0]).days + 1
    assert days == [days[0] + n * DAY for n in range(whole)], "a day was missed or came twice"
    assert days[0] == START.date() - 6 * DAY and whole >= 30
    # The mails say the same as the ledger: each paper of a covered day, once.
    titles = re.findall(r"^Robot arms, day (\d+) number (\d)", all_text(), re.MULTILINE)
    assert len(titles) == len(set(titles)) == len(papers)
    assert sent.exclude(status="sent").count() == 0
    assert len(mail.outbox) == len(sent) >= 9


def all_text() -> str:
    return "\n".join(str(message.body) for message in mail.outbox)
