from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", ["node", "audit"])
def test_a_lock_names_no_index(folder: str) -> None:
    lock = (TESTS / folder / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
