"""Two topics become one, with their readers; and who follows how many."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from subscriptions import links
from subscriptions.flows import topics as flow
from subscriptions.flows.choices import Choices
from subscriptions.flows.preferences import save_preferences, unsubscribe
from subscriptions.flows.subscribe import answer_request
from subscriptions.flows.topics import Overlap, followers, gather, merge, set_status
from subscriptions.models import (
    Delivery,
    Feedback,
    Interest,
    Pick,
    SignupRequest,
    Subscriber,
    Topic,
    TopicMark,
    TopicMatch,
)
from tests.conftest import MONDAY, choices
from tests.digests.week import FRIDAY
from tests.flows.test_locks import is_waited_for
from tests.services import wait_until
from tests.web.conftest import GOOD

Make = Callable[..., Any]
LESS, NORMAL, MORE = 1, 2, 4


@pytest.fixture
def speech(db: None) -> Topic:
    return Topic.objects.create(slug="speech", name="Speech", group="Sound", phrases=["speech"])


@pytest.fixture
def audio(db: None) -> Topic:
    return Topic.objects.create(slug="audio", name="Audio", group="Sound", phrases=["audio"])


def followed() -> dict[str, list[tuple[str, int]]]:
    rows = Interest.objects.order_by("subscriber", "pk")
    found: dict[str, list[tuple[str, int]]] = {}
    for email, topic, weight in rows.values_list("subscriber__email", "topic__slug", "weight"):
        found.setdefault(email.partition("@")[0], []).append((topic, weight))
    return found


def test_followers_of_one_follow_the_other(make_reader: Make, speech: Topic, audio: Topic) -> None:
    pks = {"one": (speech.pk,), "both": (speech.pk, audio.pk), "keen": (speech.pk, audio.pk),
           "other": (audio.pk,), "gone": (speech.pk,)}  # fmt: skip
    readers = {name: make_reader(f"{name}@example.org", topics=of) for name, of in pks.items()}
    unsubscribe(readers["gone"].pk, MONDAY)
    Interest.objects.filter(subscriber=readers["one"]).update(weight=LESS)
    Interest.objects.filter(subscriber=readers["both"], topic=speech).update(weight=MORE)
    Interest.objects.filter(subscriber=readers["keen"], topic=speech).update(weight=LESS)
    assert flow.overlap(speech, audio) == Overlap(followers=4, active=3, both=2)
    assert merge(speech.pk, audio.pk) == Overlap(followers=4, active=3, both=2)
    assert followed() == {
        "one": [("audio", LESS)],
        "both": [("audio", MORE)],
        "keen": [("audio", NORMAL)],
        "other": [("audio", NORMAL)],
        "gone": [("audio", NORMAL)],
    }
    speech.refresh_from_db()
    assert (speech.status, speech.merged_into) == ("retired", audio)


def test_what_readers_said_goes_on_training_what_is_kept(
    make_reader: Make, make_paper: Make, speech: Topic, audio: Topic
) -> None:
    reader = make_reader(topics=(speech.pk, audio.pk))
    lost, kept = (Interest.objects.get(topic=topic) for topic in (speech, audio))
    papers = [make_paper(f"Voices {n}") for n in range(2)]
    delivery = Delivery.objects.create(
        subscriber=reader, first_day=FRIDAY, newest_day=FRIDAY, created_at=MONDAY,
        items=[
            {"paper": paper.pk, "section": "matches", "interest": interest.pk,
             "reason": f"You follow {interest.topic}"}
            for paper, interest in zip(papers, (lost, kept), strict=True)
        ],
    )  # fmt: skip
    Feedback.objects.create(
        subscriber=reader, paper=papers[0], interest=lost, verdict="more", given_at=MONDAY
    )
    merge(speech.pk, audio.pk)
    assert Feedback.objects.get().interest == kept

    # The digest that was sent before is as it was, and its links still work.
    address = links.DIGEST.url(delivery.pk).removeprefix("http://localhost:8000")
    client = Client()
    assert "You follow Speech" in client.get(address).text
    assert "You follow Speech" in client.get(f"{address}0/why/").text
    assert client.post(f"{address}0/less/").status_code == 302
    assert client.post(f"{address}1/why/").status_code == 302
    assert Feedback.objects.get().verdict == "less"
    assert Interest.objects.get().weight == LESS


def test_picks_and_marks_go_along(make_paper: Make, speech: Topic, audio: Topic) -> None:
    papers = [make_paper(f"Voices {n}") for n in range(3)]
    for_one, for_both, for_all = (Pick.objects.create(paper=p, day=FRIDAY) for p in papers)
    for_one.topics.set([speech])
    for_both.topics.set([speech, audio])
    for topic, paper, verdict in [
        (speech, papers[0], "wrong"), (speech, papers[1], "wrong"), (audio, papers[1], "right"),
    ]:  # fmt: skip
        flow.mark(topic, paper.pk, verdict, None, MONDAY)
    TopicMatch.objects.create(topic=speech, paper=papers[0], score=4)
    merge(speech.pk, audio.pk)
    assert [[*pick.topics.all()] for pick in (for_one, for_both, for_all)] == [[audio], [audio], []]
    marks = TopicMark.objects.order_by("paper").values_list("topic", "paper", "verdict")
    assert [*marks] == [(audio.pk, papers[0].pk, "wrong"), (audio.pk, papers[1].pk, "right")]
    assert not TopicMatch.objects.exists()


def test_who_asks_for_it_is_brought_to_the_other(
    client: Client, speech: Topic, audio: Topic, django_capture_on_commit_callbacks: Any
) -> None:
    SignupRequest.objects.create(
        email="bo@example.org", choices=choices(topics=(speech.pk,)).as_json(), asked_at=MONDAY
    )
    merge(speech.pk, audio.pk)
    for address in ("/topics/{}/", "/feeds/topics/{}.atom"):
        answer = client.get(address.format("speech"))
        assert (answer.status_code, answer["Location"]) == (302, address.format("audio"))
        assert client.get(address.format("audio")).status_code == 200
    assert "Speech" not in client.get("/").text + client.get("/topics/").text
    # A form that was opened before, and one that waits for its answer.
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/", {**GOOD, "phrases": "", "topics": "speech"}).status_code == 302
    for pk in SignupRequest.objects.values_list("pk", flat=True):
        answer_request(pk, MONDAY)
    assert followed() == {"ada": [("audio", NORMAL)], "bo": [("audio", NORMAL)]}


def test_who_began_to_follow_it_meanwhile_is_brought_along_by_the_tick(
    make_reader: Make, speech: Topic, audio: Topic, django_assert_num_queries: Any
) -> None:
    both, one = (make_reader(f"{name}@example.org", topics=(audio.pk,)) for name in ("both", "one"))
    merge(speech.pk, audio.pk)
    Interest.objects.create(subscriber=both, kind="topic", topic=speech, weight=MORE)
    one.interests.update(topic=speech)
    gather()
    assert followed() == {"both": [("audio", MORE)], "one": [("audio", NORMAL)]}
    with django_assert_num_queries(1):
        gather()


def test_merged_twice_it_is_where_the_last_is(speech: Topic, audio: Topic) -> None:
    music = Topic.objects.create(slug="music", name="Music", group="Sound")
    assert merge(speech.pk, audio.pk)
    assert merge(audio.pk, music.pk)
    assert {*Topic.objects.values_list("slug", "merged_into__slug")} == {
        ("speech", "music"), ("audio", "music"), ("music", None),
    }  # fmt: skip
    assert merge(speech.pk, music.pk) is None, "it was merged before"
    assert merge(music.pk, audio.pk) is None, "the other is not offered"
    assert merge(music.pk, music.pk) is None
    # Offered again it is a topic of its own, and those merged into it stay with the last.
    assert set_status(Topic.objects.filter(slug="audio"), "offered") == [audio]
    assert Topic.objects.get(slug="audio").merged_into is None
    assert set_status(Topic.objects.filter(slug="audio"), "offered") == []


def test_of_many_readers_it_is_estimated_who_follows_what(
    make_reader: Make, speech: Topic, audio: Topic, monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    for n in range(8):
        make_reader(f"r{n}@example.org", topics=(speech.pk, *((audio.pk,) if n % 2 else ())))
    for reader in Subscriber.objects.filter(email__in=["r0@example.org", "r2@example.org"]):
        unsubscribe(reader.pk, MONDAY)
    with django_assert_num_queries(2):
        assert followers() == flow.Followers({speech.pk: 6, audio.pk: 4}, about=False)
    monkeypatch.setattr(flow, "FEW", 10)
    with django_assert_num_queries(3):
        assert followers() == flow.Followers({speech.pk: 6, audio.pk: 3}, about=True)
    with django_assert_num_queries(0):
        assert followers().about


@pytest.mark.parametrize(("exact", "said"), [(7, 7), (97, 97), (104, 100), (35_217, 35_000)])
def test_an_estimate_has_two_digits(exact: int, said: int) -> None:
    assert flow._rounded(exact) == said


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_who_changes_their_choices_at_that_moment_loses_nothing(
    make_reader: Make, speech: Topic, audio: Topic
) -> None:
    reader = make_reader(topics=(speech.pk,))
    found: list[Overlap | None] = []

    def run() -> None:
        found.append(merge(speech.pk, audio.pk))
        connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        wanted = Choices(topics=(speech.pk, audio.pk))
        assert save_preferences(reader.pk, wanted, None, MONDAY)
        thread.start()
        wait_until(is_waited_for, "the merge waits for nothing")
    thread.join()
    assert found == [Overlap(followers=1, active=1, both=1)]
    assert followed() == {"ada": [("audio", NORMAL)]}
