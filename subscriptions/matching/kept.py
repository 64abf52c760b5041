"""How much is kept of what was asked before, for who asks the same next."""

from typing import NamedTuple


class Kept(NamedTuple):
    """At most so many are kept, before some or all are made anew."""

    queries: int
    """What interests found."""
    matches: int
    """Papers in all that they found."""
    reasons: int
    phrases: int
    """Where each stands."""
    texts: int
    """What interests say, compared with all papers."""
    papers: int
    """Liked or disliked ones, compared with all papers; more where one call needs more."""


MUCH = Kept(300_000, 10_000_000, 50_000, 10_000, 4_000, 2_000)
"""For a worker, of all readers."""
FEW = Kept(2_000, 300_000, 2_000, 500, 500, 100)
"""For pages, where strangers ask for what nobody will ask again."""
