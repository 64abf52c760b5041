"""Pure scoring with reasons: arrays and strings in, arrays out; no ORM, no clock, no I/O."""

from .authors import Authors, same_people, split_author
from .index import Index, pack, pack_text, search
from .kept import FEW, MUCH
from .meaning import Encode
from .pool import Pool
from .queries import Doc, Query, paper_text
from .share import Ranked, rank, share_out
from .trend import trend, usual_votes
from .views import Scores
from .why import Why

__all__ = [
    "FEW",
    "MUCH",
    "Authors",
    "Doc",
    "Encode",
    "Index",
    "Pool",
    "Query",
    "Ranked",
    "Scores",
    "Why",
    "pack",
    "pack_text",
    "paper_text",
    "rank",
    "same_people",
    "search",
    "share_out",
    "split_author",
    "trend",
    "usual_votes",
]
