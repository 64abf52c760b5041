"""Who has left can still take along what is stored of them, or erase it, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from subscriptions import links
from subscriptions.flows.preferences import unsubscribe
from subscriptions.models import Edition, Feedback, Submission, Subscriber, Upvote
from tests.conftest import MONDAY
from tests.web.conftest import last_mail, link_in
from tests.web.signing_in import sign_in

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def left(make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    unsubscribe(found.pk, MONDAY)
    return found


def test_their_account_opens_by_mail_and_erases(
    client: Client, left: Subscriber, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/sign-in/", {"email": "ada@example.org"})
    assert last_mail().to == ["ada@example.org"]
    assert client.post(link_in(last_mail(), "sign-in"))["Location"] == "/account/"
    page = client.get("/account/").content.decode()
    assert "You have left" in page and "Sign up again" in page
    for other in ("/account/address/", "/preferences/", "/submit/", "votes"):
        assert other not in page.partition("<main")[2].partition("</main")[0]
    assert client.post("/account/copy/").json()["subscriber"]["status"] == "unsubscribed"
    assert "a…@e….org" in client.get("/account/erase/").content.decode()
    assert "Everything is erased" in client.post("/account/erase/").content.decode()
    assert not Subscriber.objects.exists()


def test_nothing_else_opens(client: Client, left: Subscriber, make_paper: Make) -> None:
    paper = make_paper("Cups")
    Edition.objects.roll(MONDAY)
    submission = Submission.objects.create(
        subscriber=left, arxiv_id="1706.00001", submitted_at=MONDAY
    )
    sign_in(client, left)
    for path in (
        f"/papers/{paper.pk}/vote/", "/submit/", f"/account/submissions/{submission.pk}/withdraw/",
        "/account/address/",
    ):  # fmt: skip
        answer = client.post(path, {"paper": "1706.00002", "email": "new@example.net"})
        assert (answer.status_code, answer["Location"]) == (302, "/account/"), path
    assert not Upvote.objects.exists() and list(Submission.objects.all()) == [submission]
    assert not left.address_changes.exists() and not mail.outbox
    assert client.get(paper.get_absolute_url()).status_code == 200


def test_who_leaves_with_their_account_open_sees_so(client: Client, make_reader: Make) -> None:
    reader = make_reader("ada@example.org", phrases=("robots",))
    assert "You have left" not in sign_in(client, reader).get("/account/").content.decode()
    unsubscribe(reader.pk, MONDAY)
    assert "You have left" in client.get("/account/").content.decode()


@pytest.mark.parametrize("page", ["", "saved/", "saved.bib", "feed/", "account/"])
def test_the_pages_of_their_link_say_that_there_is_no_subscription(
    client: Client, left: Subscriber, make_paper: Make, page: str
) -> None:
    paper = make_paper("Cups")
    Feedback.objects.create(subscriber=left, paper=paper, verdict="save", given_at=MONDAY)
    path = links.PREFERENCES.url(left.pk) + page
    read = client.post if page in ("feed/", "account/") else client.get
    assert "Not subscribed" in read(path).content.decode()
    client.post(path, {"paper": paper.pk})
    assert Feedback.objects.exists() and not mail.outbox


def test_the_privacy_page_says_what_is_kept(client: Client, db: None) -> None:
    page = client.get("/privacy/").content.decode()
    assert "stays until you erase it" in page and "opens also after you left" in page
