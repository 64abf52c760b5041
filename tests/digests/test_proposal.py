"""What strangers ask of a preview: little of it is kept, and not all of it is tried."""

from itertools import islice, product
from typing import Any

import pytest

from subscriptions.digests import display
from subscriptions.digests.proposal import MOST, MOST_PAPERS, Proposal, propose
from subscriptions.flows.choices import Choices
from subscriptions.matching import FEW
from subscriptions.models import Edition, Subscriber, Topic
from tests.conftest import MONDAY
from tests.digests.week import Make

WORDS = [f"{a}{b}" for a in ("alpha", "beta", "gamma", "delta") for b in "bdfgklmnpr"]


def ask(**chosen: Any) -> Proposal:
    choices, reader = Choices(**chosen), Subscriber()
    choices.apply_settings(reader)
    return propose(reader, choices.interests(reader))


@pytest.fixture
def papers(make_paper: Make) -> list[str]:
    """Their arXiv ids."""
    Edition.objects.roll(MONDAY)
    return [
        make_paper(f"Of {word} and {WORDS[n - 1]}, part {part}").arxiv_id
        for part in range(4)
        for n, word in enumerate(WORDS)
    ]


def test_what_strangers_ask_is_not_kept_for_long(papers: list[str]) -> None:
    phrases = (f"{a} and {b} {c}" for a, b, c in product(WORDS, WORDS, "xyz"))
    asked = 0
    while some := tuple(islice(phrases, MOST)):
        ask(phrases=some[1:], muted=some[:1])
        asked += len(some)
        if asked > FEW.queries + 3 * MOST:
            break
    for start in range(0, len(papers), MOST_PAPERS):
        ask(papers=tuple(papers[start : start + MOST_PAPERS]))
    assert len(papers) > FEW.papers
    scored = display.newest_shelf()[0].scored
    pool: Any = scored._pool
    sizes = {
        "queries": len(scored._shared) + len(scored._muted),
        "matches": sum(len(ranked.papers) for ranked in scored._shared.values()),
        "reasons": len(scored._reasons),
        "phrases": len(pool._phrases._places),
        "texts": len(pool._asked._known),
        "papers": len(pool._liked._places),
    }
    assert all(size <= getattr(FEW, name) + MOST for name, size in sizes.items()), sizes


def test_a_kept_text_keeps_nothing_of_others(papers: list[str]) -> None:
    ask(phrases=tuple(WORDS[:MOST]))
    known: Any = display.newest_shelf()[0].scored._pool._asked._known
    for text in known.values():
        assert text.places.base is text.words.base is text.common.base is None


def test_more_than_enough_is_tried_in_part(
    papers: list[str], topics: dict[str, Topic], make_paper: Make
) -> None:
    every = tuple(topic.pk for topic in topics.values())
    assert not ask(topics=every, phrases=("tides",) * MOST).partly
    assert not ask(phrases=("tides",), papers=tuple(papers[:MOST_PAPERS])).partly

    def why(proposal: Proposal) -> set[str]:
        return {item["reason"] for _, items in proposal.sections for _, item in items}

    last = make_paper("Floods after the snow melts", abstract="Rivers in spring.")
    tides = tuple(f"tides {n}" for n in range(MOST))
    full = ask(phrases=(*tides[1:], "snow melts"))
    assert not full.partly and "Your phrase “snow melts”" in why(full)
    over = ask(phrases=(*tides, "snow melts"))
    assert over.partly and why(over) == {"New"}
    assert ask(papers=(*papers[:MOST_PAPERS], last.arxiv_id)).partly
