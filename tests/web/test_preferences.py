import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.signing import BadSignature
from django.test import Client, override_settings

from subscriptions import links
from subscriptions.models import Delivery, Interest, Subscriber, Topic

SUNDAY = dt.datetime(2025, 10, 12, 9, tzinfo=dt.UTC)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Any:
    with time_machine.travel(SUNDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def reader(make_reader: Make, topics: dict[str, Topic]) -> Subscriber:
    followed = (topics["robotics"].pk, topics["cosmology"].pk)
    reader: Subscriber = make_reader(topics=followed, phrases=("robot arms",), muted=("ads",))
    return reader


def data(**changes: Any) -> dict[str, Any]:
    values = {
        "topics": ["robotics"], "phrases": "tides", "muted": "robot arms", "cadence": "weekly",
        "weekday": "0", "hour": "8", "timezone": "UTC", "pause_until": "",
    }  # fmt: skip
    return {**values, **changes}


def path(reader: Subscriber) -> str:
    return f"/preferences/{links.PREFERENCES.token(reader.pk)}/"


def test_the_form_shows_what_is_chosen(client: Client, reader: Subscriber) -> None:
    page = client.get(path(reader)).content.decode()
    assert page.count(" checked") == 3  # two topics and the cadence
    assert "robot arms</textarea>" in page and "ads</textarea>" in page


def test_the_form_tells_what_muted_phrases_kept_away(
    client: Client, reader: Subscriber, make_paper: Make
) -> None:
    assert "kept away" not in client.get(path(reader)).content.decode()
    for title in ("Robot arms in ads", "Robot arms for ads on ships", "Robot arms"):
        make_paper(title)
    call_command("send_due", now=SUNDAY + dt.timedelta(days=1))
    assert Delivery.objects.get().kept_away == {"ads": 2}
    old = SUNDAY.date() - dt.timedelta(weeks=9)
    Delivery.objects.create(
        subscriber=reader, first_day=old, newest_day=old, created_at=SUNDAY, kept_away={"ads": 7}
    )
    page = client.get(path(reader)).content.decode()
    assert "Papers kept away in the last eight weeks: “ads” 2." in page


def test_a_name_that_several_people_have_shows_what_it_brings(
    client: Client, reader: Subscriber, make_paper: Make
) -> None:
    for value in ("Wei Zhang", "Wei Zhang (cs.cv)", "Nobody Else"):
        Interest.objects.create(subscriber=reader, kind="author", value=value)
    make_paper("Pictures of <cups>", authors=["W. Zhang"], categories=["cs.CV", "cs.LG"])
    make_paper("Tides", authors=["Bo Li", "Zhang, Wei"], categories=["physics.ao-ph"])
    make_paper("Waves", authors=["Weijie Zhang"], categories=["physics.ao-ph"])
    make_paper("Of old", day=dt.date(2025, 9, 1), authors=["Wei Zhang"])
    page = client.get(path(reader)).content.decode()
    assert "<summary>Wei Zhang: 2 papers in the last 30 days</summary>" in page
    assert "<summary>Wei Zhang (cs.cv): 1 paper in the last 30 days</summary>" in page
    assert "<summary>Nobody Else: 0 papers in the last 30 days</summary>" in page
    assert page.count("Pictures of &lt;cups&gt;</a>") == 2
    assert page.count("Tides</a>") == 1
    assert "physics.ao-ph 1, cs.CV 1, cs.LG 1" in page
    assert "Waves" not in page and "Of old" not in page


def test_changes_are_kept_and_the_rest_stays(
    client: Client, reader: Subscriber, topics: dict[str, Topic]
) -> None:
    kept = reader.interests.get(topic=topics["robotics"])
    Interest.objects.filter(pk=kept.pk).update(weight=Interest.Weight.MORE)
    Interest.objects.create(subscriber=reader, kind="category", value="math.GT")
    author = Interest.objects.create(subscriber=reader, kind="author", value="A. Núñez", weight=4)
    Interest.objects.create(subscriber=reader, kind="author", value="Wei Zhang")
    changed = data(hour="18", cadence="daily", authors="A. Núñez\nBo Li (cs.CV)")
    answer = client.post(path(reader), changed)
    assert answer.status_code == 302
    found = {(str(i), i.weight) for i in reader.interests.all()}
    assert found == {("Robotics", 4), ("tides", 2), ("robot arms", -2), ("A. Núñez", 4),
                     ("math.GT", 2), ("Bo Li (cs.CV)", 2)}  # fmt: skip
    assert reader.interests.get(value="A. Núñez").pk == author.pk
    assert reader.interests.get(topic=topics["robotics"]).pk == kept.pk
    reader.refresh_from_db()
    assert reader.next_digest_at == dt.datetime(2025, 10, 12, 18, tzinfo=dt.UTC)
    assert 'role="status"' in client.get(answer["Location"]).content.decode()


def test_saving_without_a_change_of_schedule_keeps_the_slot(
    client: Client, reader: Subscriber
) -> None:
    before = reader.next_digest_at
    client.post(path(reader), data())
    reader.refresh_from_db()
    assert reader.next_digest_at == before


def test_a_pause_ends_by_itself_or_by_hand(client: Client, reader: Subscriber) -> None:
    client.post(path(reader), data(pause_until="2025-10-20"))
    reader.refresh_from_db()
    assert (reader.status, reader.paused_until) == ("paused", dt.date(2025, 10, 20))
    assert reader.next_digest_at == dt.datetime(2025, 10, 20, 8, tzinfo=dt.UTC)
    client.post(path(reader), data())
    reader.refresh_from_db()
    assert (reader.status, reader.paused_until) == ("active", None)
    assert reader.next_digest_at == dt.datetime(2025, 10, 13, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize("until", ["2025-10-12", "2020-01-01", "2027-01-01", "soon"])
def test_a_pause_that_makes_no_sense_is_told(
    client: Client, reader: Subscriber, until: str
) -> None:
    answer = client.post(path(reader), data(pause_until=until))
    assert answer.status_code == 422
    assert answer.context["form"].errors["pause_until"]


def test_a_retired_topic_stays_with_who_follows_it(
    client: Client, reader: Subscriber, topics: dict[str, Topic]
) -> None:
    Topic.objects.filter(slug="cosmology").update(status=Topic.Status.RETIRED)
    page = client.get(path(reader)).content.decode()
    assert 'value="cosmology"' in page
    assert 'value="cosmology"' not in client.get("/").content.decode()


def test_links_of_others_and_old_ones(client: Client, reader: Subscriber, frozen: Any) -> None:
    token = links.PREFERENCES.token(reader.pk)
    forged = token[:-1] + ("x" if token[-1] != "x" else "y")
    assert client.get(f"/preferences/{forged}/").status_code == 404
    assert client.get(f"/preferences/{links.UNSUBSCRIBE.token(reader.pk)}/").status_code == 404
    frozen.move_to(SUNDAY + dt.timedelta(days=366))
    assert client.post(f"/preferences/{token}/", data()).status_code == 410
    assert reader.interests.filter(value="tides").count() == 0


def test_one_click_needs_no_cookie_and_no_csrf_token(reader: Subscriber) -> None:
    """RFC 8058: a bare POST from a mail program, which follows no redirect."""
    client = Client(enforce_csrf_checks=True)
    url = f"/u/{links.UNSUBSCRIBE.token(reader.pk)}/"
    page = client.get(url)
    assert page.status_code == 200 and not page.cookies
    reader.refresh_from_db()
    assert reader.status == "active", "opening the link must not unsubscribe"
    body, kind = "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    answer = client.post(url, body, content_type=kind)
    assert answer.status_code == 200
    reader.refresh_from_db()
    assert (reader.status, reader.next_digest_at) == ("unsubscribed", None)
    reader.delete()
    assert client.post(url, body, content_type=kind).status_code == 200


def test_unsubscribe_outlives_years_and_new_keys(reader: Subscriber, frozen: Any) -> None:
    with override_settings(SECRET_KEY="the old key"):
        token = links.UNSUBSCRIBE.token(reader.pk)
        preferences = links.PREFERENCES.token(reader.pk)
    frozen.move_to(SUNDAY + dt.timedelta(days=3650))
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["the old key"]):
        assert links.UNSUBSCRIBE.read(token) == reader.pk
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]), pytest.raises(BadSignature):
        links.UNSUBSCRIBE.read(token)
    with override_settings(SECRET_KEY="the old key"), pytest.raises(BadSignature):
        links.CONFIRM.read(preferences)


def test_who_has_left_finds_the_way_back(client: Client, reader: Subscriber) -> None:
    client.post(f"/u/{links.UNSUBSCRIBE.token(reader.pk)}/")
    assert "sign up" in client.get(path(reader)).content.decode().lower()
