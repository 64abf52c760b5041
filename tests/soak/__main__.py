"""Send one edition after another while what can break does; ``python -m tests.soak [SCALE]``.

Prints a table and one line for each figure. Where a digest is lost, repeated, or in a state
that nothing explains, says so and exits with 1.
"""

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from tests.benchmarks.figures import Figure

from .campaign import Campaign, Site, Size, running_site
from .scenarios import Toll, answers, kills, outages, stall

LIMIT = 600
"""Seconds for all of it."""
SCENARIOS = kills, outages, answers, stall
HEAD = ("scenario", "readers", "faults", "accepted", "twice", "missing", "in doubt", "seconds")


class Row(NamedTuple):
    scenario: str
    readers: int
    faults: int
    accepted: int
    twice: int
    missing: int
    in_doubt: int
    seconds: int


def main(scale: float = 1) -> None:
    """``scale`` is the part of the full size to run at."""
    readers = round(20_000 * scale)
    size = Size(
        readers=readers,
        kills=max(round(100 * scale), 3),
        workers=4 if scale >= 0.05 else 2,
        window=min(20, readers // 100),
    )
    print(_line(HEAD))
    folder = Path(tempfile.mkdtemp(prefix="soak_"))
    with running_site(size, folder) as site:
        site.crew.start_workers(size.workers)
        site.crew.start_beats(1)
        try:
            rows = [_row(site, scenario) for scenario in SCENARIOS]
        except AssertionError as error:
            raise AssertionError(f"{error}\nThe logs are in {folder}") from error
    shutil.rmtree(folder)
    print(*_figures(rows), sep="\n")


def _row(site: Site, scenario: Callable[[Campaign], Toll]) -> Row:
    name, begun = scenario.__name__, time.monotonic()
    campaign = Campaign(site)
    try:
        toll = scenario(campaign)
        missing = campaign.missing()
        assert not missing, f"{len(missing)} readers are without: {sorted(missing)[:20]}"
    except AssertionError as error:
        raise AssertionError(f"{name}: {error}") from error
    row = Row(
        scenario=name,
        readers=site.size.readers,
        faults=toll.faults,
        accepted=campaign.accepted,
        twice=len(campaign.twice()),
        missing=len(missing),
        in_doubt=toll.in_doubt,
        seconds=round(time.monotonic() - begun),
    )
    print(_line(row), flush=True)
    return row


def _line(cells: Iterable[object]) -> str:
    first, *rest = cells
    return f"{first:<10}" + "".join(f"{cell:>10}" for cell in rest)


def _figures(rows: list[Row]) -> list[Figure]:
    killed = rows[SCENARIOS.index(kills)]
    return [
        Figure("soak_readers", min(row.readers for row in rows), ">=20000"),
        Figure("soak_kills", killed.faults, ">=100"),
        Figure("soak_duplicates", sum(row.twice for row in rows), "<1"),
        Figure("soak_missing", sum(row.missing for row in rows), "<1"),
        Figure("soak_in_doubt_per_kill", killed.in_doubt / killed.faults, "<21"),
        Figure("soak_seconds", sum(row.seconds for row in rows), f"<{LIMIT}"),
    ]


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"not over in {LIMIT} seconds")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT)
    try:
        main(*map(float, sys.argv[1:]))
    except (AssertionError, TimeoutError) as error:
        sys.exit(f"soak: {error}")
