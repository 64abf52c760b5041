"""Run every measurement at full size; print a table and one line for each figure."""

from .figures import table
from .intake import measure_import

PAPERS = 50_000


def main(scale: float = 1) -> None:
    """``scale`` is the part of the full size to run at."""
    rows, figures = measure_import(round(PAPERS * scale))
    print(table(rows))
    print(*figures, sep="\n")


if __name__ == "__main__":
    main()
