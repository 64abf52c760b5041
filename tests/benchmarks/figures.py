"""Figures and the bars they must reach, as a table and as lines for a machine."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured number. ``bar`` is what it must be, like ``>=20`` or ``<500``."""

    name: str
    value: float
    bar: str

    def __str__(self) -> str:
        return f"figure {self.name} {self.value:.2f} {self.bar}"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns, the second flush right."""
    rows = list(rows)
    left, right = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{what:<{left}}  {value:>{right}}" for what, value in rows)
