"""What editors do with papers: picked, ordered, noted, moved, hidden, and all of it undone."""

import datetime as dt
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from subscriptions.flows import curating
from subscriptions.flows.curating import Change
from subscriptions.flows.refused import Refused
from subscriptions.models import Edition, Paper, Pick, Topic
from tests.conftest import MONDAY
from tests.services import wait_until

TODAY = MONDAY.date()
DAY = dt.timedelta(days=1)
Make = Callable[..., Any]

pytestmark = pytest.mark.django_db


@pytest.fixture
def papers(make_paper: Make) -> list[int]:
    Edition.objects.roll(MONDAY)
    return [make_paper(f"Paper {n}").pk for n in range(5)]


def order(day: dt.date = TODAY) -> list[int]:
    """The papers of a day's picks; their positions are dense."""
    rows = list(Pick.objects.filter(day=day).order_by("position").values_list("position", "paper"))
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [paper for _, paper in rows]


def state() -> Any:
    """All that curating changes."""
    picks = Pick.objects.order_by("day", "position").prefetch_related("topics")
    return (
        [(p.day, p.position, p.paper_id, p.note, [t.pk for t in p.topics.all()]) for p in picks],
        dict(Paper.objects.values_list("pk", "hidden")),
    )


def to(position: int) -> Callable[[int], int]:
    return lambda at: position


def undo(change: Change) -> tuple[Change, int]:
    """As a session kept it."""
    return curating.undo(Change.load(json.loads(json.dumps(change.dump()))))


def test_picks_go_to_the_end_and_stay_as_they_are_when_picked_again(papers: list[int]) -> None:
    curating.pick(papers[:2], TODAY, TODAY, note="Read it.\r\n\0")
    curating.pick([papers[2], papers[0]], TODAY, TODAY, note="Another")
    assert order() == [papers[0], papers[1], papers[2]]
    assert [pick.note.strip() for pick in Pick.objects.order_by("position")] == [
        "Read it.", "Read it.", "Another",
    ]  # fmt: skip
    assert not curating.pick(papers[:3], TODAY, TODAY)
    curating.take_back([papers[0]], TODAY)
    assert order() == [papers[1], papers[2]]
    assert not curating.take_back([papers[0]], TODAY)


def test_hidden_papers_are_not_picked(papers: list[int]) -> None:
    curating.hide(papers[:1], Paper.Hidden.OFF_TOPIC)
    curating.pick(papers[:2], TODAY, TODAY)
    assert order() == [papers[1]]
    with pytest.raises(Refused, match="hidden"):
        curating.edit(papers[0], TODAY, TODAY, "A note", [], TODAY)
    assert not curating.hide(papers[:1], Paper.Hidden.OFF_TOPIC)


def test_days_that_no_digest_would_look_at_are_refused(papers: list[int]) -> None:
    for day, why in ((TODAY - 7 * DAY, "too long ago"), (TODAY + 367 * DAY, "too far ahead")):
        with pytest.raises(Refused, match=why):
            curating.pick(papers, day, TODAY)
        with pytest.raises(Refused, match=why):
            curating.edit(papers[0], day, day, "A note", [], TODAY)
    assert not Pick.objects.exists()


def test_a_pick_moves_to_another_day_unless_readers_may_have_had_it(
    papers: list[int], topics: dict[str, Topic]
) -> None:
    robotics = topics["robotics"].pk
    curating.pick(papers[:3], TODAY, TODAY)
    curating.edit(papers[1], TODAY, TODAY + DAY, "Tomorrow", [robotics], TODAY)
    assert (order(), order(TODAY + DAY)) == ([papers[0], papers[2]], [papers[1]])
    moved = Pick.objects.get(day=TODAY + DAY)
    assert (moved.note, [topic.pk for topic in moved.topics.all()]) == ("Tomorrow", [robotics])
    with pytest.raises(Refused, match="released"):
        curating.edit(papers[0], TODAY, TODAY - DAY, "", [], TODAY)
    curating.pick(papers[:1], TODAY - DAY, TODAY)
    with pytest.raises(Refused, match="released"):
        curating.edit(papers[0], TODAY - DAY, TODAY + DAY, "", [], TODAY)
    curating.pick(papers[:1], TODAY + DAY, TODAY)
    with pytest.raises(Refused, match="already"):
        curating.edit(papers[0], TODAY, TODAY + DAY, "", [], TODAY)
    assert order() == [papers[0], papers[2]], "what is refused changes nothing"
    curating.edit(papers[0], TODAY - DAY, TODAY - DAY, "A note after release", [], TODAY)
    assert Pick.objects.get(day=TODAY - DAY).note == "A note after release"


def test_any_change_of_picks_voids_an_approval_and_no_other_days(
    papers: list[int], admin_user: User
) -> None:
    def approve() -> None:
        Edition.objects.filter(day__lt=TODAY).update(approved_by=admin_user, **closed)

    def approved() -> bool:
        others = Edition.objects.filter(day__lt=day).values_list("approved_by", flat=True)
        assert set(others) == {admin_user.pk}
        return bool(Edition.objects.get(day=day).approved_by)

    day, closed = TODAY - DAY, {"status": "closed", "released_at": None}
    curating.pick(papers[:2], day, TODAY)
    last = Change()
    doings: list[Callable[[Change], Change]] = [
        lambda _: curating.pick(papers[2:3], day, TODAY),
        lambda _: curating.edit(papers[0], day, day, "A note", [], TODAY),
        lambda _: curating.place(papers[0], day, lambda at: at + 1),
        lambda _: curating.hide(papers[:1], Paper.Hidden.DUPLICATE),
        lambda hidden: undo(hidden)[0],
        lambda _: curating.take_back(papers[:1], day),
    ]
    for do in doings:
        approve()
        last = do(last)
        assert last and not approved()
    approve()
    curating.take_back(papers[:1], day)
    curating.hide(papers[3:4], Paper.Hidden.DUPLICATE)
    assert approved(), "nothing of this day changed"


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("pick"), st.sets(st.integers(0, 4), min_size=1), st.integers(0, 1)),
        st.tuples(st.just("back"), st.sets(st.integers(0, 4), min_size=1), st.integers(0, 1)),
        st.tuples(st.just("hide"), st.sets(st.integers(0, 4), min_size=1), st.integers(0, 3)),
        st.tuples(st.just("place"), st.integers(0, 4), st.integers(0, 7)),
        st.tuples(st.just("edit"), st.integers(0, 4), st.integers(0, 1)),
    ),
    max_size=12,
)


@given(changes=CHANGES)
@example(changes=[("edit", 0, 0), ("edit", 1, 0), ("back", {0, 1}, 0)])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_positions_stay_dense_and_undoing_all_restores_all(
    papers: list[int], changes: list[Any]
) -> None:
    Pick.objects.all().delete()
    Paper.objects.update(hidden="")
    two = [Topic.objects.get_or_create(slug=name, name=name)[0].pk for name in "ab"]
    before, done = state(), []
    for what, which, arg in changes:
        some = [papers[n] for n in which] if isinstance(which, set) else [papers[which]]
        day = TODAY + arg * DAY if what != "place" else TODAY
        try:
            if what == "pick":
                done.append(curating.pick(some, day, TODAY))
            elif what == "back":
                done.append(curating.take_back(some, day))
            elif what == "hide":
                done.append(curating.hide(some, list(Paper.Hidden)[arg]))
            elif what == "place":
                there = order()
                done.append(curating.place(some[0], day, to(arg)))
                if some[0] in there:
                    there.remove(some[0])
                    there.insert(arg, some[0])
                assert order() == there
            else:
                note, topic = f"Note {len(done)}", two[len(done) % 2]
                done.append(curating.edit(some[0], TODAY, day, note, [topic], TODAY))
        except Refused:
            pass
        order(TODAY), order(TODAY + DAY)
    for change in reversed(done):
        assert undo(change)[1] == 0
        order(TODAY), order(TODAY + DAY)
    assert state() == before


def test_undoing_leaves_what_somebody_has_changed_since(papers: list[int]) -> None:
    noted = curating.edit(papers[0], TODAY, TODAY, "Mine", [], TODAY)
    hidden = curating.hide(papers[1:3], Paper.Hidden.OFF_TOPIC)
    curating.edit(papers[0], TODAY, TODAY, "Theirs", [], TODAY)
    curating.hide(papers[1:2], Paper.Hidden.WITHDRAWN)
    before = state()
    change, left = undo(noted)
    assert (left, bool(change), state()) == (1, False, before)
    assert undo(hidden)[1] == 1
    hidden_now = Paper.objects.order_by("pk").values_list("hidden", flat=True)[:3]
    assert list(hidden_now) == ["", "withdrawn", ""]
    curating.pick(papers[3:5], TODAY, TODAY)
    curating.place(papers[0], TODAY, lambda at: 2)
    undone, left = undo(curating.place(papers[4], TODAY, lambda at: 0))
    assert (bool(undone), left) == (True, 0), "that others moved is no conflict"


def test_a_pick_for_followers_of_a_topic_that_is_gone_is_never_for_everyone(
    papers: list[int], topics: dict[str, Topic]
) -> None:
    robotics, other = topics["robotics"], topics["reasoning"]
    curating.edit(papers[0], TODAY, TODAY, "", [robotics.pk], TODAY)
    curating.edit(papers[1], TODAY, TODAY, "", [robotics.pk, other.pk], TODAY)
    taken = [curating.take_back([paper], TODAY) for paper in papers[:2]]
    gone = robotics.pk
    robotics.delete()
    undo(taken[1])
    assert [topic.pk for topic in Pick.objects.get().topics.all()] == [other.pk]
    before = state()
    with pytest.raises(Refused, match="deleted"):
        undo(taken[0])
    with pytest.raises(Refused, match="deleted"):
        curating.edit(papers[2], TODAY, TODAY, "", [gone], TODAY)
    assert state() == before


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_editors_who_pick_at_once_get_two_positions(papers: list[int]) -> None:
    def pick() -> None:
        curating.pick(papers[1:2], TODAY + DAY, TODAY)
        connection.close()

    other = threading.Thread(target=pick)
    with curating.alone():
        curating.pick(papers[:1], TODAY + DAY, TODAY)
        other.start()
        wait_until(_somebody_waits, "the other did not wait")
    other.join(timeout=30)
    assert order(TODAY + DAY) == papers[:2]


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
