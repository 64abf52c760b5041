"""What is packed and searched at once, against the same sums done one by one."""

from collections import Counter

import numpy as np
import pytest

from subscriptions.matching import Doc, Index, index, pack, pack_text, search
from subscriptions.matching.text import keys, terms

DOCS = [
    Doc("Robot arms", "Arms of robots that learn to grasp. Robots learn."),
    Doc("Rivers", "Silt in rivers, and how rivers carry it to the sea."),
    Doc("Grasping", "A robot grasps fruit."),
    Doc("", ""),
    Doc("Sea ice and silt", "Ice that melts leaves silt in the sea."),
]
NOTHING = -np.inf


def made(docs: list[Doc], vectors: dict[int, list[float]] | None = None) -> Index:
    packed, some = [*map(pack, docs)], vectors or {}
    ends = np.cumsum([len(index.unpack([one])) for one in packed]).astype(np.int64)
    known, numbers = np.array([*some], np.int64), np.array([*some.values()], np.float32)
    return Index(index.unpack(packed), ends, known, numbers.ravel())


def plain_bm25(docs: list[Doc], text: str) -> list[float]:
    texts = [Counter([*terms([d.title]), *keys(d.title), *keys(d.abstract)]) for d in docs]
    mean = sum(text.total() for text in texts) / len(texts)
    scores = []
    for counted in texts:
        score = 0.0
        for term, times in Counter(terms([text])).items():
            has = sum(term in other for other in texts)
            idf = np.log1p((len(docs) - has + 0.5) / (has + 0.5))
            norm = 1.2 * (0.25 + 0.75 * counted.total() / mean)
            score += times * idf * counted[term] * 2.2 / (counted[term] + norm)
        scores.append(score)
    return scores


@pytest.mark.parametrize("text", ["silt", "robots grasping robot arms", "sea ice", "ice, sea ice"])
def test_words_count_as_bm25_says(text: str) -> None:
    root = np.sqrt(plain_bm25(DOCS, text))
    expected = np.where(root > 0, (root - root.mean()) / root.std(), NOTHING)
    assert search([made(DOCS)], pack_text(text), None) == pytest.approx(expected, abs=1e-5)


def test_parts_are_searched_as_one() -> None:
    vectors = {0: [1.0, 0.0], 2: [0.8, 0.6], 4: [0.0, 1.0]}
    whole = made(DOCS, vectors)
    parts = [
        made(DOCS[:2], {0: vectors[0]}),
        made([]),
        made(DOCS[2:], {0: vectors[2], 2: vectors[4]}),
    ]
    for vector in (None, np.array([0.6, 0.8], dtype=np.float32)):
        one = search([whole], pack_text("robots and silt"), vector)
        assert search(parts, pack_text("robots and silt"), vector) == pytest.approx(one)
    assert len(search([made([])], pack_text("silt"), None)) == 0


def test_a_pair_of_a_title_counts_and_one_of_an_abstract_does_not() -> None:
    docs = [Doc("Ice of the sea", "x"), Doc("Sea ice", "x"), Doc("Sea", "Ice"), *DOCS[:3]]
    found = search([made(docs)], pack_text("sea ice"), None)
    assert found.argmax() == 1
    same = [Doc("Ice", "Sea ice melts"), Doc("Ice", "Ice melts sea"), *DOCS[:3]]
    found = search([made(same)], pack_text("sea ice"), None)
    assert found[0] == pytest.approx(found[1])


def test_meaning_finds_what_has_none_of_the_words_where_it_stands_out() -> None:
    docs = [Doc(f"Moss {n}", "") for n in range(20)]
    vectors = {n: [0.1, 1.0] for n in range(18)} | {18: [1.0, 0.0]}  # the last has none
    asked = np.array([1.0, 0.0], dtype=np.float32)
    found = search([made(docs, vectors)], pack_text("kelp"), asked)
    assert np.flatnonzero(np.isfinite(found)).tolist() == [18]
    found = search([made(docs, vectors)], pack_text("moss"), asked)
    assert found[18] > found[19] > found[0]  # one of unknown meaning is as near as the mean


def test_terms_of_one_drawer_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FEWEST_BITS", 1)
    for text in ("silt", "robots", "sea ice"):
        wanted = np.array(plain_bm25(DOCS, text)) > 0
        assert (np.isfinite(search([made(DOCS)], pack_text(text), None)) == wanted).all()


def test_what_is_stored_is_the_same_in_every_process() -> None:
    stored = np.frombuffer(pack(Doc("Sea ice", "Ice " * 300)), dtype=index.ENTRY)
    assert sorted(stored.tolist()) == [(683354110, 1), (2345255223, 2), (3410985998, 255)]
