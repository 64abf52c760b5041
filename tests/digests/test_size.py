"""No digest is larger than mail programs show, whatever is in it."""

import datetime as dt
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings as site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions import links
from subscriptions.digests.compose import Composer
from subscriptions.digests.content import Content
from subscriptions.digests.message import BUDGET, Digest
from subscriptions.models import Delivery, Paper, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
DAY = dt.date(2025, 10, 12)
PIECES = ['&"<', "Words of some length ", "[a](https://b.example/c) ", "> - **x** ", "漢", "- ",
          "*a*", "<https://b.example/?c&d> ", "x", "\n\n1. "]  # fmt: skip
VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Fails where an element is not closed by its own end."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag


def composed(papers: int, sections: list[str], make: Any, reasons: str, intro: str) -> Digest:
    """A digest of papers made by ``make(pk)``: title, abstract, authors, note and address."""
    found, notes = {}, {}
    for pk in range(1, papers + 1):
        title, abstract, author, note, url = make(pk)
        found[pk] = Paper(
            pk=pk, own_id="x", url=url, title=title, abstract=abstract, authors=[author] * 3
        )
        found[pk].votes = 3
        notes[pk] = [(DAY, note)]
    items = [
        {"paper": pk, "section": section, "reason": reasons}
        for pk, section in zip(found, sections, strict=False)
    ]
    content = Content(
        papers=found, notes=notes, intros=[(DAY, intro)],
        troubles=[(f'&"<{n}' * 30, DAY - dt.timedelta(days=1)) for n in range(30)],
    )  # fmt: skip
    reader = Subscriber(pk=10**9, email="ada@example.org")
    delivery = Delivery(pk=10**9, subscriber=reader, first_day=DAY, newest_day=DAY, items=items)
    return Composer(content).compose(delivery, NOW)


def check(digest: Digest, papers: int) -> None:
    html = digest.html
    assert len(html.encode()) < BUDGET
    parser = Balanced()
    parser.feed(html)
    assert parser.opened == []
    unsubscribe = links.UNSUBSCRIBE.url(10**9)
    assert html.rindex(unsubscribe) > html.rindex("<h") and site.POSTAL_ADDRESS in html
    assert unsubscribe in digest.text
    left_out = papers - len(digest.cards)
    assert ("Read the rest on the web" in html) == (left_out > 0)
    assert not left_out or f"{left_out} more paper" in html
    hrefs = set(re.findall('href="([^"]*)"', html))
    assert all(href.replace("&amp;", "&") in digest.text for href in hrefs)


texts = st.tuples(st.sampled_from(PIECES), st.sampled_from([0, 1, 40, 500, 2000, 5000])).map(
    lambda drawn: (drawn[0] * drawn[1])[: drawn[1]]
)


@given(
    papers=st.sampled_from([1, 10, 30]),
    section=st.sampled_from(["picks", "matches", "trending"]),
    parts=st.tuples(texts, texts, texts, texts, texts),
    reason=texts,
    intro=texts,
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_in_it(
    papers: int, section: str, parts: tuple[str, ...], reason: str, intro: str
) -> None:
    digest = composed(papers, [section] * papers, lambda _: parts, reason, intro)
    check(digest, papers)


@pytest.mark.parametrize("piece", PIECES)
def test_thirty_papers_of_the_longest(piece: str) -> None:
    longest = (piece * 5000)[:5000]
    digest = composed(30, ["picks"] * 30, lambda _: (longest,) * 5, longest, longest)
    check(digest, 30)
    assert len(digest.cards) >= 3


def test_ten_papers_as_full_as_editors_can_make_them_are_all_there() -> None:
    note = ("A reason to read it, and [its code](https://code.example.org/a/b). " * 20)[:1000]
    abstract = "Words of some length. " * 90
    made = ("Of words " * 25, abstract, "Ada Lovelace", note, "https://papers.example.org/1")
    digest = composed(10, ["picks"] * 10, lambda _: made, "You follow words: “length”", note * 2)
    check(digest, 10)
    assert len(digest.cards) == 10 and digest.html.count("</h3>") == 10
