"""What would be too much of the same in one digest."""

from subscriptions.matching import Doc, Pool
from subscriptions.matching.crowding import Crowding


def crowding(*papers: Doc) -> Crowding:
    return Pool(papers).crowding


def by(*authors: str, title: str = "") -> Doc:
    return Doc(title or " ".join(authors), "", authors=authors)


def test_the_same_paper_again_under_another_title() -> None:
    text = "A gripper feels slip and holds wet cups by touch, with errors learned from video."
    other = "Frost on leaves in spring is forecast for two nights by radar and by old farmers."
    found = crowding(Doc("Wet cups", text), Doc("On cups that are wet", text), Doc("Frost", other))
    assert found.begin()(0) == [1]
    assert found.begin()(2) == []


def test_a_group_may_have_two_papers() -> None:
    papers = [by("Ada Rook", "Bo Lind", f"Cy {n}", title=f"Paper number{n}") for n in range(4)]
    found = crowding(*papers, by("Ada Rook", "Di Marsh", title="Something else"))
    crowded_by = found.begin()
    assert crowded_by(1) == []
    assert crowded_by(4) == [], "one name in common may be two people's"
    assert sorted(crowded_by(0)) == [2, 3]
    assert found.begin()(0) == [], "of another digest"


def test_who_writes_alone_is_a_group() -> None:
    found = crowding(*(by("Ada Rook", title=f"Paper number{n}") for n in range(3)))
    crowded_by = found.begin()
    assert crowded_by(0) == []
    assert crowded_by(1) == [2]


def test_of_an_author_who_is_followed_nothing_is_too_much() -> None:
    papers = [by("Ada Rook", "Bo Lind", title=f"Paper number{n}") for n in range(4)]
    crowded_by = crowding(*papers).begin(["A. Rook"])
    assert [crowded_by(n) for n in range(4)] == [[]] * 4


def test_a_followed_authors_paper_is_kept_out_by_no_group() -> None:
    group = ("Ada Rook", "Bo Lind")
    papers = [by(*group, title=f"Paper number{n}") for n in range(3)]
    papers.append(by(*group, "Wei Zhang", title="Something else"))
    crowded_by = crowding(*papers).begin(["Wei Zhang"])
    assert crowded_by(0) == []
    assert crowded_by(1) == [2]


def test_papers_without_authors_are_no_group() -> None:
    crowded_by = crowding(*(Doc(f"Paper number{n}", "") for n in range(3))).begin()
    assert crowded_by(0) == crowded_by(1) == []
