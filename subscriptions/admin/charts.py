"""A table of numbers as a small chart, as HTML and as CSV."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import HttpResponse

from subscriptions.flows.reader_file import safe

GAP, ROW, BAR = 12, 24, 12
BARS_WIDTH, LABEL, LETTERS = 600, 220, 28
DAYS_WIDTH, RIGHT, LINE_HEIGHT, COLUMN_HEIGHT = 900, 64, 96, 36
MOST_BARS, MOST_ROWS = 12, 200
"""So many rows are drawn, and so many stand in the table of the page; the CSV has all."""


class Row(NamedTuple):
    label: str
    values: tuple[int, ...]
    url: str = ""


@dataclass(frozen=True)
class Table:
    """Numbers by category, the most important first; or by day, the oldest first.

    By day the first column is how many there were, the others are what each day brought.
    """

    slug: str
    title: str
    first: str
    """What the rows are."""
    columns: tuple[str, ...]
    rows: Sequence[Row]
    empty: str
    """What is said where there are no rows."""
    by_day: bool = False


def shown(table: Table, csv_url: str) -> dict[str, Any]:
    """What ``admin/subscriptions/_chart.html`` shows: the chart, and the table behind it."""
    chart = (_days if table.by_day else _bars)(table) if table.rows else {}
    return {
        "table": table,
        "rows": table.rows[:MOST_ROWS],
        "more": len(table.rows) > MOST_ROWS,
        "csv_url": csv_url,
        **chart,
    }


def as_csv(table: Table, name: str) -> HttpResponse:
    """The whole table as a file of this name."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow([table.first, *table.columns])
    writer.writerows([safe(row.label), *row.values] for row in table.rows)
    return response


def _bars(table: Table) -> dict[str, Any]:
    """Each column has bars of its own scale, beside each other."""
    rows = table.rows[:MOST_BARS]
    width = (BARS_WIDTH - LABEL) / len(table.columns)
    most = [max(1, *(row.values[n] for row in rows), 0) for n in range(len(table.columns))]
    longest = width - GAP - 9 * max(len(f"{value:,}") for value in most)
    left = [LABEL + n * width for n in range(len(table.columns))]
    return {
        "width": BARS_WIDTH,
        "height": ROW * (len(rows) + 1),
        "label_width": LABEL - GAP,
        "row_height": ROW,
        "bar_height": BAR,
        "heads": [(_px(x), name) for x, name in zip(left, table.columns, strict=True)],
        "bars": [
            {
                "label": row.label,
                "short": _short(row.label),
                "top": ROW * n,
                "y": ROW * n + (ROW - BAR) // 2,
                "text_y": ROW * n + 16,
                "cells": [
                    {
                        "x": _px(x),
                        "width": _px(longest * value / most[column]),
                        "text_x": _px(x + longest * value / most[column] + (6 if value else 0)),
                        "value": value,
                        "text": f"{value:,}",
                        "title": f"{row.label}: {value:,} {table.columns[column]}",
                    }
                    for column, (x, value) in enumerate(zip(left, row.values, strict=True))
                ],
            }
            for n, row in enumerate(rows, 1)
        ],
        "says": f"The first {len(rows)} of {len(table.rows):,}."
        if len(table.rows) > len(rows)
        else "",
    }


def _days(table: Table) -> dict[str, Any]:
    """A panel below the other for each column, over the same days."""
    panels: list[dict[str, Any]] = []
    y = 0
    for n, name in enumerate(table.columns):
        values = [row.values[n] for row in table.rows]
        height = COLUMN_HEIGHT if n else LINE_HEIGHT
        panels.append(
            {
                "name": f"{name}: {sum(values) if n else values[-1]:,}",
                "name_y": y + 14,
                "top": y + ROW,
                "top_text": y + ROW + 8,
                "bottom": y + ROW + height,
                "most": f"{max(values):,}",
                "least": "0" if n else f"{min(values):,}",
                **(_columns if n else _line)(values, y + ROW, height),
            }
        )
        y += ROW + height + GAP
    first, last = table.rows[0], table.rows[-1]
    return {
        "width": DAYS_WIDTH,
        "height": y + ROW,
        "panels": panels,
        "plot_width": DAYS_WIDTH - RIGHT,
        "right": DAYS_WIDTH - RIGHT + 6,
        "axis_y": y + 10,
        "ends": (first.label, last.label),
        "says": f"{table.columns[0]}: {first.values[0]:,} on {first.label},"
        f" {last.values[0]:,} on {last.label}.",
    }


def _line(values: Sequence[int], top: int, height: int) -> dict[str, Any]:
    """From the lowest to the highest value; one value is a line across."""
    low, span = min(values), max(max(values) - min(values), 1)
    heights = [top + height - height * (value - low) / span for value in values]
    points = heights if len(heights) > 1 else heights * 2
    step = (DAYS_WIDTH - RIGHT) / (len(points) - 1)
    return {"points": " ".join(f"{_px(n * step)},{_px(y)}" for n, y in enumerate(points))}


def _columns(values: Sequence[int], top: int, height: int) -> dict[str, Any]:
    """As one path, from 0 up."""
    step, most = (DAYS_WIDTH - RIGHT) / len(values), max(1, *values, 0)
    return {
        "path": "".join(
            f"M{_px(n * step)} {_px(top + height)}v{_px(-height * value / most)}"
            f"h{_px(max(step * 0.8, 1))}v{_px(height * value / most)}z"
            for n, value in enumerate(values)
            if value
        )
    }


def _short(text: str) -> str:
    return f"{text[: LETTERS - 1].rstrip()}…" if len(text) > LETTERS else text


def _px(value: float) -> str:
    return f"{value:.1f}"
