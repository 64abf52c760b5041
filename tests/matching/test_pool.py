"""How well papers fit what somebody follows, and what is said about it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.matching import Doc, Pool, Query, Why
from subscriptions.matching.pool import FLOOR
from subscriptions.matching.text import stems
from tests.matching.scores import score

SOUND = Doc(
    "Video-to-Audio Generation",
    "A model hears what it sees: footsteps and rain for silent films.",
    ("cs.SD", "cs.CV"),
    ("Ada Rook", "Bo Lind"),
)
BOTH = Doc(
    "Learning from Video and Audio",
    "Two streams are joined late, and neither is generated.",
    ("cs.CV",),
    ("Cy Marsh",),
)
ROBOTS = Doc(
    "Robots That Grasp Wet Cups",
    "A gripper feels slip. Detection of small errors is learned from touch.",
    ("cs.RO",),
    ("Rook, A.",),
)
WEATHER = Doc("Rain in Two Hours", "Forecasts of rain by a diffusion model on radar.", ("physics",))
DOCS = (SOUND, BOTH, ROBOTS, WEATHER)


@pytest.fixture
def pool() -> Pool:
    return Pool(DOCS)


def matched(pool: Pool, query: Query) -> list[int]:
    """The papers that match, the best first."""
    (scores,) = score(pool, [query])
    return [int(doc) for doc in np.argsort(-scores, kind="stable") if scores[doc]]


@pytest.mark.parametrize(
    ("phrase", "docs"),
    [
        ("video-to-audio", [SOUND]),
        ("video to audio", [SOUND]),
        ("Videos to Audio", [SOUND]),
        ("video and audio", [BOTH]),
        ("video audio", []),
        ("audio", [SOUND, BOTH]),
        ("wet cup", [ROBOTS]),
        ("diffusion models", [WEATHER]),
        ("diffusions modelling", [WEATHER]),
        ("models on radar", [WEATHER]),
        ("cups a gripper", []),
        ("rain for rain in films", []),
        ("of rain", [WEATHER]),
        ("unheard-of", []),
        ("to", [SOUND]),
        ("", []),
        ("?!", []),
    ],
)
def test_whether_a_phrase_stands_in_a_paper(pool: Pool, phrase: str, docs: list[Doc]) -> None:
    (found,) = pool.contains([phrase])
    assert [DOCS[doc] for doc in np.flatnonzero(found)] == docs


def test_a_phrase_that_says_a_word_twice() -> None:
    pool = Pool([Doc("State space state estimation", "A filter."), WEATHER])
    assert pool.contains(["state space state estimation"]).tolist() == [[True, False]]
    assert pool.contains(["state state space estimation"]).tolist() == [[False, False]]


def test_a_phrase_matches_wherever_it_stands(pool: Pool) -> None:
    assert matched(pool, Query(phrases=("small errors",))) == [2]
    assert sorted(matched(pool, Query(phrases=("radar", "gripper")))) == [2, 3]


def test_a_rare_phrase_deep_in_a_long_paper_still_matches() -> None:
    filler = " ".join(f"word{n} thing{n}" for n in range(400))
    pool = Pool([Doc("A long paper", f"{filler} with one zither in it. {filler}"), WEATHER])
    (scores,) = score(pool, [Query(phrases=("zither",))])
    assert scores[0] > 0
    assert scores[1] == 0


def test_a_phrase_alone_matches_nothing_without_all_of_its_words(pool: Pool) -> None:
    assert matched(pool, Query(phrases=("robots in the rain",))) == []
    assert matched(pool, Query(phrases=("video rain",))) == [0]


def test_a_description_matches_by_its_words_and_the_title_counts_more(pool: Pool) -> None:
    assert matched(pool, Query("Forecasting rain and other weather with radar"))[0] == 3
    assert matched(pool, Query("Robot hands that grasp"))[0] == 2
    title, abstract = Doc("Zithers", "Strings and wood."), Doc("Strings", "Wood and zithers.")
    assert matched(Pool([abstract, title]), Query("zithers"))[0] == 1


def test_a_category_or_an_author_alone(pool: Pool) -> None:
    assert matched(pool, Query(categories=("cs.CV",))) == [0, 1]
    assert matched(pool, Query(categories=("cs.RO", "physics"))) == [2, 3]
    assert matched(pool, Query(author="Ada Rook")) == [0, 2]
    assert matched(pool, Query(author="Rook, Bea")) == []


def test_bonuses_add_to_the_score(pool: Pool) -> None:
    plain, category, author = score(
        pool,
        [
            Query("rain on radar"),
            Query("rain on radar", categories=("physics",)),
            Query("rain on radar", author="A. Rook"),
        ],
    )[:, [3, 2]]
    assert category[0] == pytest.approx(plain[0] + 0.5)
    assert plain[1] == 0
    assert author[1] > FLOOR


def test_background_papers_teach_what_is_rare_and_never_match() -> None:
    docs = [Doc("Zithers", "model"), Doc("Models", "zither")]
    background = [Doc("A model", f"of model {n}") for n in range(30)]
    query = Query("a model of a zither")
    assert score(Pool(docs, background), [query]).shape == (1, 2)
    assert matched(Pool(docs, background), query)[0] == 0
    assert Pool(docs, background).why(query, 0).words[0] == "Zithers"


@pytest.mark.parametrize("docs", [[], [Doc("?!", "")], [Doc("of the", "")]])
def test_pools_without_a_word(docs: list[Doc]) -> None:
    pool = Pool(docs)
    queries = [
        Query("rain"),
        Query(phrases=("rain",)),
        Query(categories=("cs.CL",)),
        Query(author="Ada Rook"),
        Query(),
    ]
    assert score(pool, queries).shape == (5, len(docs))
    assert not score(pool, queries).any()
    assert pool.contains(["rain", ""]).shape == (2, len(docs))
    assert not pool.contains(["rain", ""]).any()


def test_queries_of_nothing_known(pool: Pool) -> None:
    for query in (Query("qwertz asdf"), Query(phrases=("qwertz",)), Query("of the"), Query()):
        assert matched(pool, query) == []
        assert pool.why(query, 0) == Why()
    assert score(pool, []).shape == (0, 4)
    assert pool.contains([]).shape == (0, 4)


@pytest.mark.parametrize(
    ("query", "doc", "why"),
    [
        (Query(phrases=("Videos to Audio",)), 0, Why(("Videos to Audio",))),
        (Query("Films", phrases=("rain", "silent film")), 0, Why(("rain", "silent film"))),
        (Query(phrases=("video", "audio", "model", "rain")), 0, Why(("video", "audio", "model"))),
        (Query("radars"), 3, Why(("radar",))),
        (Query("how errors are detected", categories=("cs.RO",)), 2,
         Why(("errors", "Detection"), "cs.RO")),
        (Query(categories=("cs.CL", "cs.CV")), 1, Why(category="cs.CV")),
        (Query(author="Cy Marsh"), 1, Why()),
    ],
)  # fmt: skip
def test_what_is_said_about_a_match(pool: Pool, query: Query, doc: int, why: Why) -> None:
    found = pool.why(query, doc)
    assert (sorted(found.words), found.category) == (sorted(why.words), why.category)


def test_neighbouring_words_are_said_as_they_stand() -> None:
    many = [Doc("Text", "image"), Doc("An image", "of a text")] * 3
    pool = Pool([Doc("On Text-to-Image Models", "They draw."), *many])
    assert pool.why(Query("text to images"), 0).words == ("Text-to-Image",)


_WORDS = st.sampled_from(
    ["rain", "Rains", "radar", "model", "models", "text", "image", "of", "to", "the", "C++",
     "naïve", "grasping", "grasp", "42", "zithers"]
)  # fmt: skip
_JOINTS = st.sampled_from([" ", " ", " ", "-", ". ", ", ", "/", "\u2013", "'", "_"])


@st.composite
def sentences(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.tuples(_WORDS, _JOINTS), max_size=12))
    return "".join(word + joint for word, joint in pieces)


docs = st.builds(Doc, sentences(), sentences())
queries = st.builds(
    Query, sentences(), st.lists(sentences(), max_size=3).map(tuple), st.just(("cs.CL",))
)


@given(st.lists(docs, min_size=1, max_size=5), queries)
def test_every_word_said_stands_in_the_paper(papers: list[Doc], query: Query) -> None:
    pool = Pool(papers)
    for number, paper in enumerate(papers):
        why = pool.why(query, number)
        assert len(why.words) <= 3
        assert len(set(why.words)) == len(why.words)
        assert why.category == ""
        for said in why.words:
            if said in query.phrases:
                spelled = f" {' '.join(stems(said))} "
                texts = [f" {' '.join(stems(text))} " for text in (paper.title, paper.abstract)]
            else:
                spelled, texts = said, [paper.title, paper.abstract]
            assert any(spelled in text for text in texts)


@given(st.lists(docs, max_size=5), st.lists(queries, max_size=3))
def test_what_holds_for_all_scores(papers: list[Doc], asked: list[Query]) -> None:
    pool = Pool(papers)
    scores = score(pool, asked)
    assert scores.shape == (len(asked), len(papers))
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    for row, query in enumerate(asked):
        alone = Query(phrases=query.phrases)
        (phrase_scores,) = score(pool, [alone])
        here = pool.contains(query.phrases).any(axis=0)
        assert (phrase_scores[here] > 0).all()
        assert score(pool, [query])[0] == pytest.approx(scores[row], rel=1e-5)


def test_scores_stay_small_numbers_for_every_kind_of_query(pool: Pool) -> None:
    queries = [
        Query("rain", ("radar",), ("physics",)), Query(author="Ada Rook"), Query("rain"),
        Query(categories=("cs.CV",)), Query(phrases=("rain",)), Query(liked=(SOUND,)),
    ]  # fmt: skip
    for _, scores in pool.match(queries):
        assert scores.dtype == np.float32
