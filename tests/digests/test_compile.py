"""What a contributor meets who changes the digest's templates."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from subscriptions.digests.compose import Composer
from subscriptions.digests.content import Content
from subscriptions.digests.inlining import CannotCut
from subscriptions.digests.message import Digest
from subscriptions.models import Delivery, Paper, Subscriber

NOW = dt.datetime(2025, 10, 13, 9, tzinfo=dt.UTC)
DAY = dt.date(2025, 10, 12)
HTML, TEXT, CARD = "digest/body.html", "digest/body.txt", "digest/_card.html"

Change = Callable[[str, str, str], None]


@pytest.fixture
def change(tmp_path: Path) -> Iterator[Change]:
    """Replaces something in a template; the templates are a copy."""
    folder = tmp_path / "templates"
    shutil.copytree(settings.BASE_DIR / "templates", folder)

    def replace(name: str, old: str, new: str) -> None:
        path = folder / "email" / name
        source = path.read_text()
        assert old in source
        path.write_text(source.replace(old, new, 1))

    configured: Any = settings.TEMPLATES
    copied = [{**engine, "DIRS": [folder]} for engine in configured]
    with override_settings(TEMPLATES=copied):
        yield replace


def compose(votes: int = 3) -> Digest:
    paper = Paper(pk=1, arxiv_id="2510.00001", title="Robot arms", abstract="Two arms.")
    paper.votes = votes
    delivery = Delivery(
        pk=7, subscriber=Subscriber(pk=5, email="ada@example.org"), first_day=DAY, newest_day=DAY,
        items=[{"paper": 1, "section": "matches", "reason": "You follow robots"}],
    )  # fmt: skip
    return Composer(Content(papers={1: paper})).compose(delivery, NOW)


@pytest.mark.parametrize(("votes", "shown"), [(1, "Just 1 of R&amp;D"), (3, "All 3 of R&amp;D")])
def test_sentences_to_be_translated_go_through_whole(
    change: Change, votes: int, shown: str
) -> None:
    counted = (
        "<b>{% blocktranslate trimmed with of='R&D'|force_escape count n=NUMBER %}Just {{ n }} of "
        "{{ of }}{% plural %}All {{ n }} of {{ of }}{% endblocktranslate %}</b>"
    )
    change(CARD, '<p class="by">', '<p class="by">' + counted.replace("NUMBER", "item.votes"))
    change(
        HTML,
        '<p class="sub">',
        '<p class="sub">' + counted.replace("NUMBER", "digest.count"),
    )
    frame, _, card = compose(votes).html.partition("Robot arms")
    assert "<b>Just 1 of R&amp;D</b>" in frame and f"<b>{shown}</b>" in card


@contextmanager
def cannot_be_cut(*named: str) -> Iterator[None]:
    with pytest.raises(CannotCut) as caught:
        yield
    assert all(words in str(caught.value) for words in named), caught.value


def test_filters_conditions_loops_and_includes_need_no_knowledge_of_the_cutting(
    change: Change,
) -> None:
    change(
        CARD,
        "{{ item.title }}</a>",
        "{{ item.title|upper }}{% if item.votes > 2 %}!{% endif %}</a>",
    )
    change(
        CARD, "{{ item.reason }}", "{{ item.reason|cut:'You '|capfirst }}, {{ item.reason|length }}"
    )
    change(
        HTML,
        "{% blocktranslate trimmed count count=digest.count %}",
        "{% for x in digest.cadence %}-{% endfor %}"
        "{% blocktranslate trimmed count count=digest.count %}",
    )
    change(
        HTML,
        '{% translate "Unsubscribe" %}</a>',
        "{% with name=site_name %}Leave {{ name }}{% endwith %}</a>",
    )
    change(TEXT, '{% translate "Unsubscribe" %} [', "{% comment %}x{% endcomment %}Leave [")
    message = compose()
    sent = message_from_bytes(message.wire(), policy=policy.default).get_body(("html",))
    for html in (message.html, sent.get_content()):  # type: ignore[union-attr]
        assert "ROBOT ARMS!</a>" in html and "Follow robots, 17</span>" in html
        assert "------1 paper" in html and "Leave Paper Round</a>" in html
    assert "\nLeave [10]\n" in message.text


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        (CARD, '<td class="card">', '<td class="card {{ item.votes }}">', ["item.votes", "class"]),
        (
            CARD,
            '<p class="by">',
            '<p style="{% if item.votes %}color: red{% endif %}">',
            ["IfNode", "style"],
        ),
        (CARD, "<tr>", "<tr {% if item.votes %}hidden{% endif %}>", ["body.html", "IfNode"]),
        (
            HTML,
            '{% include "email/digest/_card.html" with item=item %}',
            "",
            ["_card.html 0 times"],
        ),
        (HTML, '"email/digest/_card.html"', "digest.cadence", ["body.html", "constant"]),
        (HTML, "with item=item", "with item=item only", ["body.html, line 19", "only"]),
        ("base.html", "h3 a {", ".card + .card {", ["body.html", ".card + .card"]),
        ("base.html", "h3 a {", "tr:first-child {", ["body.html", ":first-child"]),
        (
            TEXT,
            "{{ preferences_url }}",
            "{% filter upper %}{{ preferences_url }}{% endfilter %}",
            ["body.txt", "filter"],
        ),
        (
            CARD,
            '<p class="by">',
            '<p class="by">{% blocktranslate %}{{ x }}<a href="/">Read</a>{% endblocktranslate %}',
            ["body.html", "line 5", "translated sentence"],
        ),
    ],
)
def test_what_cannot_be_cut_fails_when_compiled_with_the_place_named(
    change: Change, name: str, old: str, new: str, named: list[str]
) -> None:
    change(name, old, new)
    with cannot_be_cut(*named):
        Composer(Content())


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        (
            CARD,
            "{{ item.title }}</a>",
            "{{ forloop.counter }}</a>",
            ["forloop.counter", "body.html"],
        ),
        (CARD, "{{ item.title }}</a>", "{{ item.titel }}</a>", ["item.titel"]),
        (
            HTML,
            "{{ section.title }}",
            "{% for item in section.items %}{{ item.title }}{% endfor %}",
            ["item.title", "_card"],
        ),
        (
            CARD,
            "{{ item.reason }}",
            "{% with r=item.reason %}{{ r }}{% endwith %}",
            ["personal value", "body.html"],
        ),
        (
            HTML,
            '<p class="sub">',
            '<p class="sub">{% blocktranslate %}Read {{ web_url }}{% endblocktranslate %}',
            ["personal value", "body.html"],
        ),
        (
            "digest/_card.txt",
            "{{ item.reason|wordwrap:70 }}",
            "{% blocktranslate with why=item.reason %}As {{ why }}{% endblocktranslate %}",
            ["personal value", "body.txt"],
        ),
    ],
)
def test_what_is_unknown_where_it_stands_is_named_and_never_mailed(
    change: Change, name: str, old: str, new: str, named: list[str]
) -> None:
    change(name, old, new)
    with cannot_be_cut(*named):
        compose()
