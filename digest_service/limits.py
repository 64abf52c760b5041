"""What the environment says about how much may be sent, read once and checked."""

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_domain_name

NO_LIMIT = 10_000_000
"""A warm-up that has grown to so many messages a day is over."""


@dataclass(frozen=True)
class WarmUp:
    """How many messages a new sender sends on each UTC day, over all domains."""

    first_day: dt.date
    first: int
    """On that day and before it."""
    growth: float
    """From each day to the next."""

    def limit(self, day: dt.date) -> int | None:
        """The most of a day; None where it no longer limits."""
        days = max((day - self.first_day).days, 0)
        if days * math.log(self.growth) + math.log(self.first) >= math.log(NO_LIMIT):
            return None
        return math.floor(self.first * self.growth**days)


def warm_up(text: str) -> WarmUp | None:
    """``2026-12-01:500:1.5`` as it is meant; None for an empty text."""
    if not text:
        return None
    try:
        day, first, growth = text.split(":")
        found = WarmUp(dt.date.fromisoformat(day), int(first), float(growth))
    except ValueError:
        found = None
    if not found or not 1 <= found.first < NO_LIMIT or not 1 < found.growth <= 10:
        raise ImproperlyConfigured(
            f"WARM_UP is {text!r}; it can be the first day, how many messages go out on it, and "
            "by how much that grows each day, above 1 and at most 10, as 2026-12-01:500:1.5."
        )
    return found


def domain_limits(entries: Iterable[str]) -> dict[str, int]:
    """The most messages of a UTC day by receiving domain, in A-labels."""
    found: dict[str, int] = {}
    for entry in entries:
        name, _, count = entry.rpartition(":")
        try:
            domain, most = name.strip().lower().encode("idna").decode(), int(count)
            validate_domain_name(domain)
        except (ValueError, ValidationError):
            most = 0
        if most < 1 or domain in found:
            raise ImproperlyConfigured(
                f"DOMAIN_LIMITS has {entry!r}; each domain is in it once with the most messages "
                "of a day, from 1 up, as gmail.com:20000,yahoo.com:5000."
            )
        found[domain] = most
    return found


def share(name: str, text: str) -> float:
    """A part of the whole, below 1; 0 is never."""
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found < 1:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it can be a share of the messages, as 0.003 for 0.3 %, or 0 "
            "for never."
        )
    return found


def count(name: str, text: str, least: int) -> int:
    """A whole number that is not below the least."""
    try:
        found = int(text)
    except ValueError:
        found = least - 1
    if found < least:
        raise ImproperlyConfigured(f"{name} is {text!r}; it can be a whole number from {least} up.")
    return found


def soft_bounces(in_a_row: str, days: str) -> tuple[int, int]:
    """How many soft bounces in a row are too many, and within how many days.

    One says nothing of how long a mailbox is full; those with a weekly digest can have as many.
    """
    found, within = count("SOFT_BOUNCES", in_a_row, 2), count("SOFT_BOUNCE_DAYS", days, 1)
    if within < (least := 7 * (found - 1) + 1):
        raise ImproperlyConfigured(
            f"SOFT_BOUNCE_DAYS is {within}: nobody with a weekly digest has {found} in that time "
            f"(SOFT_BOUNCES). It can be {least} or more."
        )
    return found, within
