"""How texts are cut into words."""

import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.matching.text import key_stems, spans, stem, stems, terms, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("diffusion", "Diffusions"),
        ("segment", "segmentation"),
        ("Schrödinger", "schrodinger"),
        ("NAÏVE", "naive"),
        ("STRASSE", "straße"),
        ("ﬁne", "fine"),
    ],
)
def test_words_with_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("c", "c++"), ("graph", "grasp"), ("model", "modal")])
def test_words_with_two_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@given(st.text())
def test_stems_are_never_empty_and_have_no_space(text: str) -> None:
    assert all(found and " " not in found for found in [*stems(text), *key_stems(text)])
    assert all(text[start:end] for start, end in spans(text))


@pytest.mark.parametrize("odd", ["\uff9e", "\ufdfa"])
def test_a_letter_that_folds_to_nothing_or_to_several_words(odd: str) -> None:
    assert [bool(found) and " " not in found for found in stems(odd)] == [True]


def test_words_leave_out_what_means_nothing_alone() -> None:
    assert list(words("The text-to-image model's use of C++")) == ["text", "image", "model", "C++"]


def test_terms_are_stems_and_pairs_within_a_segment() -> None:
    assert terms(["Robots grasp", "cups"]) == ["robot", "grasp", "robot grasp", "cup"]


def test_threads_do_not_mix_the_words_they_stem() -> None:
    """A web server stems in several threads, and a wrong stem would be kept for good."""
    words = [f"{a}{b}{c}" for a in ("gener", "optim", "relat") for b in ("iz", "at", "ional")
             for c in ("ations", "ing", "ed", "ers", "ly")]  # fmt: skip
    plain = stem.__wrapped__
    expected = [plain(word) for word in words]
    found: list[list[str]] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [
            threading.Thread(
                target=lambda: found.extend([plain(w) for w in words] for _ in range(40))
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(found) == 160
    assert all(one == expected for one in found)
