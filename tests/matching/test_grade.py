"""How high papers stand above past ones, by what a reader says and by what they like."""

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from subscriptions.matching import Doc, Pool, Query, asked, pool
from subscriptions.matching.pool import FLOOR
from tests.matching.scores import score

SUBJECTS = {
    "cars": "car automobile engine road wheel driver brake motor lane traffic",
    "music": "violin cello orchestra string concert melody rhythm composer bow tune",
    "food": "bread flour oven dough yeast baker crust salt butter loaf",
    "sea": "wave tide ship harbour sailor anchor reef current island storm",
}
FILLER = "study method result data new approach problem large small show".split()  # noqa: SIM905


def doc(subject: str, seed: int, words: int = 6, leave_out: str = "") -> Doc:
    """An invented paper: some words of a subject, and some that any paper has."""
    draw = random.Random(f"{subject} {seed}")
    known = [word for word in SUBJECTS[subject].split() if word != leave_out]
    said = [*draw.sample(known, words), *draw.sample(FILLER, 5)]
    draw.shuffle(said)
    return Doc(" ".join(said[:4]), " ".join(said[4:]))


@pytest.fixture(scope="module")
def past() -> list[Doc]:
    return [doc(subject, n) for subject in SUBJECTS for n in range(150)]


def graded(past: list[Doc], docs: list[Doc], query: Query) -> list[float]:
    return [float(grade) for grade in Pool(docs, past).grade([query])[0]]


def test_a_paper_without_the_word_is_found_by_its_meaning(past: list[Doc]) -> None:
    docs = [doc("cars", 1000, leave_out="car"), doc("food", 1001), doc("sea", 1002)]
    assert not any("car" in f"{paper.title} {paper.abstract}".split() for paper in docs)
    assert np.argmax(graded(past, docs, Query("car"))) == 0


def test_what_else_is_ranked_changes_no_grade(past: list[Doc]) -> None:
    query = Query("violin concert", liked=(doc("music", 2000),), disliked=(doc("sea", 2001),))
    docs = [doc("music", 2002), doc("food", 2003)]
    crowd = [doc("music", n) for n in range(3000, 3050)]
    assert graded(past, docs, query) == pytest.approx(
        graded(past, [*docs, *crowd], query)[:2], rel=1e-4
    )


def test_the_best_of_a_poor_week_is_no_match(past: list[Doc]) -> None:
    poor = [doc("food", n) for n in range(4000, 4020)]
    query = Query("violin concert of an orchestra")
    assert not score(Pool(poor, past), [query]).any()


def test_a_rare_subject_stands_out(past: list[Doc]) -> None:
    rare = Doc("A zither", "zither strings and a zither player")
    (scores,) = score(Pool([rare, doc("music", 5000)], past), [Query("zither player")])
    assert scores[0] >= FLOOR
    assert scores[1] == 0


def test_without_any_of_its_phrases_a_paper_must_stand_out_more(
    past: list[Doc], monkeypatch: pytest.MonkeyPatch
) -> None:
    violin = Doc("A violin concert", "The orchestra plays a slow melody.")
    monkeypatch.setattr(asked, "COMMON", 2.0)
    ranked = Pool([violin], past)
    for phrase, stands in (("violin concert", True), ("concert of a violin", False)):
        query = Query("orchestra melody", phrases=(phrase,))
        grade = float(ranked.grade([query])[0, 0])
        for floor, matches in ((grade - 0.1, True), (grade + 0.1, False)):
            monkeypatch.setattr(pool, "FLOOR", floor if stands else -9.0)
            monkeypatch.setattr(pool, "WITHOUT_PHRASE", 99.0 if stands else floor)
            assert bool(score(ranked, [query])[0, 0]) is matches


def test_of_a_subject_that_many_past_papers_share_the_words_decide(past: list[Doc]) -> None:
    docs = [doc("cars", 6000, words=9), doc("food", 6001)]
    query = Query(SUBJECTS["cars"])
    assert graded(past, docs, query)[0] < FLOOR
    (scores,) = score(Pool(docs, past), [query])
    assert scores[0] > 0
    assert scores[1] == 0


def test_what_is_liked_brings_its_like_and_what_is_disliked_less(past: list[Doc]) -> None:
    docs = [doc("music", 7000), doc("food", 7001)]
    cello, loaf = doc("music", 7002), doc("food", 7003)
    liked = graded(past, docs, Query("new data", liked=(cello,)))
    assert liked[0] > graded(past, docs, Query("new data"))[0]
    assert liked[0] > liked[1] + 1
    both = graded(past, docs, Query("new data", liked=(cello,), disliked=(loaf,)))
    assert both[1] < liked[1]


def test_the_more_is_liked_the_less_counts_what_is_said(past: list[Doc]) -> None:
    docs = [doc("music", 8000), doc("food", 8001)]
    some = tuple(doc("music", n) for n in range(8002, 8022))

    def preferred(liked: tuple[Doc, ...]) -> float:
        music, food = graded(past, docs, Query("dough for bread in the oven", liked=liked))
        return music - food

    assert preferred(some[:1]) < preferred(some)


def test_without_past_papers_those_to_be_ranked_are_the_measure() -> None:
    docs = [doc("food", n) for n in range(30)] + [doc("music", n, words=10) for n in range(3)]
    best = np.argsort(-Pool(docs).grade([Query("violin and cello")])[0])[:3]
    assert set(best) <= {30, 31, 32}


def test_that_a_liked_paper_is_a_past_one_hides_none_like_it() -> None:
    crowd = [doc("sea", n) for n in range(400)]
    liked, like = doc("music", 9000, words=9), doc("music", 9001, words=9)
    query = Query(liked=(liked,))
    known = graded([*crowd, liked], [like], query)
    assert known == pytest.approx(graded(crowd, [like], query), rel=0.2)


def test_papers_a_reader_likes_are_not_the_usual(past: list[Doc]) -> None:
    """They come from earlier digests, so they are past papers; what is rare else stays rare."""
    before = [paper for paper in past if paper not in past[-150:]]
    liked = tuple(past[-3:])
    among, apart = (
        graded(some, [doc("sea", 6000)], Query(liked=liked)) for some in ([*before, *liked], before)
    )
    assert among[0] > 0.9 * apart[0]


def test_with_a_model_less_is_enough(past: list[Doc], monkeypatch: pytest.MonkeyPatch) -> None:
    violin = Doc("A violin concert", "The orchestra plays a slow melody.")
    query = Query("orchestra melody", phrases=("violin concert",))

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        draw = np.random.default_rng(len(texts))
        return np.asarray(draw.standard_normal((len(texts), 8)), dtype=np.float32)

    monkeypatch.setattr(asked, "COMMON", 2.0)
    ranked = Pool([violin], past, encode)
    grade = float(ranked.grade([query])[0, 0])
    for part, matches in ((0.81, True), (0.79, False)):
        monkeypatch.setattr(pool, "FLOOR", grade / part)
        assert bool(score(ranked, [query])[0, 0]) is matches


@pytest.mark.parametrize("twice", ["liked", "disliked"])
def test_a_paper_spoken_of_twice_is_left_out_once(past: list[Doc], twice: str) -> None:
    liked = past[0]
    docs = [doc("sea", 7000), doc("cars", 7001)]
    once = graded(past, docs, Query(liked=(liked,)))
    again = {
        "liked": Query(liked=(liked, liked)),
        "disliked": Query(liked=(liked,), disliked=(liked,)),
    }
    assert graded(past, docs, again[twice]) == pytest.approx(once, rel=0.05, abs=0.1)
