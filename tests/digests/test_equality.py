"""The assembled message against the plain path, for whatever papers and readers there are."""

import datetime as dt
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any

import lxml.html
import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subscriptions.digests.compose import Composer
from subscriptions.digests.content import Content
from subscriptions.models import Delivery, Paper, Section, Subscriber
from subscriptions.notes import clean
from tests.digests.plain import plain_message

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
LAST = dt.date(2025, 10, 12)

HARD = [
    "",
    ".",
    "..",
    ".\n.\n",
    "a\n.b",
    "From here\nFrom there",
    "From ",
    "100 % sure %s %d %(x)s",
    "<script>alert(1)</script>",
    "&amp; &lt; &#39; &nbsp;",
    "\"quoted\" 'and' `so`",
    "=3D =\n=",
    "T0T",
    "__T1T__ <!--T2T-->",
    "\x02card 0\x03",
    "\x02undefined x\x03",
    "a\rb\r\nc\x0bd\x0ce\x85f\u2028g",
    "x" * 2000,
    "Ω" * 500,
    "naïve 漢字 \U0001f600 é " * 20,
    "{{ item.title }} {% if %}",
    " lead",
    "tail ",
    "tab\there",
    "=?utf-8?q?a?=",
    "Subject: x\r\nBcc: eve@example.org",
    "\ufeff\u200b\u202e",
    "]]>-->",
    "# A\n- *b* [c](https://example.org/?d&e)\n\n1. f\n\n> g **h** `i`\nj <https://example.org/>",
]
texts = st.one_of(
    st.sampled_from(HARD),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200),
    st.lists(st.sampled_from(HARD), min_size=2, max_size=3).map(" ".join),
)
titles = texts.map(lambda text: text[:200]).filter(lambda text: text.strip())
paths = st.text("abc/é漢&?=%<>\"' .", max_size=40)


@st.composite
def papers(draw: Any, pk: int) -> Paper:
    kind = draw(st.sampled_from(["arxiv", "doi", "url"]))
    return Paper(
        pk=pk,
        arxiv_id=f"2510.{pk:05}" if kind == "arxiv" else None,
        doi=f"10.1234/{draw(paths)}" if kind == "doi" else None,
        own_id="x" if kind == "url" else None,
        url=f"https://example.org/{draw(paths)}" if kind == "url" else "",
        title=draw(titles),
        abstract=draw(texts),
        authors=draw(st.lists(titles.map(lambda name: name[:60]), max_size=5)),
        submitted=draw(st.none() | st.just(dt.date(2025, 9, 30))),
    )


numbers = count(1)
"""No two papers of all examples are the same one: what is kept of a paper is kept by its key."""


@st.composite
def digests(draw: Any) -> tuple[Delivery, Content]:
    papers_in_it = draw(st.integers(0, 8))
    found = {pk: draw(papers(pk)) for pk in (next(numbers) for _ in range(papers_in_it))}
    for paper in found.values():
        paper.votes = draw(st.sampled_from([0, 1, 2, 12345]))
    sections = sorted(
        draw(st.lists(st.sampled_from(range(3)), min_size=papers_in_it, max_size=papers_in_it))
    )
    names = list(Section)
    items = [
        {"paper": pk, "section": names[sections[n]].value, "reason": draw(texts)[:400]}
        for n, pk in enumerate(found)
    ]
    first = LAST - dt.timedelta(days=draw(st.sampled_from([0, 1, 6, 300])))
    subscriber = Subscriber(
        pk=draw(st.integers(1, 10**9)),
        email=draw(
            st.sampled_from(["ada@example.org", "o'neil+x@bücher.example", f"{'a' * 60}@b.co"])
        ),
        cadence=draw(st.sampled_from(["daily", "weekly"])),
        text_only=draw(st.booleans()),
    )
    delivery = Delivery(
        pk=draw(st.integers(1, 10**9)), subscriber=subscriber, first_day=first, newest_day=LAST,
        items=items,
    )  # fmt: skip
    content = Content(
        papers=found,
        hidden={pk for pk in found if draw(st.integers(0, 9)) == 0},
        notes={pk: [(LAST, clean(draw(texts)[:1000]))] for pk in found if draw(st.booleans())},
        intros=[(LAST, clean(draw(texts)[:2000]))] if draw(st.booleans()) else [],
        listed=[LAST],
    )
    return delivery, content


@pytest.fixture(scope="module")
def composer() -> Composer:
    """One for all examples, as one sends many digests: what it keeps must not mix."""
    return Composer(Content())


@time_machine.travel(NOW, tick=False)  # links are signed with the time
@given(drawn=digests())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_assembled_equals_plain(composer: Composer, drawn: tuple[Delivery, Content]) -> None:
    delivery, composer.content = drawn
    content = composer.content
    message = composer.compose(delivery, NOW)
    check_wire(message.wire())
    plain = parse(plain_message(delivery, content, NOW).message().as_bytes())
    for assembled in (parse(message.wire()), parse(message.email().message().as_bytes())):
        assert headers(assembled) == headers(plain)
        assert list(bodies(assembled)) == list(bodies(plain))
        for kind, text in bodies(plain).items():
            compare(bodies(assembled)[kind], text, kind)


def check_wire(raw: bytes) -> None:
    assert raw.endswith(b"\r\n") and raw.isascii()
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert not any(line.startswith(b".") for line in lines)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert max(map(len, head.split(b"\r\n"))) <= 998


def parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage) and not message.defects
    return message


def headers(message: EmailMessage) -> dict[str, str]:
    found = {name: " ".join(str(value).split()) for name, value in message.items()}
    assert len(found) == len(message.items()), "a header twice"
    for name in ("Content-Type", "Content-Transfer-Encoding"):
        found.pop(name, None)
    return found | {"type": message.get_content_type()}


def bodies(message: EmailMessage) -> dict[str, str]:
    parts = message.iter_parts() if message.is_multipart() else [message]
    return {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in parts}


def compare(assembled: str, plain: str, kind: str) -> None:
    if kind == "text/plain":
        assert assembled == plain
        return
    ours, theirs = lxml.html.document_fromstring(assembled), lxml.html.document_fromstring(plain)
    assert list(outline(ours)) == list(outline(theirs))


def outline(document: Any) -> Iterator[tuple[Any, ...]]:
    """Every element with its attributes and the text in it and after it, spaces as one.

    Editors' words have their styles from the mail's own ``<style>``, and none that is inlined.
    """
    for element in document.xpath("//*[@class='note markdown' or @class='intro markdown']//*"):
        element.attrib.pop("style", None)
    for element in document.iter():
        attributes = dict(element.attrib) if isinstance(element.tag, str) else {}
        texts = (" ".join((text or "").split()) for text in (element.text, element.tail))
        yield (str(element.tag), attributes, *texts)
