"""Invented papers in Paper Round's own format, the same ones every time."""

import datetime as dt
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIRST_DAY = dt.date(2025, 8, 4)
DAYS = 60
WITH_VOTES = 0.7
_BEGINNINGS = "bal cor dem fal gir hel kas lum mor nev pol quin ras sel tor ulv vor wex yad zim"
_ENDINGS = "adic ber cion dal ement ference gram hesis ivity kern let mation nost oid pler rive"
_WORDS = [a + b for a in _BEGINNINGS.split() for b in _ENDINGS.split()]
_CATEGORIES = ["cs.CL", "cs.CV", "cs.LG", "cs.RO", "cs.SD", "eess.IV", "math.OC", "stat.ML"]


def write(path: Path, numbers: range) -> None:
    """A JSON Lines file of the papers with these numbers, each below 100,000."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(paper)}\n" for paper in papers(numbers))


def write_oai(path: Path, numbers: range) -> None:
    """The same papers as one response of an OAI-PMH server, without votes."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>\n')
        file.writelines(map(_record, papers(numbers)))
        file.write("</ListRecords></OAI-PMH>")


def _record(paper: dict[str, Any]) -> str:
    authors = "".join(f"<author><keyname>{name}</keyname></author>" for name in paper["authors"])
    return (
        f"<record><header><datestamp>{paper['listed']}</datestamp></header><metadata><arXiv>"
        f"<id>{paper['id']}</id><created>{paper['submitted']}</created>"
        f"<authors>{authors}</authors><title>{paper['title']}</title>"
        f"<categories>{' '.join(paper['categories'])}</categories>"
        f"<abstract>{paper['abstract']}</abstract></arXiv></metadata></record>\n"
    )


def papers(numbers: range) -> Iterator[dict[str, Any]]:
    chance = random.Random(numbers.start)
    for place, number in enumerate(numbers):
        listed = FIRST_DAY + dt.timedelta(days=place * DAYS // len(numbers))
        paper: dict[str, Any] = {
            "id": f"{listed:%y%m}.{number:05}",
            "title": _text(chance, 9).title(),
            "abstract": ". ".join(_text(chance, 18).capitalize() for _ in range(8)) + ".",
            "authors": [_text(chance, 2).title() for _ in range(chance.randint(1, 9))],
            "categories": chance.sample(_CATEGORIES, chance.randint(1, 3)),
            "submitted": str(listed - dt.timedelta(days=chance.randint(1, 4))),
            "listed": str(listed),
        }
        if chance.random() < WITH_VOTES:
            paper["votes"] = int(chance.paretovariate(1.1))
        yield paper


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))
