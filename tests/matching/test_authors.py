"""When two names can be one author's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions.matching.authors import Authors, parse_name


def same_author(one: str, other: str) -> bool:
    return Authors([(one,)]).papers(other) == [0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane Smith", "Smith, Jane"),
        ("J. Smith", "Jane Smith"),
        ("Jane Smith", "JANE SMITH"),
        ("Jane A. Smith", "Jane Smith"),
        ("Jane A. Smith", "J. Anna Smith"),
        ("J. A. Smith", "JA Smith"),
        ("Smith", "Jane Smith"),
        ("José García-López", "Jose Garcia Lopez"),
        ("García-López, José", "J. Garcia-Lopez"),
        ("Tae-Kyun Kim", "Taekyun Kim"),
        ("Jean-Pierre Roy", "J.-P. Roy"),
        ("Øyvind Åse", "øyvind åse"),
        ("李明", "李明"),
        ("Jörg Müller", "Joerg Mueller"),
        ("Łukasz Kowalski", "Lukasz Kowalski"),
        ("J. van der Berg", "van der Berg, Jan"),
        ("Berg, Jan van der", "Jan van der Berg"),
        ("Robert Smith Jr.", "Smith, Robert, Jr."),
        ("Robert Smith III", "R. Smith"),
        ("W.-J. Zhang", "Wei-Jie Zhang"),
        ("JW Lee", "Jin-Woo Lee"),
        ("John Smith, Jr.", "John Smith"),
        ("Jørgen Ås", "Joergen As"),
    ],
)
def test_names_that_can_be_one_authors(one: str, other: str) -> None:
    assert same_author(one, other)
    assert same_author(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane Smith", "John Smith"),
        ("Jane A. Smith", "Jane B. Smith"),
        ("Wei Zhang", "Weijie Zhang"),
        ("Jo Smith", "John Smith"),
        ("Jane Smith", "Jane Smithson"),
        ("Jane Smith", "Smith Jane"),
        ("K. Smith", "Jane Smith"),
        ("AI Li", "Bo Li"),
        ("Yue Zhang", "Yu Zhang"),
        ("Wei Xu", "Wei Xue"),
        ("Joerg Mueller", "Jorg Muller"),
        ("Jane Muller", "Jane Miller"),
        ("", "Jane Smith"),
        ("", ""),
        ("?", "?"),
        (",", ","),
    ],
)
def test_names_of_two_authors(one: str, other: str) -> None:
    assert not same_author(one, other)
    assert not same_author(other, one)


@given(st.text(), st.text())
def test_any_two_names_agree_both_ways_or_neither(one: str, other: str) -> None:
    assert same_author(one, other) == same_author(other, one)
    assert same_author(one, one) == bool(parse_name(one))


def test_the_papers_of_an_author() -> None:
    authors = Authors([("Jane Smith", "Bo Li"), ("John Smith",), ("Smith, J.", "J. Smith"), ()])
    assert authors.papers("Jane Smith") == [0, 2]
    assert authors.papers("J. Smith") == [0, 1, 2]
    assert authors.papers("Ann Smith") == authors.papers("") == authors.papers("?") == []
