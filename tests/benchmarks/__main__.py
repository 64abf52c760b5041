"""Run every measurement at full size; print a table and one line for each figure."""

from .choosing import measure_choosing
from .composing import measure_composing
from .desk import measure_desk
from .figures import table
from .intake import measure_import
from .mail_services import measure_mail_services
from .pages import measure_pages
from .scaling import measure_cost, measure_memory
from .searching import measure_search
from .sending import measure_sending

PAPERS = 50_000


def main(scale: float = 1) -> None:
    """``scale`` is the part of the full size to run at."""
    for rows, figures in (
        measure_import(round(PAPERS * scale)),
        measure_composing(scale),
        measure_sending(scale),
        measure_mail_services(scale),
        measure_memory(scale),
        measure_cost(scale),
        measure_choosing(scale),
        measure_search(scale),
        measure_pages(scale),
        measure_desk(scale),
    ):
        print(table(rows))
        print(*figures, sep="\n", flush=True)


if __name__ == "__main__":
    main()
