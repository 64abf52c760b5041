"""The board as tests read it and press its buttons, and the papers they do it with."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse
from lxml import html

from subscriptions.models import (
    Edition,
    Paper,
    Source,
    Topic,
    TopicMatch,
)
from tests.conftest import MONDAY

TODAY = MONDAY.date()
DAY = dt.timedelta(days=1)
BOARD = "/admin/subscriptions/paper/board/"
JSON = {"Accept": "application/json"}
"""What its script asks for."""
Make = Callable[..., Any]


def make_week(make_paper: Make, topics: dict[str, Topic]) -> list[Paper]:
    """Five papers of the last days, the later the better."""
    Edition.objects.roll(MONDAY)
    papers = [
        make_paper(f"Robot arms {n}", day=TODAY - n % 3 * DAY, votes=10 * n, authors=["Zoë Åberg"])
        for n in range(4)
    ]
    papers.append(
        make_paper("Cups", day=TODAY, source=Source.ARXIV, abstract="Of <b>handles</b>.", reach=120)
    )
    make_paper("Long ago", day=TODAY - 7 * DAY, votes=99)
    TopicMatch.objects.create(topic=topics["robotics"], paper=papers[2], score=3, words="arms")
    return papers


def text(page: Any) -> str:
    return " ".join(html.fromstring(page.content.decode()).text_content().split())


def titles(client: Client, **query: Any) -> list[str]:
    page = html.fromstring(client.get(BOARD, query).content.decode())
    return [title.text_content().strip() for title in page.xpath("//article//h3")]


def do(client: Client, what: str, back: str = "", **more: Any) -> str:
    """Press a button; what is said of it."""
    answer = client.post(f"{BOARD}change/", {"do": what, "back": back, **more}, follow=True)
    assert answer.status_code == 200
    (said,) = (str(message) for message in answer.context["messages"])
    return said


def logged(client: Client, paper: Paper) -> str:
    return text(client.get(reverse("admin:subscriptions_paper_history", args=[paper.pk])))
