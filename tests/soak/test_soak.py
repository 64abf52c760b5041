"""The soak itself, at a hundredth of its size."""

import pytest

from .__main__ import SCENARIOS, main


@pytest.mark.postgresql
def test_no_digest_is_lost_or_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    main(scale=0.01)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1 : len(SCENARIOS) + 1]] == [
        scenario.__name__ for scenario in SCENARIOS
    ]
    assert "figure soak_duplicates 0.00 <1" in lines
    assert "figure soak_missing 0.00 <1" in lines
