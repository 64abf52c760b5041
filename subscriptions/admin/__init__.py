"""The editors' and operators' pages, one module per group of models."""

from . import (
    deliveries,
    domains,
    editions,
    mail_events,
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
    "domains",
    "editions",
    "mail_events",
    "papers",
    "picks",
    "sources",
    "staff",
    "submissions",
    "subscribers",
    "suppressions",
    "topics",
]
