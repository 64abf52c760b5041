"""Readers put papers forward; editors accept or decline them in the admin."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from subscriptions.matching import trend
from subscriptions.models import Edition, Listing, Paper, Submission, Subscriber, WantedPaper
from tests.conftest import MONDAY
from tests.web.signing_in import sign_in

LONG_AGO = dt.date(2025, 9, 1)
ADMIN = "/admin/subscriptions/submission/"
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture(params=["active", "paused"])
def reader(request: pytest.FixtureRequest, make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    Subscriber.objects.filter(pk=found.pk).update(status=request.param)
    Edition.objects.roll(MONDAY)
    return found


@pytest.fixture
def signed_in(client: Client, reader: Subscriber) -> Client:
    return sign_in(client, reader)


def decide(client: Client, action: str) -> str:
    pks = list(Submission.objects.values_list("pk", flat=True))
    answer = client.post(ADMIN, {"action": action, "_selected_action": pks}, follow=True)
    return str(answer.content.decode())


def test_only_with_a_session(client: Client, db: None) -> None:
    assert client.get("/submit/")["Location"] == "/sign-in/?next=%2Fsubmit%2F"
    assert client.post("/submit/", {"paper": "1706.03762"})["Location"] == "/sign-in/"
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "given", ["1706.03762", "https://arxiv.org/abs/1706.03762v5", " arXiv:1706.03762 "]
)
def test_what_is_not_here_is_wanted(signed_in: Client, given: str) -> None:
    answer = signed_in.post("/submit/", {"paper": given})
    assert answer["Location"] == "/submit/?sent"
    assert "An editor will look at it" in signed_in.get("/submit/?sent").content.decode()
    row = Submission.objects.get()
    assert (row.arxiv_id, row.paper, row.status) == ("1706.03762", None, "waiting")
    assert WantedPaper.objects.get().arxiv_id == "1706.03762"
    page = signed_in.get("/account/").content.decode()
    assert "1706.03762" in page and "It waits for an editor" in page


def test_what_is_here_is_linked(signed_in: Client, make_paper: Make) -> None:
    paper = make_paper("Cups", day=LONG_AGO, arxiv_id="1706.03762")
    signed_in.post("/submit/", {"paper": "1706.03762"})
    assert Submission.objects.get().paper == paper
    assert not WantedPaper.objects.exists()


def test_the_same_again_new_ones_and_too_many(signed_in: Client, make_paper: Make) -> None:
    def told(given: str) -> str:
        answer = signed_in.post("/submit/", {"paper": given})
        return answer.content.decode() if answer.status_code == 422 else ""

    assert "not an arXiv id or link" in told("robots")
    assert "not an arXiv id or link" in told("aa/0101001")
    assert not told("1706.00001")
    assert "forward already" in told("arXiv:1706.00001v2")
    make_paper("Cups", arxiv_id="2510.12345")
    assert "one of the newest editions" in told("2510.12345")
    for n in range(2, 6):
        assert not told(f"1706.0000{n}")
    assert "come back tomorrow" in told("1706.00006")
    assert not Submission.objects.filter(arxiv_id="1706.00006").exists()


def test_a_day_later_there_is_room_again(client: Client, reader: Subscriber, frozen: Any) -> None:
    for n in range(5):
        Submission.objects.create(subscriber=reader, arxiv_id=f"1706.0000{n}", submitted_at=MONDAY)
    frozen.move_to(MONDAY + dt.timedelta(hours=24))
    answer = sign_in(client, reader).post("/submit/", {"paper": "1706.00009"})
    assert answer.status_code == 302 and Submission.objects.count() == 6


def test_withdrawn_by_its_reader_alone_while_it_waits(
    signed_in: Client, reader: Subscriber, make_reader: Make
) -> None:
    signed_in.post("/submit/", {"paper": "1706.03762"})
    row = Submission.objects.get()
    path = f"/account/submissions/{row.pk}/withdraw/"
    assert path in signed_in.get("/account/").content.decode()
    other = sign_in(Client(), make_reader("eve@example.org", phrases=("x",)))
    assert other.post(path).status_code == 404
    assert signed_in.get(path).status_code == 405
    Submission.objects.update(status="declined", decided_at=MONDAY)
    assert signed_in.post(path).status_code == 404
    Submission.objects.update(status="waiting", decided_at=None)
    assert signed_in.post(path)["Location"] == "/account/"
    assert not Submission.objects.exists()


def test_accepted_it_is_in_todays_edition(
    signed_in: Client, admin_client: Client, make_paper: Make
) -> None:
    paper = make_paper("Cups", day=LONG_AGO, arxiv_id="1706.03762")
    signed_in.post("/submit/", {"paper": "1706.03762"})
    desk = admin_client.get("/admin/").content.decode()
    assert f'<a href="{ADMIN}?status__exact=waiting">1 paper that a reader put forward</a>' in desk
    page = admin_client.get(ADMIN).content.decode()
    assert "Cups" in page and "a…@e….org" in page and "ada@" not in page
    assert "1 accepted" in decide(admin_client, "accept")
    row = Submission.objects.get()
    assert (row.status, row.decided_at) == ("accepted", MONDAY)
    listing = Listing.objects.get(source="readers")
    assert (listing.paper, listing.day, listing.announced) == (paper, MONDAY.date(), MONDAY.date())
    paper.refresh_from_db()
    assert paper.trend == pytest.approx(trend(0, MONDAY.date()), abs=1e-9)
    assert "put forward" not in admin_client.get("/admin/").content.decode()
    assert "An editor took it" in signed_in.get("/account/").content.decode()
    assert "1 decided before" in decide(admin_client, "accept")
    assert "0 declined" in decide(admin_client, "decline")
    assert Listing.objects.filter(source="readers").count() == 1
    (log,) = LogEntry.objects.all()
    assert (log.object_repr, "Accepted" in log.change_message) == ("1706.03762", True)


def test_two_readers_put_the_same_forward(
    reader: Subscriber, make_reader: Make, admin_client: Client, make_paper: Make
) -> None:
    make_paper("Cups", day=LONG_AGO, arxiv_id="1706.03762")
    for one in (reader, make_reader("eve@example.org", phrases=("x",))):
        sign_in(Client(), one).post("/submit/", {"paper": "1706.03762"})
    assert "2 accepted" in decide(admin_client, "accept")
    assert Listing.objects.filter(source="readers").count() == 1


def test_what_cannot_be_accepted_says_why(
    signed_in: Client, admin_client: Client, make_paper: Make
) -> None:
    signed_in.post("/submit/", {"paper": "1706.03762"})
    assert "1 not here yet" in decide(admin_client, "accept")
    paper = make_paper("Cups", day=LONG_AGO, arxiv_id="1706.03762")
    Submission.objects.update(paper=paper)
    Paper.objects.update(hidden="off-topic")
    page = admin_client.get(ADMIN).content.decode()
    assert "hidden: off-topic" in page
    assert "1 hidden: show the paper again first" in decide(admin_client, "accept")
    assert Submission.objects.get().status == "waiting"
    assert not Listing.objects.filter(source="readers").exists()


def test_declined(signed_in: Client, admin_client: Client) -> None:
    signed_in.post("/submit/", {"paper": "1706.03762"})
    assert "1 declined" in decide(admin_client, "decline")
    assert Submission.objects.get().decided_at == MONDAY
    assert "decided against it" in signed_in.get("/account/").content.decode()


def test_pages_ask_the_same_number_of_queries_for_many(
    signed_in: Client, admin_client: Client, reader: Subscriber, make_paper: Make, make_reader: Make
) -> None:
    def queries() -> list[int]:
        counts = []
        for client, path in ((admin_client, ADMIN), (signed_in, "/account/")):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            counts.append(len(captured))
        return counts

    def more(count: int) -> None:
        for n in range(count):
            paper = make_paper(f"Paper {count} {n}")
            for one in (reader, make_reader(f"r{count}-{n}@example.org", phrases=("x",))):
                one.submissions.create(arxiv_id=paper.arxiv_id, paper=paper, submitted_at=MONDAY)
                one.upvotes.create(paper=paper, given_at=MONDAY)

    more(2)
    few = queries()
    more(15)
    assert queries() == few
