"""The editors' and operators' pages, one module per group of models."""

from . import deliveries, editions, papers, sources, submissions, subscribers

__all__ = ["deliveries", "editions", "papers", "sources", "submissions", "subscribers"]
