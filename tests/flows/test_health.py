"""Sources over weeks: what counts as quiet, what as trouble, and who is told of it."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client

from subscriptions import sources, tasks
from subscriptions.flows import schedule
from subscriptions.flows.health import State, source_health
from subscriptions.flows.troubles import tell_staff
from subscriptions.models import SourceRun, SourceTrouble
from subscriptions.sources import Checkpoint, Feed, Found, PaperRecord, Window
from subscriptions.sources.http import ComeAgainLater, FetchError, Http
from subscriptions.tasks import tick

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
MONDAY = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
"""The first day; a holiday in the United States."""
WEEKDAYS = range(5)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]


@pytest.fixture(autouse=True)
def nothing_for_editors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only their desk shows is most of the work of hundreds of ticks."""
    monkeypatch.setattr(tasks, "_tell_editors", lambda now: None)


class Weekly:
    """A source that announces papers on weekdays, unless it is told otherwise."""

    def __init__(self) -> None:
        self.stands_at: dt.date | None = None
        """The day whose feed it goes on showing."""
        self.few = False
        self.error: Exception | None = None
        self.off: set[dt.date] = set()

    def __call__(self, http: Http, window: Window) -> Iterator[Found | Checkpoint]:
        if self.error:
            raise self.error
        day = self.stands_at or window.today
        if day.weekday() in WEEKDAYS and day not in self.off:
            for n in range(1 if self.few else 20):
                yield PaperRecord(f"Paper {day} {n}", day, own_id=f"weekly:{day}-{n}")


@pytest.fixture
def weekly(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Weekly:
    """The only source of this site."""
    source = Weekly()
    feed = Feed("weekly", "gazette", "The Gazette", "http://localhost:1/", source, 6 * HOUR,
                country="US")  # fmt: skip
    settings.SOURCES = ["weekly"]
    known = sources.feeds() | {"weekly": feed}
    monkeypatch.setattr(schedule, "feeds", lambda: known)
    return source


@pytest.fixture
def staff(db: None) -> User:
    User.objects.create_user("reader", "reader@example.org")
    User.objects.create_user("gone", "gone@example.org", is_staff=True, is_active=False)
    User.objects.create_user("silent", "", is_staff=True)
    return User.objects.create_user("editor", "editor@example.org", is_staff=True)


def tick_at(now: dt.datetime) -> None:
    with time_machine.travel(now, tick=False):
        tick.delay()


def live(first: dt.datetime, days: int, hours: Iterable[int] = (0, 18)) -> dt.datetime:
    """Tick at some hours of some days; the moment after them."""
    for day in range(days):
        for hour in hours:
            tick_at(first + day * DAY + hour * HOUR)
    return first + days * DAY


def state(now: dt.datetime) -> tuple[State, str]:
    (found,) = source_health(now)
    return found.state, found.detail


def test_a_stale_feed_is_late_and_staff_are_told_once_of_both_ends(
    weekly: Weekly, staff: User
) -> None:
    """The same feed for three weekdays, then it goes on."""
    friday = live(MONDAY, 4 * 7 - 3)
    assert state(friday)[0] is State.FRESH
    weekly.stands_at = dt.date(2025, 9, 25)
    seen = []
    now = friday
    for _ in range(5):  # Friday to Tuesday
        now = live(now, 1)
        seen.append(state(now)[0])
    assert seen == [State.QUIET, State.QUIET, State.QUIET, State.LATE, State.LATE]
    (told,) = mail.outbox
    assert told.to == ["editor@example.org"]
    assert told.subject == "The Gazette is late (weekly)"
    assert "Papers up to 25 September 2025 are here." in told.body
    assert "2 days without the usual papers, the first 26 September" in told.body
    trouble = SourceTrouble.objects.get()
    assert (trouble.state, trouble.last_day) == ("late", dt.date(2025, 9, 25))

    weekly.stands_at = None
    tick_at(now)
    assert state(now)[0] is State.FRESH
    live(now, 3)
    assert [message.subject for message in mail.outbox[1:]] == ["The Gazette is back (weekly)"]
    trouble.refresh_from_db()
    assert trouble.ended_at == now


def test_a_source_that_stays_away_becomes_stale_and_stays_so(weekly: Weekly, staff: User) -> None:
    """However long: what was usual is told by the time before."""
    now = live(MONDAY, 4 * 7)
    weekly.stands_at = now.date() - 3 * DAY
    assert state(live(now, 8))[0] is State.STALE
    assert len(mail.outbox) == 1
    tick_at(now + 100 * DAY)
    assert state(now + 100 * DAY)[0] is State.STALE
    assert SourceTrouble.objects.get().state == "stale"
    assert len(mail.outbox) == 1


def test_a_trickle_is_no_stream(weekly: Weekly) -> None:
    now = live(MONDAY, 4 * 7)
    weekly.few = True
    assert state(live(now, 3))[0] is State.LATE


def test_history_that_is_fetched_says_nothing_of_what_is_usual(weekly: Weekly) -> None:
    now = live(MONDAY, 12)
    run = SourceRun.objects.latest("pk")
    run.pk = None
    run.since, run.until, run.listed = dt.date(2024, 1, 1), dt.date(2024, 1, 5), {"2024-01-03": 20}
    run.newest_day = dt.date(2024, 1, 3)
    run.save()
    weekly.stands_at = now.date() - DAY
    assert state(live(now, 6))[0] is State.LATE


def test_a_few_papers_at_weekends_are_not_missed(weekly: Weekly) -> None:
    now = live(MONDAY, 4 * 7 - 2)
    for run in SourceRun.objects.filter(status="ok"):
        run.listed |= {str(run.until): 2} if run.until and run.until.weekday() > 4 else {}
        run.save()
    now = live(now, 2)
    assert state(now)[0] is State.QUIET


def test_a_failure_that_goes_on_from_a_cursor_is_a_failure(weekly: Weekly) -> None:
    now = live(MONDAY, 12)
    weekly.error = FetchError("it answered 404")
    now = live(now, 1, range(24))
    SourceRun.objects.filter(status="failed").update(cursor="page 2")
    assert state(now)[0] is State.BROKEN


def test_weekends_and_holidays_are_quiet(weekly: Weekly, staff: User) -> None:
    now = live(MONDAY, 7 * 7 - 3)
    weekly.off = {dt.date(2025, 10, day) for day in (13, 14)} | {dt.date(2025, 11, 11)}
    seen = {}
    for _ in range(28):
        now = live(now, 1)
        seen[now.date() - DAY] = state(now)[0]
    quiet = [day for day, found in seen.items() if found is not State.FRESH]
    assert set(seen.values()) == {State.FRESH, State.QUIET}
    assert all(day.weekday() not in WEEKDAYS or day in weekly.off for day in quiet)
    assert mail.outbox == []


def test_one_weekday_without_papers_is_no_alarm(weekly: Weekly, staff: User) -> None:
    now = live(MONDAY, 4 * 7 + 1)
    weekly.off = {now.date()}
    now = live(now, 1)
    assert state(now) == (State.QUIET, "nothing since 29 September, as expected")
    assert mail.outbox == []


@pytest.mark.parametrize(
    "error", [FetchError("it answered 404"), sources.SourceFormatError("is HTML")]
)
def test_a_source_that_does_not_answer_is_broken(
    weekly: Weekly, staff: User, error: Exception
) -> None:
    now = live(MONDAY, 14)
    weekly.error = error
    tick_at(now)
    assert state(now)[0] is not State.BROKEN
    live(now, 1, range(24))
    (told,) = mail.outbox
    assert told.subject == "The Gazette is broken (weekly)"
    assert str(error) in " ".join(told.body.split())
    attempts = SourceRun.objects.filter(status="failed").count()
    assert attempts == 24
    weekly.error = None
    live(now + DAY, 1)
    assert [message.subject for message in mail.outbox[1:]] == ["The Gazette is back (weekly)"]


def test_a_pause_that_the_source_asks_for_is_kept(weekly: Weekly) -> None:
    weekly.error = ComeAgainLater("busy", 7200)
    tick_at(MONDAY)
    assert list(schedule.due(MONDAY + 119 * HOUR / 60)) == []
    assert list(schedule.due(MONDAY + 2 * HOUR)) == ["weekly"]


def test_a_clock_that_stands_still_is_seen(weekly: Weekly) -> None:
    now = live(MONDAY, 12)
    assert state(now + 5 * HOUR)[0] is State.FRESH
    said = "not asked since 12 September, 18:00 UTC: the clock or the workers stand still"
    assert state(now + 7 * HOUR) == (State.LATE, said)


def test_a_source_that_never_brought_anything(weekly: Weekly, staff: User) -> None:
    weekly.off = {(MONDAY + n * DAY).date() for n in range(30)}
    now = live(MONDAY, 2)
    assert state(now) == (State.QUIET, "nothing has come yet")
    now = live(now, 2)
    assert state(now) == (State.LATE, "it has never brought a paper")
    assert "Papers up to no day are here" in mail.outbox[0].body


def test_a_paper_from_the_future_does_not_make_a_source_fresh(
    weekly: Weekly, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = live(MONDAY, 4 * 7)
    weekly.stands_at = dt.date(2199, 12, 30)  # a Monday
    assert state(live(now, 4))[0] is State.LATE


def test_mail_that_cannot_be_sent_is_sent_later(
    weekly: Weekly, staff: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    now = live(MONDAY, 14)
    weekly.stands_at = now.date() - 3 * DAY
    now = live(now, 1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    now = live(now, 2)
    assert not SourceTrouble.objects.exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tell_staff(now)
    tell_staff(now)
    assert len(mail.outbox) == 1


def test_a_source_that_is_no_longer_fetched_is_no_trouble(
    weekly: Weekly, staff: User, settings: Any
) -> None:
    now = live(MONDAY, 14)
    weekly.stands_at = now.date() - 3 * DAY
    now = live(now, 3)
    settings.SOURCES = ["none"]
    tell_staff(now)
    assert SourceTrouble.objects.get().ended_at == now
    assert len(mail.outbox) == 1


def test_where_the_states_are_shown(
    weekly: Weekly, staff: User, client: Client, settings: Any
) -> None:
    now = live(MONDAY, 14)
    staff.is_superuser = True
    staff.save()
    with time_machine.travel(now, tick=False):
        client.force_login(staff)
        assert client.get("/readyz").status_code == 200
        weekly.error = FetchError("it answered 500")
    now = live(now, 2)
    with time_machine.travel(now, tick=False):
        response = client.get("/readyz")
        assert response.status_code == 503
        (found,) = response.json()["sources"].values()
        assert (found["state"], found["last_day"]) == ("broken", "2025-09-12")
        client.force_login(staff)  # a session ends after twelve hours
        page = client.get("/admin/").content.decode()
    assert '<span class="state broken">broken</span>' in page
    assert "it answered 500" in page
    out = StringIO()
    call_command("sources", now=now, stdout=out)
    first, *rest, others = out.getvalue().splitlines()
    assert first.startswith("weekly  broken  no answer since")
    assert "0 requests, 0 bytes; failed: FetchError: it answered 500" in " ".join(
        " ".join(rest).split()
    )
    assert others == "Others for SOURCES: arxiv-api, arxiv-feed, arxiv-oai, arxiv-oai-raw, hf-daily"


def test_the_queries_do_not_grow_with_the_past(
    weekly: Weekly, django_assert_num_queries: Callable[..., Any]
) -> None:
    now = live(MONDAY, 20)
    with django_assert_num_queries(2):
        source_health(now)
