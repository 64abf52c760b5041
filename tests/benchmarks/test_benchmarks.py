"""The measurements themselves, at a hundredth of their size: that they run and what they print."""

import re
from pathlib import Path

import pytest

from tests.conftest import missing

from .__main__ import main
from .crowd import measure_crowd
from .encoding import measure_encoding
from .matching import measure_matching
from .sink import SINK

pytestmark = pytest.mark.postgresql


def test_every_figure_is_printed_with_its_bar(
    real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not SINK:
        missing("smtp-sink, which comes with Postfix, is not installed")
    main(scale=0.01)
    lines = capsys.readouterr().out.splitlines()
    figures = [line for line in lines if line.startswith("figure ")]
    assert all(re.fullmatch(r"figure \w+ \d+\.\d\d (>=|<)[\d.]+", line) for line in figures)
    assert [line.split()[1] for line in figures] == [
        "import_speedup", "import_memory_mb", "harvest_memory_growth", "compose_speedup",
        "send_rate_of_limit",
        "send_speedup", "worker_memory_mb", "worker_memory_growth", "cost_growth", "choosing_ms",
        "search_words_ms", "search_abstract_ms", "related_ms", "search_load_s", "search_memory_mb",
        "front_page_rate", "preview_ms", "preview_worst_ms", "sign_up_chance",
        "desk_list_ms", "desk_page_ms",
    ]  # fmt: skip
    assert lines[0].startswith("import_papers, 500 papers ")


def test_matching_is_measured(real_data: Path) -> None:
    """On two topics; what the figures must be is tests/management/test_rank.py's on all."""
    rows, figures = measure_matching(real_data / "matching", 2)
    assert [figure.name for figure in figures] == [
        "ndcg_cold", "ndcg_3", "ndcg_5", "ndcg_10",
        "feedback_found", "two_interests_kept", "two_interests_present",
    ]  # fmt: skip
    assert all(0 <= figure.value <= 1 for figure in figures)
    assert len(rows) == 12


def test_what_matching_costs_is_measured(real_data: Path) -> None:
    _, intake = measure_encoding(0.01)
    _, crowd = measure_crowd(0.01, "vectors")
    assert [figure.name for figure in (*intake, *crowd)] == [
        "intake_ms_encoder_none", "intake_ms_encoder_default",
        "crowd_vectors_s", "crowd_vectors_mb", "crowd_vectors_growth",
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in (*intake, *crowd))
