"""The measurements themselves, at a hundredth of their size: that they run and what they print."""

import re

import pytest

from .__main__ import main


def test_every_figure_is_printed_with_its_bar(capsys: pytest.CaptureFixture[str]) -> None:
    main(scale=0.01)
    lines = capsys.readouterr().out.splitlines()
    figures = [line for line in lines if line.startswith("figure ")]
    assert all(re.fullmatch(r"figure \w+ \d+\.\d (>=|<)\d+", line) for line in figures)
    assert [line.split()[1] for line in figures] == ["import_speedup", "import_memory_mb"]
    assert lines[0].startswith("import_papers, 500 papers ")
