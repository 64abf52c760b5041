"""Ranking topics whose relevant papers are known, by the command."""

import json
import statistics
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.scorer import ndcg

Lines = dict[str, list[dict[str, Any]]]

PAPERS: list[dict[str, Any]] = [
    {"arxiv_id": "p1", "title": "Soft gripper", "abstract": "It grasps.", "date": "2025-01-01"},
    {"arxiv_id": "p2", "title": "Grippers", "abstract": "A grasp by touch.", "date": "2025-03-01"},
    {"arxiv_id": "p3", "title": "Rivers", "abstract": "Silt and flow.", "date": "2025-03-02"},
    {"arxiv_id": "p4", "title": "Grasp", "abstract": "Too late.", "date": "2025-09-01"},
    {
        "arxiv_id": "p5", "title": "Rain on rivers", "abstract": "Flow.", "date": "2025-04-01",
        "categories": ["physics"], "authors": ["Ada Rook"],
    },
]  # fmt: skip
TOPIC: dict[str, Any] = {
    "topic_id": "grasping", "phrase": "grippers", "description": None, "category": None,
    "examples": ["p1"], "after": "2025-02-01", "until": "2025-08-01",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, {"papers": PAPERS, "topics": [TOPIC]})
    return tmp_path


def write(folder: Path, files: Lines) -> None:
    for name, entries in files.items():
        (folder / f"{name}.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in entries))


def ranked(folder: Path, **options: str) -> list[list[str]]:
    out = folder / "run.tsv"
    call_command("rank", data=folder, out=out, stdout=StringIO(), **options)
    return [line.split("\t") for line in out.read_text().splitlines()]


def test_candidates_are_ranked_the_best_first(folder: Path) -> None:
    rows = ranked(folder)
    assert [(topic, paper) for topic, paper, _ in rows] == [
        ("grasping", "p2"), ("grasping", "p3"), ("grasping", "p5"),
    ]  # fmt: skip
    grades = [float(grade) for *_, grade in rows]
    assert grades == sorted(grades, reverse=True)


def test_a_topic_of_a_category_has_only_papers_with_categories(folder: Path) -> None:
    write(folder, {"topics": [TOPIC | {"category": "physics"}]})
    assert [paper for _, paper, _ in ranked(folder)] == ["p5"]


def test_examples_alone_rank(folder: Path) -> None:
    write(folder, {"topics": [TOPIC | {"phrase": None}]})
    assert ranked(folder, given="3")[0][1] == "p2"


def test_background_papers_are_the_measure(folder: Path) -> None:
    (folder / "background").mkdir()
    past = [PAPERS[2] | {"arxiv_id": f"b{n}", "abstract": f"Silt {n}."} for n in range(300)]
    without = ranked(folder)
    write(folder / "background", {"papers": past})
    assert ranked(folder) != without
    assert ranked(folder)[0][1] == "p2"


def test_an_encoder_finds_what_shares_no_word(folder: Path, settings: Any) -> None:
    settings.VAR_DIR = folder
    write(folder, {"topics": [TOPIC | {"phrase": "precipitation", "examples": []}]})
    assert ranked(folder, encoder="default")[0][1] == "p5"
    assert list((folder / "vectors").iterdir())
    with pytest.raises(CommandError, match=r"there is no nowhere/model\.onnx"):
        ranked(folder, encoder="nowhere")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda f: (f / "topics.jsonl").unlink(), "topics.jsonl cannot be read: No such file"),
        (lambda f: (f / "papers.jsonl").write_text("{}\n{\n"), "papers.jsonl, line 1: lacks 'ti"),
        (lambda f: (f / "topics.jsonl").write_text("\n"), "topics.jsonl, line 1: Expecting value"),
        (lambda f: (f / "papers.jsonl").write_bytes(b"\xff"), "papers.jsonl is not UTF-8"),
        (
            lambda f: write(f, {"topics": [TOPIC | {"after": "soon"}]}),
            "topics.jsonl, line 1: Invalid isoformat string: 'soon'",
        ),
    ],
)
def test_what_is_wrong_with_the_data_is_named(
    folder: Path, break_it: Callable[[Path], Any], message: str
) -> None:
    break_it(folder)
    with pytest.raises(CommandError, match=message):
        ranked(folder)


@pytest.mark.parametrize(("given", "bar"), [("cold", 0.56), ("3", 0.68), ("5", 0.68), ("10", 0.78)])
def test_real_topics_are_ranked_as_well_as_they_must(
    real_data: Path, tmp_path: Path, given: str, bar: float
) -> None:
    """nDCG@10 over the curated topics, as the data's own scorer has it; 10 needs ten examples."""
    data, out = real_data / "matching", tmp_path / "run.tsv"
    call_command("rank", data=data, given=given, out=out, stdout=StringIO())
    found = ndcg(data, out)
    entries = [json.loads(line) for line in (data / "topics.jsonl").open(encoding="utf-8")]
    examples = {entry["topic_id"]: len(entry["examples"]) for entry in entries}
    enough = [found[topic] for topic in found if given != "10" or examples[topic] >= 10]
    assert statistics.mean(enough) >= bar
