"""Real bounces with labels that other people gave them: two public collections."""

from collections import Counter
from pathlib import Path

import pytest

from subscriptions.delivery.bounces import parse
from subscriptions.delivery.reports import Report

from .labels import Labelled, flufl, sisimai

Read = list[tuple[Labelled, list[Report]]]


@pytest.fixture(scope="module")
def of_sisimai(real_data: Path) -> Read:
    return [(each, parse(each.content)) for each in sisimai(real_data / "bounces")]


@pytest.fixture(scope="module")
def of_flufl(real_data: Path) -> Read:
    return [(each, parse(each.content)) for each in flufl(real_data / "bounces")]


def kinds(reports: list[Report]) -> Counter[str]:
    return Counter(each.kind.value for each in reports)


def right(read: Read) -> tuple[int, int]:
    """How many recipients have the kind of their label, of how many."""
    hits = sum((kinds(reports) & label.kinds).total() for label, reports in read)
    return hits, sum(label.kinds.total() for label, _ in read)


def test_at_least_97_of_100_kinds_are_right_in_each_collection(
    of_sisimai: Read, of_flufl: Read
) -> None:
    for read in (of_sisimai, of_flufl, of_sisimai + of_flufl):
        hits, labelled = right(read)
        wrong = [label.name for label, found in read if label.kinds - kinds(found)]
        assert hits >= 0.97 * labelled, f"{hits} of {labelled}; wrong in {wrong}"


def test_no_address_is_called_hard_whose_label_is_not(of_sisimai: Read, of_flufl: Read) -> None:
    wrong = [
        label.name
        for label, reports in of_sisimai + of_flufl
        if kinds(reports)["hard"] > label.kinds["hard"]
    ]
    assert wrong == []


def test_at_least_99_of_100_labelled_addresses_are_found(of_flufl: Read) -> None:
    labelled = sum(len(label.addresses) for label, _ in of_flufl)
    found = sum(
        len(label.addresses & {each.address.lower() for each in reports})
        for label, reports in of_flufl
    )
    assert found >= 0.99 * labelled, f"{found} of {labelled}"


def test_what_is_ours_is_never_hard(of_sisimai: Read, of_flufl: Read) -> None:
    both = [each for _, reports in of_sisimai + of_flufl for each in reports if each.ours]
    assert both
    assert kinds(both).keys() == {"soft"}
