"""The workspace of a day: its intro, release and hold, by one editor or two."""

import datetime as dt
import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from subscriptions.digests.tick import send_due
from subscriptions.models import Edition, Paper, Pick

MONDAY = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
TODAY, SUNDAY = MONDAY.date(), dt.date(2025, 10, 12)
HOSTILE = (
    "<script>alert(1)</script> [steal](javascript:alert(1)) **\u202ereversed** <style>*{}</style>"
    " [fine](https://example.org/a)"
)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def week(settings: Any, make_paper: Make) -> list[Paper]:
    """Saturday and Sunday are closed, today is open."""
    settings.EDITIONS_NEED_APPROVAL = True
    Edition.objects.roll(MONDAY - dt.timedelta(days=2))
    Edition.objects.filter(status="closed").update(status="released", released_at=MONDAY)
    Edition.objects.roll(MONDAY)
    return [make_paper(f"Robot arms {n}", votes=n, day=SUNDAY) for n in range(3)]


def url(page: str, *args: object) -> str:
    return reverse(f"admin:subscriptions_edition_{page}", args=args)


def edition(day: dt.date = SUNDAY) -> Edition:
    return Edition.objects.get(day=day)


def look(client: Client, day: dt.date = SUNDAY) -> str:
    page = client.get(url("change", edition(day).pk))
    assert page.status_code == 200
    return " ".join(page.text.split())


def editor(name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, f"{name}@example.org", is_staff=True)
    names = permissions or ("view_edition", "change_edition", "release_edition")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def press(client: Client, day: dt.date = SUNDAY) -> str:
    """Release it as the page offers it."""
    page = url("release", edition(day).pk)
    found = re.search(r'name="seen_days" value="(.*?)"', client.get(page).text)
    posted = {"seen_days": html.unescape(found[1])} if found else {}
    return client.post(page, posted, follow=True).text


def logged(day: dt.date = SUNDAY) -> list[tuple[str, str]]:
    rows = LogEntry.objects.filter(object_id=str(edition(day).pk)).order_by("pk")
    return [(row.user.get_username(), row.get_change_message()) for row in rows]


def test_the_page_says_what_there_is_and_what_a_release_would_do(
    admin_client: Client, week: list[Paper], make_reader: Make
) -> None:
    make_reader("ada@example.org", at=MONDAY, hour=8)
    make_reader("bo@example.org", at=MONDAY, cadence="daily", hour=11)
    week[0].hidden = "off-topic"
    week[0].save()
    Pick.objects.create(paper=week[0], day=SUNDAY)
    Pick.objects.create(paper=week[1], day=SUNDAY, note="Read *this*.")
    page = look(admin_client)
    assert "Edition of Sunday 12 October 2025" in page and "State: closed" in page
    assert "2 papers, and 1 hidden; 1 pick." in page
    assert "Robot arms 1" in page and "Read <em>this</em>." in page
    assert "Hidden as off topic: reaches nobody." in page
    assert "lets 2 days go out, 11 October to 12 October 2025." in page
    assert "<b>2 readers</b>: the first gets it on <b>Monday 13 October, 11:00 UTC</b>" in page
    assert "the last on Monday 20 October, 08:00 UTC" in page
    assert "It can be released when it is over" in look(admin_client, TODAY)
    assert f"?day={SUNDAY}" in page, "the board of this day"


def test_release_with_those_before(admin_client: Client) -> None:
    page = url("release", edition().pk)
    said = " ".join(admin_client.get(page).text.split())
    assert "A release lets 2 days go out" in said and "0 readers" in said
    assert edition().status == "closed", "a GET changes nothing"
    answer = press(admin_client)
    assert "12 October 2025 is released with 1 before it." in answer
    assert "Released on Monday 13 October 2025, 09:00 UTC" in answer
    assert set(Edition.objects.filter(day__lte=SUNDAY).values_list("status", flat=True)) == {
        "released"
    }
    said_of_both = [("admin", "Released up to 2025-10-12")]
    assert logged() == logged(SUNDAY - dt.timedelta(days=1)) == said_of_both
    assert "is released already" in admin_client.post(page, follow=True).text


def test_the_list_releases_after_it_has_said_for_whom(admin_client: Client) -> None:
    chosen = [edition(SUNDAY - dt.timedelta(days=n)).pk for n in range(2)]
    act = {"action": "release", "_selected_action": chosen}
    answer: Any = admin_client.post(url("changelist"), act)
    assert answer.url == url("release", edition().pk), "of the newest of them"
    assert edition().status == "closed"


def test_hold_says_why_and_a_release_ends_it(admin_client: Client) -> None:
    page = url("hold", edition(TODAY).pk)
    for reason in ("  ", "x" * 201):
        assert "Reason for a hold:" in admin_client.post(page, {"reason": reason}, follow=True).text
        assert edition(TODAY).held_at is None
    reason = "Ask <b>ada@example.org</b>"
    answer = admin_client.post(page, {"reason": reason}, follow=True)
    assert "State: open, held" in answer.text
    assert "“<bdi>Ask &lt;b&gt;ada@example.org&lt;/b&gt;</bdi>”" in answer.text
    assert logged(TODAY) == [("admin", "Held: Ask <b>a…@e….org</b>")]
    assert "End the hold" in answer.text
    ended = press(admin_client, TODAY)
    assert "is not held any more" in ended and edition(TODAY).held_at is None
    assert logged(TODAY)[-1] == ("admin", "Hold ended")


def test_a_release_ends_no_hold_that_its_editor_never_saw(admin_client: Client) -> None:
    page, opened = url("release", edition().pk), look(admin_client)
    found = re.search(r'name="seen_days" value="(.*?)"', opened)
    assert found
    admin_client.post(url("hold", edition().pk), {"reason": "A wrong pick"})
    for posted in ({"seen_days": html.unescape(found[1])}, {}):
        answer = admin_client.post(page, posted, follow=True)
        assert answer.request["PATH_INFO"] == page
        said = "12 October 2025 is held" if posted else "it was not seen what would go out"
        assert f"Nothing is done, as it is not what you had seen: {said}." in answer.text
        assert "It ends the hold of 12 October: “<bdi>A wrong pick</bdi>”." in answer.text
        assert edition().held_at and edition().status == "closed"
    assert logged() == [("admin", "Held: A wrong pick")]


def test_a_held_day_keeps_those_after_it_and_their_pages_say_so(admin_client: Client) -> None:
    saturday = SUNDAY - dt.timedelta(days=1)
    act = {"action": "hold", "_selected_action": [edition(saturday).pk], "reason": "A wrong pick"}
    answer = admin_client.post(url("changelist"), act, follow=True)
    assert "11 October 2025 held" in answer.text and ">held<" in answer.text
    page = look(admin_client)
    assert "11 October</a> is held, and a held day keeps those after it." in page
    assert "It ends the hold of 11 October: “<bdi>A wrong pick</bdi>”." in page
    again = admin_client.post(url("changelist"), act, follow=True)
    assert "Left alone, as released or held already: 11 October 2025." in again.text
    held = admin_client.get(url("changelist"), {"state": "held"}).text
    assert url("change", edition(saturday).pk) in held
    assert url("change", edition().pk) not in held


def test_two_editors_where_the_site_asks_for_two(settings: Any, make_reader: Make) -> None:
    settings.TWO_RELEASE_ABOVE = 1
    make_reader("r1@example.org")
    make_reader("r2@example.org")
    ada, bo = editor("ada"), editor("bo")
    page = url("release", edition().pk)
    assert "You would be the first of them." in look(ada)
    assert "Another editor must release it, too" in press(ada)
    assert "another editor must, too" in look(ada) and 'value="Release"' not in look(ada)
    ada.post(page)
    assert edition().status == "closed", "the same editor does not count twice"
    assert "<b>ada</b> did; you complete it." in look(bo)
    saved = bo.post(url("change", edition().pk), {"intro": "Other words."}, follow=True)
    assert "The approval was of another intro" in saved.text
    assert "Another editor must release it, too" in press(bo)
    press(ada)
    assert edition().status == "released"
    said = [entry for entry in logged() if entry[1].startswith(("Approved", "Released"))]
    first = "Approved as the first of two up to 2025-10-12"
    assert said == [("ada", first), ("bo", first), ("ada", "Released up to 2025-10-12")]


def test_the_intro_is_markdown_and_is_shown_while_it_is_written(admin_client: Client) -> None:
    page = url("change", edition().pk)
    shown = admin_client.post(url("intro"), {"intro": "A *good* week."}).text
    assert "A <em>good</em> week." in shown and "1986 characters left." in shown
    assert edition().intro == ""
    admin_client.post(page, {"intro": "A *good* week."})
    assert edition().intro == "A *good* week."
    assert logged()[-1][1].startswith("Changed Intro")
    assert "<em>good</em>" in look(admin_client)
    refused = admin_client.post(page, {"intro": "x" * 2001})
    assert "at most 2000 characters (it has 2001)" in refused.text
    assert "1 character too many." in refused.text


def test_a_hostile_intro_is_harmless_on_the_page_and_in_the_mail(
    admin_client: Client, make_reader: Make
) -> None:
    page = url("change", edition().pk)
    assert admin_client.post(page, {"intro": HOSTILE}).status_code == 302
    shown = admin_client.post(url("intro"), {"intro": HOSTILE}).text
    huge = "<script>" * 131_072
    assert admin_client.post(page, {"intro": huge}).status_code == 200
    assert len(admin_client.post(url("intro"), {"intro": huge}).text) < 100
    make_reader("ada@example.org")
    Edition.objects.release(SUNDAY, MONDAY)
    send_due(MONDAY, lambda: MONDAY)
    message: Any = mail.outbox[0]
    framed = admin_client.get(url("preview_html", edition().pk)).text
    for markup in (shown, look(admin_client), framed, message.alternatives[0].content):
        assert "<script>alert" not in markup and "<style>*" not in markup and "\u202e" not in markup
        assert 'href="javascript:' not in markup
        assert 'href="https://example.org/a"' in markup
    assert "\u202e" not in message.body


def test_who_may_do_what(make_reader: Make) -> None:
    reader, day = make_reader("ada@example.org"), edition()
    viewer, writer = editor("vi", "view_edition"), editor("wu", "view_edition", "change_edition")
    assert "Release</" not in look(viewer) and 'value="Release"' not in look(viewer)
    for client, posts in ((viewer, ("release", "hold", "test")), (writer, ("release", "hold"))):
        assert [client.post(url(page, day.pk)).status_code for page in posts] == [403] * len(posts)
        assert client.get(url("release", day.pk)).status_code == 403
        as_reader = {"subscriber": reader.pk}
        assert client.get(url("preview", day.pk), as_reader).status_code == 403
        assert client.get(url("preview_html", day.pk), as_reader).status_code == 403
        assert client.get(url("preview", day.pk)).status_code == 200
        act = {"action": "hold", "_selected_action": [day.pk], "reason": "x"}
        client.post(url("changelist"), act)
    nobody = editor("no", "view_paper")
    for page in ("change", "preview", "preview_html", "row"):
        assert nobody.get(url(page, day.pk)).status_code == 403
    assert nobody.post(url("intro"), {"intro": "x"}).status_code == 403
    assert (edition().status, edition().held_at) == ("closed", None)
    assert Client().get(url("preview", day.pk)).status_code == 302


def test_the_number_of_queries_does_not_grow(
    admin_client: Client, week: list[Paper], make_paper: Make, make_reader: Make
) -> None:
    def queries() -> list[int]:
        counts = []
        for page in (url("changelist"), url("change", edition().pk), url("release", edition().pk)):
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(page).status_code == 200
            counts.append(len(captured))
        return counts

    Pick.objects.create(paper=week[0], day=SUNDAY)
    make_reader("r@example.org")
    admin_client.post(url("hold", edition().pk), {"reason": "x"})
    queries()
    few = queries()
    for n in range(12):
        Pick.objects.create(paper=make_paper(f"Legs {n}", day=SUNDAY), day=SUNDAY)
        make_reader(f"r{n}@example.org")
        day, by = SUNDAY - dt.timedelta(days=30 + n), User.objects.create_user(f"editor{n}")
        Edition.objects.create(day=day, status="closed", approved_by=by)
    assert queries() == few
    assert max(few) <= 30
