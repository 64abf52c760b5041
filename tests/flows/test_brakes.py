"""Where too much comes back, sending pauses."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions import tasks
from subscriptions.digests.settle import pause, pause_domain, resume, resume_domain
from subscriptions.flows import brakes
from subscriptions.models import Allowance, DomainDay, DomainPause, SendingPause
from tests.delivery.conftest import serve

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TODAY, DAY, HOUR = NOW.date(), dt.timedelta(days=1), dt.timedelta(hours=1)
Make = Callable[..., Any]

__all__ = ["serve"]


@pytest.fixture(autouse=True)
def staff(db: None, settings: Any) -> User:
    settings.SOURCES = ["none"]
    User.objects.create_user("reader", "reader@example.org")
    return User.objects.create_user("operator", "operator@example.org", is_staff=True)


def tick(*moments: dt.datetime) -> None:
    for now in moments or [NOW]:
        with time_machine.travel(now, tick=False):
            tasks.tick.delay()


def came(domain: str, day: dt.date = TODAY, **counts: int) -> None:
    DomainDay.objects.add(day, {domain: counts})


def paused() -> dict[str, str]:
    """The cause by domain of what pauses now; all sending under ``all``."""
    found = dict(DomainPause.objects.active().values_list("domain", "cause"))
    site = SendingPause.objects.first()
    return found | ({"all": site.cause} if site else {})


def subjects() -> list[str]:
    return [str(message.subject) for message in mail.outbox]


@pytest.mark.parametrize(
    ("counts", "cause", "reason"),
    [
        ({"sent": 2000, "complaint": 7}, "complaints",
         "7 complaints for 2,000 messages in seven days: 0.35%, above 0.30%"),
        ({"sent": 200, "hard": 11}, "bounces",
         "11 addresses that cannot be mailed for 200 messages in seven days: 5.50%, above 5.00%"),
        ({"sent": 100, "ours": 11}, "refusals",
         "11 refusals of what we are or send for 100 messages in seven days: 11.00%"),
        ({"sent": 0, "ours": 100}, "refusals",
         "100 refusals of what we are or send for 100 messages in seven days: 100.00%"),
    ],
)  # fmt: skip
def test_a_domain_pauses_and_staff_are_told_once(
    counts: dict[str, int], cause: str, reason: str
) -> None:
    came("good.example", sent=90_000)
    DomainDay.objects.add(TODAY, {"bad.example": counts})
    tick(NOW, NOW + HOUR)
    assert paused() == {"bad.example": cause}
    stored = DomainPause.objects.get()
    assert stored.reason.startswith(reason)
    assert (stored.since, stored.told_at) == (NOW, NOW)
    (told,) = mail.outbox
    assert told.to == ["operator@example.org"]
    assert told.subject == "Sending to bad.example is paused"
    words = " ".join(told.body.split())
    assert reason in words
    assert "python manage.py deliveries resume --domain bad.example" in words
    assert "/admin/subscriptions/domainday/?q=bad.example" in words


@pytest.mark.parametrize(
    "counts",
    [
        {"sent": 99, "hard": 50},  # too few messages
        {"sent": 100, "complaint": 4, "hard": 4, "ours": 4},  # too few of each
        {"sent": 100, "hard": 5},  # not above
        {"sent": 5000, "complaint": 4},
        {"sent": 5000, "soft": 5000},
        {"sent": 5000},
    ],
)
def test_a_few_stop_nobody(counts: dict[str, int]) -> None:
    DomainDay.objects.add(TODAY, {"small.example": counts})
    tick()
    assert paused() == {} and mail.outbox == []


def test_complaints_of_thursday_are_held_against_the_messages_of_monday() -> None:
    came("a.example", sent=10_000, complaint=6)
    for days in (1, 2, 3):
        came("a.example", TODAY + days * DAY, sent=110, complaint=6)
        tick(NOW + days * DAY)
        assert paused() == {}
    came("a.example", TODAY + 3 * DAY, complaint=8)
    tick(NOW + 3 * DAY + HOUR)
    assert paused() == {"a.example": "complaints"}
    reason = DomainPause.objects.active().get().reason
    assert reason.startswith("32 complaints for 10,330 messages in seven days: 0.31%")


def test_a_bad_day_is_not_made_good_by_those_before() -> None:
    for days in range(1, 7):
        came("a.example", TODAY - days * DAY, sent=1000)
    came("a.example", sent=400, hard=60)
    tick()
    assert paused() == {}, "it is too early to tell"
    came("a.example", sent=600, hard=40)
    tick(NOW + HOUR)
    assert paused() == {"a.example": "bounces"}
    reason = DomainPause.objects.get().reason
    assert reason.startswith("100 addresses that cannot be mailed for 1,000 messages today: 10.00%")


def test_what_is_older_than_a_week_is_over() -> None:
    came("a.example", TODAY - 7 * DAY, sent=1000, hard=900)
    tick()
    assert paused() == {}
    came("a.example", TODAY - 6 * DAY, sent=1000, hard=900)
    tick()
    assert paused() == {"a.example": "bounces"}


def test_many_small_domains_together_pause_all_sending() -> None:
    for n in range(40):
        came(f"d{n}.example", sent=5, hard=1)
    tick(NOW, NOW + HOUR)
    assert paused() == {"all": "bounces"}
    (told,) = mail.outbox
    assert told.subject == "Sending is paused"
    assert "40 addresses that cannot be mailed for 200 messages" in " ".join(told.body.split())
    assert "python manage.py deliveries resume\n" in told.body


def test_where_many_domains_are_above_it_is_not_the_domains() -> None:
    came("good.example", sent=90_000)
    for n in range(8):
        came(f"d{n}.example", sent=100, hard=50)
    tick()
    assert len(paused()) == 8
    for n in range(8, 11):
        came(f"d{n}.example", sent=100, hard=50)
    tick(NOW + HOUR, NOW + 2 * HOUR)
    assert len(paused()) == 9 and paused()["all"] == "bounces"
    reason = SendingPause.objects.get().reason
    assert reason.startswith("3 domains at once, as d10.example: 50 addresses that cannot")
    assert len(mail.outbox) == 9


def test_one_bad_domain_does_not_stop_the_others() -> None:
    came("huge.example", sent=9000, complaint=90)
    came("good.example", sent=1000)
    tick()
    assert paused() == {"huge.example": "complaints"}


def test_a_brake_can_be_taken_off(settings: Any) -> None:
    settings.BRAKE_COMPLAINTS = settings.BRAKE_BOUNCES = settings.BRAKE_REFUSALS = 0.0
    came("bad.example", sent=1000, complaint=900, hard=900, ours=900)
    tick()
    assert paused() == {} and mail.outbox == []


def test_complaints_near_the_limit_are_told_once_in_a_week_and_pause_nothing() -> None:
    for days in range(9):
        came("near.example", TODAY + days * DAY, sent=5000, complaint=10)
        tick(NOW + days * DAY, NOW + days * DAY + HOUR)
    assert paused() == {}
    assert subjects() == ["Complaints from near.example"] * 2
    told = " ".join(mail.outbox[0].body.split())
    assert "10 complaints for 5,000 messages in seven days: 0.20%, above 0.10%" in told
    assert "Nothing is paused yet" in told and "resume" not in told
    came("near.example", NOW.date() + 9 * DAY, sent=100, complaint=40)
    tick(NOW + 9 * DAY)
    assert paused() == {"near.example": "complaints"}


def test_complaints_of_all_together_are_told_too() -> None:
    for n in range(20):
        came(f"d{n}.example", sent=500, complaint=1)
    tick(NOW, NOW + DAY)
    assert subjects() == ["Complaints"]


def test_no_more_than_ten_warnings_come_in_a_week() -> None:
    for n in range(20):
        came(f"d{n}.example", sent=5000, complaint=10)
    tick(NOW, NOW + HOUR)
    assert len(mail.outbox) == 10


def test_what_a_person_has_looked_at_does_not_pause_again() -> None:
    came("bad.example", TODAY - DAY, sent=500, hard=100)
    tick()
    assert resume_domain("bad.example", NOW + HOUR)
    came("bad.example", sent=500, hard=100)  # what was sent before still comes back
    tick(NOW + 2 * HOUR, NOW + DAY)
    assert paused() == {}
    came("bad.example", TODAY + DAY, sent=500, hard=100)
    tick(NOW + DAY + HOUR)
    assert paused() == {"bad.example": "bounces"}
    assert subjects() == ["Sending to bad.example is paused"] * 2


def test_nor_do_the_last_complaints_of_what_was_sent_before() -> None:
    came("bad.example", sent=10_000, complaint=60)
    tick()
    assert resume_domain("bad.example", NOW + HOUR)
    came("bad.example", TODAY + DAY, sent=110, complaint=20)
    tick(NOW + DAY)
    assert paused() == {}
    came("bad.example", TODAY + DAY, complaint=11)
    tick(NOW + DAY + HOUR)
    assert paused() == {"bad.example": "complaints"}


def test_nor_does_all_sending() -> None:
    for n in range(40):
        came(f"d{n}.example", sent=5, hard=1)
    tick()
    assert resume(NOW + HOUR)
    tick(NOW + 2 * HOUR, NOW + DAY)
    assert paused() == {}
    (kept,) = DomainPause.objects.all()
    assert (kept.domain, kept.cause, kept.ended_at) == ("", "bounces", NOW + HOUR)
    for n in range(40):
        came(f"d{n}.example", TODAY + DAY, sent=5, hard=1)
    tick(NOW + DAY + HOUR)
    assert paused() == {"all": "bounces"}


def test_a_pause_by_hand_that_ended_forgets_nothing() -> None:
    pause_domain("bad.example", "they asked", NOW - HOUR), pause("lunch", NOW - HOUR)
    tick()
    resume_domain("bad.example", NOW), resume(NOW)
    came("bad.example", sent=500, hard=100)
    tick()
    assert paused() == {"bad.example": "bounces"}
    assert subjects() == ["Sending to bad.example is paused"], "who pauses by hand knows it"


def test_bounces_of_a_real_delivery_pause_its_domain(
    make_reader: Make, make_paper: Make, serve: Any, settings: Any
) -> None:
    settings.BRAKE_LEAST = 10
    make_paper("Robot arms", votes=5)
    for n in range(10):
        make_reader(f"r{n}@bad.example", phrases=("robot arms",))
    make_reader("x@good.example", phrases=("robot arms",))
    serve({("RCPT", 0): ["550 5.1.1 no such user"] * 10})
    tick(NOW, NOW + HOUR)
    assert paused() == {"bad.example": "bounces"}
    assert dict(DomainDay.objects.values_list("domain", "sent")) == {
        "bad.example": 0, "good.example": 1
    }  # fmt: skip


def test_old_counts_go_and_pauses_stay() -> None:
    came("a.example", TODAY - 401 * DAY, sent=1)
    came("a.example", TODAY - 400 * DAY, sent=1)
    for days in (9, 8):
        Allowance.objects.create(day=TODAY - days * DAY, domain="a.example")
    pause_domain("a.example", "they asked", NOW - 500 * DAY)
    resume_domain("a.example", NOW - 499 * DAY)
    tick()
    assert DomainDay.objects.get().day == TODAY - 400 * DAY
    assert Allowance.objects.get().day == TODAY - 8 * DAY
    assert DomainPause.objects.count() == 1


def test_a_look_costs_the_same_however_many_domains_there_are() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            brakes.check(NOW)
        return len(captured)

    came("a.example", sent=100)
    few = queries()
    DomainDay.objects.add(TODAY, {f"d{n}.example": {"sent": 500, "hard": 4} for n in range(200)})
    assert queries() == few <= 8
