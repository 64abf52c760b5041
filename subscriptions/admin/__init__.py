"""The editors' and operators' pages, one module per group of models."""

from . import (
    deliveries,
    editions,
    papers,
    picks,
    sources,
    staff,
    submissions,
    subscribers,
    suppressions,
    topics,
)

__all__ = [
    "deliveries",
    "editions",
    "papers",
    "picks",
    "sources",
    "staff",
    "submissions",
    "subscribers",
    "suppressions",
    "topics",
]
