"""Pure scoring with reasons: arrays and strings in, arrays out; no ORM, no clock, no I/O."""

from .meaning import Encode
from .pool import Doc, Pool, Query, Why
from .share import Ranked, rank, share_out
from .trend import trend

__all__ = ["Doc", "Encode", "Pool", "Query", "Ranked", "Why", "rank", "share_out", "trend"]
