import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.core.signing import BadSignature
from django.test import Client, override_settings

from subscriptions import links
from subscriptions.models import Delivery, Interest, Paper, Subscriber, Topic, WantedPaper

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
        "weekday": "0", "hour": "8", "timezone": "UTC", "pause_until": "", "max_papers": "10",
        "sections": ["picks", "matches", "trending"],
    }  # fmt: skip
    return {**values, **changes}


def path(reader: Subscriber) -> str:
    return f"/preferences/{links.PREFERENCES.token(reader.pk)}/"


def test_the_form_shows_what_is_chosen(client: Client, reader: Subscriber) -> None:
    page = client.get(path(reader)).content.decode()
    # two topics, the cadence, three weights, three sections
    assert page.count(" checked") == 9
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
    ours = Paper.objects.create(title="Ours", own_id="lab:1", first_seen=SUNDAY)
    Interest.objects.create(subscriber=reader, kind="paper", paper=ours)
    author = Interest.objects.create(subscriber=reader, kind="author", value="A. Núñez", weight=4)
    Interest.objects.create(subscriber=reader, kind="author", value="Wei Zhang")
    changed = data(hour="18", cadence="daily", authors="A. Núñez\nBo Li (cs.CV)")
    answer = client.post(path(reader), changed)
    assert answer.status_code == 302
    found = {(str(i), i.weight) for i in reader.interests.all()}
    assert found == {("Robotics", 4), ("tides", 2), ("robot arms", -2), ("A. Núñez", 4),
                     ("Ours", 2), ("Bo Li (cs.CV)", 2)}  # fmt: skip
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


def test_each_interest_has_its_weight(
    client: Client, reader: Subscriber, topics: dict[str, Topic]
) -> None:
    robotics = reader.interests.get(topic=topics["robotics"])
    muted = reader.interests.get(value="ads")
    other = Interest.objects.create(
        subscriber=Subscriber.objects.create(
            email="bo@example.org", consent_version="1", consent_asked_at=SUNDAY
        ),
        kind="phrase",
        value="tides",
    )
    page = client.get(path(reader)).text
    assert f'name="weight-{robotics.pk}"' in page and f'name="weight-{muted.pk}"' not in page
    changes = {f"weight-{i.pk}": "4" for i in (robotics, muted, other)}
    assert client.post(path(reader), data(**changes)).status_code == 302
    found = dict(Interest.objects.values_list("pk", "weight"))
    assert (found[robotics.pk], found[other.pk]) == (4, 2)
    wrong = client.post(path(reader), data(**{f"weight-{robotics.pk}": "-2"}))
    assert wrong.status_code == 422
    assert "Select a valid choice" in wrong.text


def test_size_sections_and_layout(client: Client, reader: Subscriber, make_paper: Make) -> None:
    changes = data(phrases="robot arms", muted="", max_papers="5", sections=["matches"],
                   text_only="on", topics=[])  # fmt: skip
    assert client.post(path(reader), changes).status_code == 302
    reader.refresh_from_db()
    assert (reader.max_papers, reader.sections_off) == (5, ["picks", "trending"])
    for n in range(8):
        make_paper(f"Robot arms and {n} hands", votes=n, authors=[f"A. {n}"])
    call_command("send_due", now=SUNDAY + dt.timedelta(days=1))
    (message,) = mail.outbox
    assert message.message().get_content_type() == "text/plain"
    assert str(message.body).count("More like this [") == 5
    nothing = client.post(path(reader), data(sections=[]))
    assert nothing.status_code == 422 and "Keep at least one section." in nothing.text


def test_an_example_paper_that_is_not_here_is_asked_for(client: Client, reader: Subscriber) -> None:
    client.post(path(reader), data(papers="arxiv.org/abs/2401.00001"))
    assert not WantedPaper.objects.exists(), "that is no link"
    client.post(path(reader), data(papers="2401.00001v2"))
    assert [row.arxiv_id for row in WantedPaper.objects.all()] == ["2401.00001"]
    assert "2401.00001</textarea>" in client.get(path(reader)).text
    client.post(path(reader), data(papers=""))
    assert not reader.interests.filter(kind="paper").exists()


def test_a_private_feed_is_turned_on_given_a_new_address_and_turned_off(
    client: Client, reader: Subscriber
) -> None:
    feed = f"{path(reader)}feed/"
    keys = []
    for _ in range(2):
        assert client.post(feed, {"turn": "on"}).status_code == 302
        reader.refresh_from_db()
        assert reader.feed_key and len(reader.feed_key) >= 43
        assert f"/feeds/mine/{reader.feed_key}.atom" in client.get(path(reader)).text
        keys.append(reader.feed_key)
    assert len(set(keys)) == 2
    client.post(feed, {"turn": "off"})
    reader.refresh_from_db()
    assert reader.feed_key is None and "/feeds/mine/" not in client.get(path(reader)).text


@pytest.mark.parametrize("kind", ["preferences", "digest"])
def test_an_expired_link_offers_a_new_one_by_mail(
    client: Client, reader: Subscriber, frozen: Any, kind: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    day = SUNDAY.date()
    delivery = Delivery.objects.create(
        subscriber=reader, first_day=day, newest_day=day, created_at=SUNDAY
    )
    token = (
        links.PREFERENCES.token(reader.pk) if kind == "preferences"
        else links.DIGEST.token(delivery.pk)
    )  # fmt: skip
    frozen.move_to(SUNDAY + dt.timedelta(days=366))
    page = client.get(f"/{kind}/{token}/")
    assert page.status_code == 410 and f"/fresh/{token}/" in page.text
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/fresh/{token}/")["Location"] == "/check-inbox/"
        assert client.post(f"/fresh/1{token}/").status_code == 404
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"] and "/preferences/" in message.body
    assert reader.interests.count() == 4, "a new link changes no choice"
    Subscriber.objects.update(status="unsubscribed", next_digest_at=None)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/fresh/{token}/")["Location"] == "/check-inbox/"
    assert len(mail.outbox) == 1
    assert Subscriber.objects.get().status == "unsubscribed"


def test_the_page_takes_a_constant_number_of_queries(
    client: Client, reader: Subscriber, make_paper: Make, django_assert_max_num_queries: Any
) -> None:
    for n in range(20):
        Interest.objects.create(subscriber=reader, kind="author", value=f"Ann Author{n}")
        paper = make_paper(f"Tides {n}", authors=[f"Ann Author{n}"])
        Interest.objects.create(subscriber=reader, kind="paper", paper=paper)
    with django_assert_max_num_queries(7):
        client.get(path(reader))


def test_another_spelling_keeps_an_interest_with_all_it_has_learned(
    client: Client, reader: Subscriber
) -> None:
    before = reader.interests.get(value="robot arms")
    changes = data(phrases="Robot Arms", muted="", **{f"weight-{before.pk}": "4"})
    assert client.post(path(reader), changes).status_code == 302
    after = reader.interests.get(value="Robot Arms")
    assert (after.pk, after.weight) == (before.pk, 4)


def test_tomorrow_is_tomorrow_where_the_reader_is(client: Client, reader: Subscriber) -> None:
    """At 9:00 UTC on Sunday it is still Saturday in Honolulu until 10:00."""
    sunday = data(timezone="Pacific/Honolulu", pause_until="2025-10-12")
    assert client.post(path(reader), sunday).status_code == 302
    reader.refresh_from_db()
    assert reader.paused_until == dt.date(2025, 10, 12)
    today = data(timezone="Pacific/Honolulu", pause_until="2025-10-11")
    assert client.post(path(reader), today).status_code == 422
