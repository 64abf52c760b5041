"""Words by which some papers differ from all others, and scores of what does not match."""

import numpy as np
import pytest

from subscriptions.matching import Doc, Pool, Query

OTHERS = [Doc(f"Results of trial {word}", f"We show results on {word}.") for word in
          ("tides", "kites", "cups", "maps", "bells", "reeds") * 4]  # fmt: skip
RAIN = [
    Doc("Radar maps of rain", "Flash floods seen by weather radar, and the rain before them."),
    Doc("Nowcasting rain", "Weather radar tells flash floods an hour ahead; results of Zuno."),
    Doc("When rivers rise", "Flash floods follow weather that radar saw; Zuno and Zuno again."),
]
POOL = Pool([*RAIN, *OTHERS], OTHERS * 10)


def test_what_several_papers_share_and_few_others_have() -> None:
    assert POOL.standing_out(RAIN, 2) == ["flash floods", "weather radar"]


@pytest.mark.parametrize("absent", ["results", "Zuno", "floods"])
def test_nothing_that_all_have_or_nobody_else_or_that_is_said_already(absent: str) -> None:
    assert absent not in POOL.standing_out(RAIN, 50)


def test_of_one_paper_what_it_says_twice() -> None:
    found = POOL.standing_out(RAIN[:1], 50)
    assert found == ["radar"], "rain is in two papers, and flash floods are told of once"


@pytest.mark.parametrize(
    "query",
    [
        Query("floods by rain", categories=("x.WX",)),
        Query("floods by rain", ("weather radar",)),
        Query(phrases=("flash floods",)),
    ],
)
def test_a_match_has_the_score_that_is_told_of_what_does_not_match(query: Query) -> None:
    pool = Pool([Doc(d.title, d.abstract, ("x.WX",)) for d in RAIN] + OTHERS, OTHERS * 10)
    ((places, scores),) = pool.match([query])
    assert len(places) >= 2
    assert pool.fit(query)[places] == pytest.approx(scores, abs=1e-4)
    rest = np.delete(pool.fit(query), places)
    assert rest.max() < max(pool.floors)
