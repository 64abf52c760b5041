"""Readers vote for papers: once each, and imports go on counting them."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from subscriptions.matching import trend
from subscriptions.models import Edition, Listing, Paper, Source, Subscriber, Upvote
from tests.conftest import MONDAY
from tests.web.signing_in import sign_in

FRIDAY = dt.date(2025, 10, 10)
SATURDAY = dt.date(2025, 10, 11)
Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture(params=["active", "paused"])
def reader(request: pytest.FixtureRequest, make_reader: Make) -> Subscriber:
    found: Subscriber = make_reader("ada@example.org", phrases=("robots",))
    Subscriber.objects.filter(pk=found.pk).update(status=request.param)
    return found


@pytest.fixture
def paper(make_paper: Make) -> Paper:
    found: Paper = make_paper("A walking robot", votes=3)
    Edition.objects.roll(MONDAY)
    return found


def vote(client: Client, paper: Paper, said: str = "yes", **data: str) -> Any:
    return client.post(f"/papers/{paper.pk}/vote/", {"vote": said, **data})


def votes_of(paper: Paper) -> int:
    return Paper.objects.with_votes().get(pk=paper.pk).votes


def test_vote_once_and_take_it_back(client: Client, reader: Subscriber, paper: Paper) -> None:
    sign_in(client, reader)
    page = client.get(f"/papers/{paper.pk}/").content.decode()
    assert "Vote for this paper" in page and "3 votes" in page
    assert vote(client, paper)["Location"] == f"/papers/{paper.pk}/"
    vote(client, paper)
    assert Upvote.objects.count() == 1 and votes_of(paper) == 4
    page = client.get(f"/papers/{paper.pk}/").content.decode()
    assert "Take back my vote" in page and "4 votes" in page
    assert vote(client, paper, "no", next="/account/")["Location"] == "/account/"
    assert vote(client, paper, "no").status_code == 404
    assert votes_of(paper) == 3
    assert vote(client, paper, next="//evil.example/")["Location"] == f"/papers/{paper.pk}/"


def test_votes_of_several_readers_add_up(make_reader: Make, paper: Paper) -> None:
    for n in range(5):
        reader = make_reader(f"reader{n}@example.org", phrases=("robots",))
        vote(sign_in(Client(), reader), paper)
    assert votes_of(paper) == 8
    assert Paper.objects.with_votes().by_trend().get().votes == 8


def test_a_visitor_is_led_to_sign_in_and_back(
    client: Client, reader: Subscriber, paper: Paper
) -> None:
    page = client.get(f"/papers/{paper.pk}/")
    assert f"/sign-in/?next=/papers/{paper.pk}/" in page.content.decode()
    assert not page.cookies and "Vote for this paper" not in page.content.decode()
    assert "Cookie" in page["Vary"]
    answer = vote(client, paper)
    assert answer["Location"] == f"/sign-in/?next=%2Fpapers%2F{paper.pk}%2F"
    assert not Upvote.objects.exists()
    assert f'value="/papers/{paper.pk}/"' in client.get(answer["Location"]).content.decode()


def test_only_what_is_public_can_be_voted_for(
    client: Client, reader: Subscriber, paper: Paper, make_paper: Make
) -> None:
    sign_in(client, reader)
    today = make_paper("Of a day that is not released", day=MONDAY.date())
    assert vote(client, today).status_code == 404
    assert client.get(f"/papers/{paper.pk}/vote/").status_code == 405
    vote(client, paper)
    Paper.objects.update(hidden=Paper.Hidden.OFF_TOPIC)
    assert vote(client, paper).status_code == 404
    assert vote(client, paper, "no").status_code == 302, "one's own can be taken back"
    strict = Client(enforce_csrf_checks=True)
    strict.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[
        settings.SESSION_COOKIE_NAME
    ].value
    assert vote(strict, paper).status_code == 403


def test_they_count_on_the_newest_day_on_a_scale_of_their_own(
    make_reader: Make, paper: Paper
) -> None:
    Listing.objects.create(paper=paper, source=Source.ARXIV, announced=SATURDAY, day=SATURDAY)
    readers = [make_reader(f"r{n}@example.org", phrases=("x",)) for n in range(4)]
    for n, reader in enumerate(readers, 1):
        vote(sign_in(Client(), reader), paper)
        paper.refresh_from_db()
        expected = max(trend(3, FRIDAY), trend(n, SATURDAY))
        assert paper.trend == pytest.approx(expected, abs=1e-9)
    vote(sign_in(Client(), readers[0]), paper, "no")
    paper.refresh_from_db()
    assert paper.trend == pytest.approx(trend(3, SATURDAY), abs=1e-9)


def test_a_later_import_keeps_them(make_reader: Make, paper: Paper, tmp_path: Any) -> None:
    """Both where it changes the paper, and where it changes what is usual at a source."""
    for n in range(5):
        reader = make_reader(f"r{n}@example.org", phrases=("x",))
        vote(sign_in(Client(), reader), paper)
    same = {"arxiv_id": paper.arxiv_id, "title": paper.title, "date": "2025-10-10"}
    others = [
        {"id": f"x{n}", "title": f"Other {n}", "date": "2025-10-10", "votes": 90} for n in range(30)
    ]
    for records in (
        [{**same, "abstract": "It walks."}],
        [{**same, "votes": 1}, *others],
        [{**same, "votes": 1}],
    ):
        file = tmp_path / "more.jsonl"
        file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
        call_command("import_papers", "--format=jsonl", str(file), verbosity=0)
        paper.refresh_from_db()
        assert paper.abstract == "It walks."
        today = trend(5, MONDAY.date())  # in today's edition, as Friday is closed
        assert paper.trend == pytest.approx(today, abs=1e-9)
        assert votes_of(paper) == 8


def test_an_import_asks_once_for_all_votes(
    make_reader: Make, make_paper: Make, tmp_path: Any
) -> None:
    reader = make_reader("ada@example.org", phrases=("robots",))

    def statements(count: int) -> int:
        papers = [make_paper(f"Paper {count} {n}") for n in range(count)]
        for paper in papers:
            Upvote.objects.create(subscriber=reader, paper=paper, given_at=MONDAY)
        file = tmp_path / f"{count}.jsonl"
        file.write_text(
            "".join(
                f'{{"arxiv_id": "{paper.arxiv_id}", "title": "{paper.title}", "abstract": "New"}}\n'
                for paper in papers
            )
        )
        with CaptureQueriesContext(connection) as queries:
            call_command("import_papers", "--format=jsonl", str(file), verbosity=0)
        return len(queries)

    assert statements(3) == statements(20)
