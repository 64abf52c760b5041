"""Importing papers: how fast, against saving row by row, and in how much memory."""

import json
import tempfile
from pathlib import Path

from . import papers
from .database import fresh_database, run
from .figures import Figure

SAMPLE = 500
"""Papers saved row by row: enough to know the rate."""


def measure_import(count: int) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Rows for the table, and figures, of importing ``count`` papers."""
    sample = min(SAMPLE, count)
    with tempfile.TemporaryDirectory() as folder, fresh_database() as variables:
        batches, rows = (
            _measure(variables, name, Path(folder) / f"{name}.jsonl", numbers)
            for name, numbers in (
                ("batches", range(count)),
                ("rows", range(count, count + sample)),
            )
        )
        few, many = (
            _harvest(variables, Path(folder) / f"{n}.xml", range(n)) for n in (count // 10, count)
        )
    rate, row_rate = count / batches["seconds"], sample / rows["seconds"]
    table = [
        (f"import_papers, {count:,} papers", f"{batches['seconds']:.1f} s"),
        ("  papers a second", f"{rate:,.0f}"),
        ("  peak memory of the process", f"{batches['peak_mb']:.0f} MB"),
        (f"row by row, {sample:,} papers", f"{rows['seconds']:.1f} s"),
        ("  papers a second", f"{row_rate:,.0f}"),
        (f"one response of OAI-PMH, {count:,} papers", f"{many['seconds']:.1f} s"),
        ("  peak memory of the process", f"{many['peak_mb']:.0f} MB"),
        ("  the same of a tenth", f"{few['peak_mb']:.0f} MB"),
    ]
    return table, [
        Figure("import_speedup", rate / row_rate, ">=20"),
        Figure("import_memory_mb", batches["peak_mb"], "<500"),
        Figure("harvest_memory_growth", many["peak_mb"] / few["peak_mb"], "<1.2"),
    ]


def _harvest(variables: dict[str, str], path: Path, numbers: range) -> dict[str, float]:
    papers.write_oai(path, numbers)
    measured: dict[str, float] = json.loads(
        run(variables, "-m", "tests.benchmarks.worker", "harvest", str(path))
    )
    return measured


def _measure(variables: dict[str, str], name: str, path: Path, numbers: range) -> dict[str, float]:
    papers.write(path, numbers)
    measured: dict[str, float] = json.loads(
        run(variables, "-m", "tests.benchmarks.worker", name, str(path))
    )
    return measured
