"""Two weeks with a mail server that bounces by plan: who is mailed, given up, and left alone.

At a hundredth of its size here; ``DRILL=1`` is the full size, and prints what it found.
"""

import datetime as dt
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import time_machine
from django.contrib.auth.models import User

from subscriptions import tasks
from subscriptions.digests.settle import resume_domain
from subscriptions.models import (
    Delivery,
    DomainDay,
    DomainPause,
    Interest,
    MailEvent,
    Paper,
    Subscriber,
    Suppression,
)
from tests.conftest import missing

from .answers import Answers, addresses_change
from .mta import POSTFIX, Postfix, running_postfix
from .neighbours import SECRET, Neighbours, listening
from .plan import (
    ANSWERING,
    AT_END,
    AT_RCPT,
    KINDS,
    LATER,
    ON_THE_FIRST_DAY,
    REFILLED_ON,
    Kind,
    readers,
)

HOME = "site.example"
BEGIN = dt.datetime(2025, 10, 6, 9, tzinfo=dt.UTC)
"""A Monday: the hour of every reader."""
DAY, SOON = dt.timedelta(days=1), dt.timedelta(minutes=20)
DAYS = 14
ENDED_ON = 6
"""The day on which a person ends the pause of angry.example."""

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


class Drill:
    """The site, its readers, and the servers they are mailed by."""

    def __init__(self, postfix: Postfix, neighbours: Neighbours) -> None:
        self.postfix, self.neighbours = postfix, neighbours
        self.answers = Answers(postfix.port, HOME)
        self.answered: Counter[str] = Counter()
        self.for_staff: list[str] = []

    def live(self, day: int) -> None:
        """One day: what is due is sent, answered, and what comes back has its effect."""
        now = BEGIN + day * DAY
        self._pass(now)
        if day == 0:
            self.postfix.refuse(AT_RCPT)  # those who were busy no longer are
            self._pass(now + SOON)
        self._answer(now + 2 * SOON)
        self._pass(now + 3 * SOON)

    def _pass(self, now: dt.datetime) -> None:
        with time_machine.travel(now, tick=False):
            tasks.tick.delay()
            self.postfix.rest()
            tasks.tick.delay()

    def _answer(self, now: dt.datetime) -> None:
        letters = self.neighbours.take_kept()
        self.for_staff += [one.recipient for one in letters if one.recipient.startswith("staff")]
        # Each reader answers the first of their digests only.
        first = [
            letter
            for letter in letters
            if letter.recipient.partition("-")[0] in ANSWERING
            and not self.answered[letter.recipient]
        ]
        self.answered.update(letter.recipient for letter in first)
        with time_machine.travel(now, tick=False):
            addresses_change(first, now)
            self.answers.send(first)
            self.postfix.rest()
            tasks.tick.delay()
            self.postfix.rest()


@pytest.fixture(autouse=True)
def nothing_for_editors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only their desk shows is most of the work of a tick."""
    monkeypatch.setattr(tasks, "_tell_editors", lambda now: None)


@pytest.fixture
def day() -> dict[str, int]:
    """The day of the drill that it is, from 0."""
    return {"number": 0}


@pytest.fixture
def drill(day: dict[str, int], live_server: Any, settings: Any) -> Iterator[Drill]:
    if not Path(POSTFIX).exists():
        missing("Postfix is not installed")

    def refusal(address: str) -> str:
        kind = address.partition("-")[0]
        if kind == "refilled" and day["number"] not in REFILLED_ON:
            return ""
        return LATER.get(kind, "")

    folder = Path(tempfile.mkdtemp(prefix="drill_"))
    neighbours = Neighbours(live_server.url, HOME, refusal)
    behind = "|".join([*LATER, *ANSWERING, "staff"])
    with (
        listening(neighbours) as lmtp,
        running_postfix(
            folder, AT_RCPT | ON_THE_FIRST_DAY, AT_END, {f"@{HOME}$": lmtp, f"^({behind})-": lmtp}
        ) as postfix,
    ):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", postfix.port
        settings.SITE_URL = live_server.url
        settings.BOUNCE_ADDRESS = f"bounces@{HOME}"
        settings.INBOUND_SECRET = SECRET
        yield Drill(postfix, neighbours)
    shutil.rmtree(folder)


def sign_up(counts: dict[str, int]) -> None:
    """All readers, who wait for the first morning."""
    made = Subscriber.objects.bulk_create(
        Subscriber(
            email=f"{kind.name}-{n}@{kind.domain}",
            status="active",
            cadence="daily" if kind.daily else "weekly",
            weekday=0,
            hour=BEGIN.hour,
            next_digest_at=BEGIN,
            consent_version="1",
            consent_asked_at=BEGIN - 2 * DAY,
            confirmed_at=BEGIN - DAY,
            covered_until=BEGIN.date() - 2 * DAY,
        )
        for kind in KINDS
        for n in range(counts[kind.name])
    )
    Interest.objects.bulk_create(
        Interest(subscriber=reader, kind="phrase", value="robot arms") for reader in made
    )


class Became(NamedTuple):
    """What became of the readers of a kind."""

    readers: Mapping[str, int]
    """By status."""
    suppressed: Mapping[str, int]
    """By reason."""
    events: Mapping[str, int]
    """By kind."""
    digests: Mapping[str, int]
    """By status."""


def what_became_of(kind: str) -> Became:
    readers = Subscriber.objects.filter(email__startswith=f"{kind}-")
    emails = list(readers.values_list("email", flat=True))
    events = MailEvent.objects.filter(subscriber__in=readers)
    digests = Delivery.objects.filter(subscriber__in=readers)
    return Became(
        readers=Counter(readers.values_list("status", flat=True)),
        suppressed=Counter(Suppression.objects.reasons(emails).values()),
        events=Counter(events.values_list("kind", flat=True)),
        digests=Counter(digests.values_list("status", flat=True)),
    )


def as_planned(kind: Kind, readers: int) -> Became:
    return Became(
        readers={kind.status: readers},
        suppressed={kind.suppressed: readers} if kind.suppressed else {},
        events={what: number * readers for what, number in kind.events.items()},
        digests={status: number * readers for status, number in kind.digests.items()},
    )


def test_two_weeks(
    drill: Drill,
    day: dict[str, int],
    settings: Any,
    make_paper: Callable[..., Paper],
    capsys: pytest.CaptureFixture[str],
) -> None:
    scale = float(os.environ.get("DRILL", "0.01"))
    counts = readers(scale)
    if scale < 1:  # where one of a kind is a large part
        settings.BRAKE_LEAST = 10
        settings.BRAKE_COMPLAINTS, settings.BRAKE_BOUNCES, settings.BRAKE_REFUSALS = 0.3, 0.5, 0.5
    User.objects.create_user("editor", "staff-1@staff.example", is_staff=True)
    sign_up(counts)
    for number in range(DAYS):
        day["number"] = number
        for n in range(2):
            make_paper(f"Robot arms {number} {n}", day=(BEGIN + (number - 1) * DAY).date(), votes=n)
        drill.live(number)
        if number == 0:
            paused = DomainPause.objects.active().values_list("domain", flat=True)
            assert sorted(paused) == ["angry.example", "blocking.example"]
        if number == ENDED_ON:
            assert resume_domain("angry.example", BEGIN + number * DAY + 4 * SOON)
    assert drill.neighbours.troubles == []

    found = {kind.name: what_became_of(kind.name) for kind in KINDS}
    planned = {kind.name: as_planned(kind, counts[kind.name]) for kind in KINDS}
    wrong = [f"{n}: {found[n]}, and not {planned[n]}" for n in found if found[n] != planned[n]]
    if scale >= 1:
        with capsys.disabled():
            print(*(f"\n{name}: {became}" for name, became in found.items()))
    assert not wrong, "\n".join(wrong)
    assert len(drill.for_staff) >= counts["asking"]
    told = DomainDay.objects.values_list("hard", "complaint")
    hard = sum(kind.events.get("hard", 0) * counts[kind.name] for kind in KINDS)
    complaints = sum(kind.events.get("complaint", 0) * counts[kind.name] for kind in KINDS)
    assert (sum(h for h, _ in told), sum(c for _, c in told)) == (hard, complaints)
