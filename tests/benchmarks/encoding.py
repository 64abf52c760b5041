"""What taking in a paper costs, with a sentence encoder and without."""

import json
import tempfile
from itertools import islice
from pathlib import Path

from .database import fresh_database, run
from .edition import REAL
from .figures import Figure

PAPERS = 1_000
ENCODERS = {"none": 3, "default": 60}
"""And how many milliseconds a paper may take."""


def measure_encoding(scale: float) -> tuple[list[tuple[str, str]], list[Figure]]:
    """Real abstracts, by the command that operators use."""
    rows, figures = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "papers.jsonl"
        count = _write(path, round(PAPERS * scale))
        for encoder, bar in ENCODERS.items():
            with fresh_database() as variables:
                variables["ENCODER"] = encoder
                measured = json.loads(
                    run(variables, "-m", "tests.benchmarks.worker", "batches", str(path))
                )
            each = measured["seconds"] / count * 1000
            rows.append((f"taking in a paper, encoder {encoder}", f"{each:.1f} ms"))
            figures.append(Figure(f"intake_ms_encoder_{encoder}", each, f"<{bar}"))
    return rows, figures


def _write(path: Path, count: int) -> int:
    source = REAL / "matching" / "background" / "papers.jsonl"
    with source.open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as out:
        for line in islice(lines, count):
            entry = json.loads(line)
            kept = {"id": entry["arxiv_id"], "listed": entry["date"]}
            kept |= {"title": entry["title"], "abstract": entry["abstract"]}
            out.write(f"{json.dumps(kept)}\n")
    return count
