"""Pieces of a message: text with slots for what differs from reader to reader.

A piece exists decoded, and beside it in quoted-printable (RFC 2045, section 6.7), encoded
once. Encoded pieces begin and end at the beginning of a line, so that any sequence of them is a
valid body.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import TypeVar

from subscriptions import numbering
from subscriptions.delivery.mime import quoted_printable
from subscriptions.notes import clean

T = TypeVar("T")

OPEN, CLOSE = "\x02", "\x03"
"""Around a slot's number in rendered text; no value contains them."""
NUMBER, ENCODED_NUMBER = "\x04", b"=04"
"""Where a piece of text has the number of a link, decoded and encoded; no value contains it."""
REASON = "item.reason"
LINK = "item.feedback_url"
"""The one personal value that a card may have many times."""
_SLOT = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
KEPT_VALUES = 16_384
"""Encoded values kept for each slot: a reason is the same for many readers."""


class Slot:
    """A place for a value of each reader, and what the template makes of that value."""

    def __init__(self, name: str, render: Callable[[str], str] = str, plain: bool = True) -> None:
        """``plain``: ``render`` changes no value that is safe in a URL."""
        self.name, self.plain = name, plain
        self.is_card = name.startswith("card ")
        self.text: Callable[[str], str] = lambda value: render(clean(value))
        self.encoded = lru_cache(KEPT_VALUES)(lambda value: quoted_printable(self.text(value)))


class Piece:
    """Static parts with slots between them, decoded and encoded."""

    def __init__(self, rendered: str, slots: Mapping[str, Slot]) -> None:
        """``rendered`` has OPEN name CLOSE where slot ``name`` goes."""
        self.numbers = numbering.places(rendered)
        """Which of the piece's links, from 0, stands at each NUMBER."""
        self.links = max(self.numbers, default=-1) + 1
        parts = _SLOT.split(numbering.waiting(rendered, NUMBER))
        self._static = parts[::2]
        self._slots = [slots[name] for name in parts[1::2]]
        cards = (n for n, slot in enumerate(self._slots, 1) if slot.is_card)
        self.opening = "".join(self._static[: next(cards, None)]).count(NUMBER)
        """Numbers that stand before the first card."""
        self._places = {
            slot: [2 * n + 1 for n, other in enumerate(self._slots) if other is slot]
            for slot in self._slots
        }
        self.links_plain = all(slot.plain for slot in self._slots if slot.name == LINK)
        self.size = sum(len(part.encode()) for part in self._static)
        """Octets of the decoded text without its slots."""

    def text(self, values: Mapping[str, str]) -> str:
        """Decoded, with a value in each slot."""
        filled = [
            values[slot.name] if slot.is_card else slot.text(values[slot.name])
            for slot in self._slots
        ]
        return "".join(alternate(self._static, filled))

    def encoded(self, values: Mapping[str, str], ready: Mapping[str, bytes]) -> list[bytes]:
        """Encoded, in parts, with a value in each slot.

        A plain slot takes what is ``ready``, encoded already, before it takes a value.
        """
        parts = self._encoded.copy()
        for slot, places in self._places.items():
            if slot.plain and slot.name in ready:
                value = ready[slot.name]
            else:
                value = slot.encoded(values[slot.name])
            for place in places:
                parts[place] = value
        return parts

    @cached_property
    def _encoded(self) -> list[bytes]:
        static = [quoted_printable(part) for part in self._static]
        return alternate(static, [b""] * len(self._slots))


def alternate(first: list[T], second: Iterable[T]) -> list[T]:
    """One of each in turn; the first is longer by one."""
    mixed = [*first, *second]
    mixed[1::2], mixed[::2] = mixed[len(first) :], first
    return mixed
