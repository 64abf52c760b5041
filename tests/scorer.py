"""The scorer that lies beside the judgments, used from there."""

import importlib.util
from pathlib import Path
from typing import Any


def load_scorer(data: Path) -> Any:
    spec = importlib.util.spec_from_file_location("score", data / "score.py")
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    return scorer


def ndcg(data: Path, run: Path) -> dict[str, float]:
    """nDCG@10 of each curated topic."""
    scorer = load_scorer(data)
    topics, figures = scorer.score(data, scorer.read_run(run), "curated")
    return dict(zip(topics, figures[:, 0].tolist(), strict=True))
