"""Pure scoring with reasons: arrays and strings in, arrays out; no ORM, no clock, no I/O."""

from .pool import Doc, Pool, Query, Why
from .share import Ranked, share_out
from .trend import trend

__all__ = ["Doc", "Pool", "Query", "Ranked", "Why", "share_out", "trend"]
