"""What the columns of a file of readers can be: guessed from their names, read from their cells."""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from subscriptions.models import Section, Subscriber
from subscriptions.sources.records import clean

from .choices import Choices
from .preferences import LONGEST_PAUSE
from .validation import (
    ZONES,
    arxiv_category,
    entries,
    example_paper,
    phrase,
    valid_email,
)

MAX_CELL = 8_000

Status = Subscriber.Status

FIELDS = {
    "email": ("e mail", "email address", "e mail address", "subscriber email", "mail",
              "e mail adresse", "email adresse"),
    "topics": ("topic", "themen"),
    "phrases": ("phrase", "keywords", "stichwörter"),
    "authors": ("author", "autoren"),
    "categories": ("category", "arxiv categories", "kategorien"),
    "papers": ("example papers", "papers you liked"),
    "muted": ("muted phrases",),
    "cadence": ("frequency", "how often", "häufigkeit"),
    "weekday": ("day of week", "wochentag"),
    "hour": ("uhrzeit", "stunde"),
    "timezone": ("time zone", "tz", "zeitzone"),
    "max_papers": ("papers in a digest",),
    "sections_off": ("sections not wanted",),
    "text_only": ("plain text",),
    "status": ("subscriber type", "subscription status", "subscribed to emails"),
    "paused_until": ("pause until",),
    "confirmed_at": ("confirm time", "confirmation date", "confirmed on", "opted in at",
                     "optin time", "opt in time", "opt in date", "bestätigt am"),
    "left_at": ("unsubscribed at", "unsub time", "unsubscribed", "unsubscribe date",
                "unsubscription date", "email disabled", "clean time", "abgemeldet am"),
    "consent_source": ("source of consent",),
}  # fmt: skip
"""What a column can be taken for, and how the lists of others call it; the first name counts."""

_STATUSES = {
    Status.ACTIVE: "active subscribed confirmed enabled regular premium free paid yes true 1",
    Status.PAUSED: "paused",
    Status.PENDING: "pending unconfirmed unactivated",
    Status.UNSUBSCRIBED: "unsubscribed left removed inactive cancelled canceled no false 0",
    Status.BOUNCED: "bounced cleaned undeliverable",
    Status.COMPLAINED: "complained spam",
}
STATUSES = {word: status for status, words in _STATUSES.items() for word in words.split()}
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}
_NEVER = _NO | {"never", "none", "null"}
_ZONES = frozenset(ZONES)
_ENTRY = re.compile(r"(?:\\[|;\\]|[^|;])+")
_ESCAPED = re.compile(r"\\([|;\\])")


@dataclass(frozen=True)
class Reader:
    """What a good row says."""

    email: str
    choices: Choices
    status: Status
    """As the file has it; active where it has none."""
    confirmed_at: dt.datetime | None
    paused_until: dt.date | None
    consent_source: str


def guess(names: Sequence[str], first: Sequence[str]) -> tuple[str, ...]:
    """The field each column is, by its name in any case and spelling; empty where it is none.

    Where no name says email, the first cell of a reader that has an @ does.
    """
    spelt = [re.sub(r"[\W_]+", " ", name).strip().casefold() for name in names]
    fields = [""] * len(names)
    for field, others in FIELDS.items():
        for known in (field.replace("_", " "), *others):
            if known in spelt and not fields[spelt.index(known)]:
                fields[spelt.index(known)] = field
                break
    if "email" not in fields:
        places = (n for n, cell in enumerate(first[: len(names)]) if "@" in cell and not fields[n])
        if (place := next(places, None)) is not None:
            fields[place] = "email"
    return tuple(fields)


def join(found: Sequence[str]) -> str:
    """Several entries in one cell."""
    return " | ".join(re.sub(r"[|;\\]", r"\\\g<0>", entry) for entry in found)


def split(cell: str) -> list[str]:
    """What ``join`` made one cell; a semicolon may stand between entries, too."""
    return [_ESCAPED.sub(r"\1", entry).strip() for entry in _ENTRY.findall(cell)]


class Cells:
    """Reads the cells of rows; ``topics`` has the pk of each by its slug and its folded name."""

    def __init__(self, topics: Mapping[str, int], now: dt.datetime) -> None:
        self.topics, self.now = topics, now
        self.reads: dict[str, Callable[[str], Any]] = {
            "email": valid_email,
            "topics": self._topics,
            "phrases": lambda cell: entries(split(cell), phrase),
            "authors": lambda cell: entries(split(cell), phrase),
            "categories": lambda cell: entries(split(cell), arxiv_category),
            "papers": lambda cell: entries(split(cell), example_paper),
            "muted": lambda cell: entries(split(cell), phrase),
            "cadence": _cadence,
            "weekday": _weekday,
            "hour": _hour,
            "timezone": _timezone,
            "max_papers": _max_papers,
            "sections_off": _sections,
            "text_only": _yes,
            "status": _status,
            "paused_until": self._pause_ends,
            "confirmed_at": self._confirmed,
            "left_at": lambda cell: cell.casefold() not in _NEVER,
            "consent_source": _consent,
        }

    def reader(self, cells: Mapping[str, str]) -> Reader:
        """What a row says, by field. Raises ValidationError with all that is wrong with it."""
        found: dict[str, Any] = {}
        wrong = [] if cells.get("email") else ["email is missing."]
        for field, cell in cells.items():
            try:
                if cell:
                    found[field] = self.reads[field](_capped(cell))
            except ValidationError as error:
                wrong.append(f"{field}: {' '.join(error.messages)}")
        if wrong:
            raise ValidationError(wrong)
        chosen = {name: found[name] for name in Choices.__dataclass_fields__ if name in found}
        return Reader(
            found["email"],
            Choices(**chosen),
            Status.UNSUBSCRIBED if found.get("left_at") else found.get("status", Status.ACTIVE),
            found.get("confirmed_at"),
            found.get("paused_until"),
            found.get("consent_source", ""),
        )

    def _topics(self, cell: str) -> tuple[int, ...]:
        found = [entry for entry in split(cell) if entry]
        if unknown := [entry for entry in found if entry.casefold() not in self.topics]:
            raise ValidationError(
                f"there is no topic “{unknown[0][:60]}”; between several stands | or a semicolon."
            )
        return tuple(dict.fromkeys(self.topics[entry.casefold()] for entry in found))

    def _confirmed(self, cell: str) -> dt.datetime:
        moment = _moment(cell)
        if moment > self.now:
            raise ValidationError(f"“{cell[:40]}” is still to come.")
        return moment

    def _pause_ends(self, cell: str) -> dt.date:
        day = _moment(cell).date()
        if day > self.now.date() + LONGEST_PAUSE:
            raise ValidationError(f"“{cell[:40]}” is more than a year ahead.")
        return day


def _capped(cell: str) -> str:
    if len(cell) > MAX_CELL:
        raise ValidationError(f"a cell has at most {MAX_CELL:,} characters.")
    return clean(cell, MAX_CELL)


def _moment(cell: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(cell)
        if not 1990 <= moment.year <= 2200:
            raise ValueError
    except ValueError:
        raise ValidationError(
            f"“{cell[:40]}” is no date; one is 2024-05-31, another 2024-05-31 09:30."
        ) from None
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _cadence(cell: str) -> str:
    if cell.casefold() not in Subscriber.Cadence.values:
        raise ValidationError(f"“{cell[:40]}” is neither weekly nor daily.")
    return cell.casefold()


def _weekday(cell: str) -> int:
    for day in Subscriber.Weekday:
        if len(cell) > 2 and day.name.casefold().startswith(cell.casefold()):
            return day.value
    raise ValidationError(f"“{cell[:40]}” is no weekday; one is Monday.")


def _hour(cell: str) -> int:
    found = re.fullmatch(r"([01]?[0-9]|2[0-3])(?::00)?(?::00)?", cell)
    if not found:
        raise ValidationError(f"“{cell[:40]}” is no full hour from 0 to 23.")
    return int(found[1])


def _timezone(cell: str) -> str:
    if cell not in _ZONES:
        raise ValidationError(f"there is no time zone “{cell[:40]}”; one is Europe/Berlin.")
    return cell


def _max_papers(cell: str) -> int:
    if not re.fullmatch("[0-9]{1,2}", cell) or not 5 <= int(cell) <= 30:
        raise ValidationError(f"“{cell[:40]}” is no number from 5 to 30.")
    return int(cell)


def _sections(cell: str) -> tuple[str, ...]:
    found = [entry.casefold() for entry in split(cell) if entry]
    if set(found) - set(Section.values):
        raise ValidationError(f"only {', '.join(Section.values)} can be left out.")
    if len(set(found)) == len(Section):
        raise ValidationError("one section must stay.")
    return tuple(dict.fromkeys(found))


def _yes(cell: str) -> bool:
    if cell.casefold() not in _YES | _NO:
        raise ValidationError(f"“{cell[:40]}” is neither yes nor no.")
    return cell.casefold() in _YES


def _status(cell: str) -> Status:
    if cell.casefold() not in STATUSES:
        known = ", ".join(Status.values)
        raise ValidationError(f"“{cell[:40]}” is unknown; it can be {known}.")
    return STATUSES[cell.casefold()]


def _consent(cell: str) -> str:
    if len(cell) > 200:
        raise ValidationError("at most 200 characters.")
    return cell
