"""Who lets days go out, and what keeps them."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from subscriptions.flows import curating
from subscriptions.flows.approvals import touched
from subscriptions.flows.releasing import Answer, differences, goes_out, hold, release, version
from subscriptions.models import Edition, Paper, Subscriber
from tests.services import wait_until

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TODAY = NOW.date()
FRIDAY, SATURDAY, SUNDAY = (TODAY - dt.timedelta(days=n) for n in (3, 2, 1))
Make = Callable[..., Any]


@pytest.fixture
def closed(db: None, settings: Any) -> None:
    """Friday to Sunday wait for a release; today is open."""
    settings.EDITIONS_NEED_APPROVAL = True
    Edition.objects.roll(dt.datetime.combine(FRIDAY, dt.time(9), dt.UTC))
    Edition.objects.filter(day__lt=FRIDAY).update(status="released", released_at=NOW)
    Edition.objects.roll(NOW)
    assert states() == ["closed", "closed", "closed", "open"]


@pytest.fixture
def editors(db: None) -> tuple[User, User]:
    return User.objects.create_user("ada"), User.objects.create_user("bo")


@pytest.fixture
def two_needed(closed: None, make_reader: Make, settings: Any) -> None:
    settings.TWO_RELEASE_ABOVE = 1
    for n in range(2):
        make_reader(f"r{n}@example.org")


def states() -> list[str]:
    return list(
        Edition.objects.filter(day__gte=FRIDAY).order_by("day").values_list("status", flat=True)
    )


def press(day: dt.date, by: User) -> Answer:
    return press_as_seen(day, by)[0]


def press_as_seen(day: dt.date, by: User) -> tuple[Answer, list[Edition]]:
    """As an editor does whose page is fresh."""
    return release(day, by, version(goes_out(Edition.objects.get(day=day))), NOW)


def test_a_day_goes_out_with_those_before_it_and_their_holds_end(
    closed: None, editors: tuple[User, User]
) -> None:
    assert hold(FRIDAY, "A wrong pick", NOW)
    assert Edition.objects.release(SUNDAY, NOW) == 0, "a held day keeps those after it"
    answer, days = press_as_seen(SATURDAY, editors[0])
    assert answer is Answer.RELEASED and [one.day for one in days] == [FRIDAY, SATURDAY]
    assert states() == ["released", "released", "closed", "open"]
    friday = Edition.objects.get(day=FRIDAY)
    assert (friday.held_at, friday.hold_reason) == (None, "")
    assert press(SATURDAY, editors[0]) is Answer.OUT
    assert not hold(FRIDAY, "Too late", NOW)


def test_an_open_day_is_held_before_it_is_over(
    closed: None, editors: tuple[User, User], settings: Any
) -> None:
    settings.EDITIONS_NEED_APPROVAL = False
    assert press(TODAY, editors[0]) is Answer.NOT_OVER
    assert hold(TODAY, "Wait for a paper", NOW)
    assert not hold(TODAY, "Again", NOW)
    Edition.objects.roll(NOW + dt.timedelta(days=2))
    assert states() == ["released"] * 3 + ["closed", "closed", "open"]
    tomorrow = TODAY + dt.timedelta(days=1)
    assert press(tomorrow, editors[0]) is Answer.RELEASED
    assert states() == ["released"] * 5 + ["open"]


def test_the_hold_of_an_open_day_ends_and_it_goes_out_by_itself(
    closed: None, editors: tuple[User, User], settings: Any
) -> None:
    settings.EDITIONS_NEED_APPROVAL = False
    hold(TODAY, "Wait", NOW)
    answer, days = press_as_seen(TODAY, editors[0])
    assert answer is Answer.HOLD_ENDED and [one.day for one in days] == [TODAY]
    assert states()[-1] == "open"
    Edition.objects.roll(NOW + dt.timedelta(days=1))
    assert states() == ["released"] * 4 + ["open"]


def test_two_editors_release_to_many_readers(two_needed: None, editors: tuple[User, User]) -> None:
    ada, bo = editors
    assert [press(SUNDAY, ada), press(SUNDAY, ada)] == [Answer.APPROVED, Answer.ANOTHER_WANTED]
    assert "released" not in states()
    assert press(SUNDAY, bo) is Answer.RELEASED
    assert states() == ["released"] * 3 + ["open"]


def test_one_is_enough_for_few(two_needed: None, editors: tuple[User, User]) -> None:
    Subscriber.objects.filter(email="r0@example.org").update(
        status="unsubscribed", next_digest_at=None
    )
    assert press(SUNDAY, editors[0]) is Answer.RELEASED


def test_what_changes_on_any_of_the_days_voids_the_approval(
    two_needed: None, editors: tuple[User, User], make_paper: Make
) -> None:
    ada, bo = editors
    paper: Paper = make_paper("Robot arms")
    changes: list[Callable[[], object]] = [
        lambda: curating.pick([paper.pk], SATURDAY, TODAY),
        lambda: touched([FRIDAY]),
        lambda: hold(SATURDAY, "Look again", NOW),
    ]
    for change in changes:
        assert press(SUNDAY, ada) is Answer.APPROVED
        change()
        assert press(SUNDAY, bo) is Answer.APPROVED, "nobody has approved what it is now"
        Edition.objects.update(approved_by=None)
    press(SUNDAY, bo)
    assert press(SATURDAY, ada) is Answer.RELEASED, "who approves a day approves those before it"
    assert states() == ["released", "released", "closed", "open"]


def test_nothing_is_released_that_is_not_as_it_was_seen(
    closed: None, editors: tuple[User, User]
) -> None:
    friday, saturday = (Edition.objects.filter(day=day) for day in (FRIDAY, SATURDAY))
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: hold(FRIDAY, "A wrong pick", NOW), "10 October 2025 is held"),
        (lambda: friday.update(hold_reason="Another"), "10 October 2025 is held"),
        (lambda: friday.update(held_at=None, hold_reason=""), "10 October 2025 is not held"),
        (lambda: friday.update(approved_by=editors[1]), "10 October 2025 is approved by bo"),
        (lambda: saturday.update(intro="New."), "11 October 2025 has another intro"),
        (lambda: friday.update(status="released", released_at=NOW), "not all days that were shown"),
        (lambda: friday.update(status="closed", released_at=None), "10 October 2025 would go out"),
    ]
    for change, words in changes:
        seen = version(goes_out(saturday.get()))
        change()
        answer, days = release(SATURDAY, editors[0], seen, NOW)
        assert answer is Answer.CHANGED and saturday.get().status == "closed"
        assert [told.startswith(words) for told in differences(seen, days)] == [True]
    for garbage in (
        "",
        "{",
        "[]",
        "{}",
        "1",
        '{"2025-10-11": 1}',
        '{"2025-10-11": []}',
        "[" * 9999,
    ):
        assert release(SATURDAY, editors[0], garbage, NOW)[0] is Answer.CHANGED


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_hold_and_the_release_of_the_clock_are_one_after_the_other(closed: None) -> None:
    """What is held while the release waits is left, with the days after it."""
    with waited_for(lambda: Edition.objects.release(SUNDAY, NOW)) as released:
        hold(SATURDAY, "A wrong pick", NOW)
    assert released == [1]
    assert states() == ["released", "closed", "closed", "open"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_day_that_closes_as_it_is_pressed_is_not_said_to_be_out(
    closed: None, editors: tuple[User, User]
) -> None:
    hold(TODAY, "Wait", NOW)
    seen = version(goes_out(Edition.objects.get(day=TODAY)))
    with waited_for(lambda: release(TODAY, editors[0], seen, NOW)[0]) as answers:
        Edition.objects.roll(NOW + dt.timedelta(days=1))
    assert answers == [Answer.CHANGED]
    assert Edition.objects.get(day=TODAY).status == "closed"


@contextmanager
def waited_for(act: Callable[[], object]) -> Iterator[list[object]]:
    """A transaction whose work something waits for that began before it; what that answered."""
    answers: list[object] = []

    def run() -> None:
        try:
            answers.append(act())
        except DatabaseError as error:
            answers.append(error)
        connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        yield answers
        thread.start()
        wait_until(lambda: _waiting() == 1, "it does not wait")
    thread.join(timeout=30)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_are_one_after_the_other(
    two_needed: None, editors: tuple[User, User]
) -> None:
    answers: list[Answer] = []

    seen = version(goes_out(Edition.objects.get(day=SUNDAY)))

    def pressed(by: User) -> None:
        answers.append(release(SUNDAY, by, seen, NOW)[0])
        connection.close()

    threads = [threading.Thread(target=pressed, args=[by]) for by in editors]
    with transaction.atomic():
        list(Edition.objects.select_for_update())
        for thread in threads:
            thread.start()
        wait_until(lambda: _waiting() == 2, "both must wait")
    for thread in threads:
        thread.join(timeout=30)
    assert len(answers) == 2 and set(answers) == {Answer.APPROVED, Answer.CHANGED}
    assert "released" not in states()


def _waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])
