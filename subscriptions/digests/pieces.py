"""Pieces of a message: text with slots for what differs from reader to reader.

A piece exists decoded, and beside it in quoted-printable (RFC 2045, section 6.7), encoded
once. Encoded pieces begin and end at the beginning of a line, so that any sequence of them is a
valid body. Quoted-printable, not base64: pieces of any length follow each other without
padding, English text grows by a few per cent and not by a third, and no line can begin with
a dot, so that SMTP's dot-stuffing has nothing to do.
"""

import re
from collections.abc import Callable, Mapping
from email import quoprimime
from functools import cached_property, lru_cache
from typing import TypeVar

from subscriptions.notes import clean

T = TypeVar("T")

OPEN, CLOSE = "\x02", "\x03"
"""Around a slot's number in rendered text; no value contains them."""
REASON = "item.reason"
LINK = "item.feedback_url"
"""The one personal value that a card may have many times."""
_SLOT = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
KEPT_VALUES = 16_384
"""Encoded values kept for each slot: a reason is the same for many readers."""
_LINE = 74
"""Two below RFC 2045's limit, for a first character that is quoted after folding."""
_PLAIN = re.compile("[ -<>-~]*[!-<>-~]")


class Slot:
    """A place for a value of each reader, and what the template makes of that value."""

    def __init__(self, name: str, render: Callable[[str], str] = str, plain: bool = True) -> None:
        """``plain``: ``render`` changes no value that is safe in a URL."""
        self.name, self.plain = name, plain
        self.text: Callable[[str], str] = lambda value: render(clean(value))
        self.encoded = lru_cache(KEPT_VALUES)(lambda value: quoted_printable(self.text(value)))


class Piece:
    """Static parts with slots between them, decoded and encoded."""

    def __init__(self, rendered: str, slots: Mapping[str, Slot]) -> None:
        """``rendered`` has OPEN name CLOSE where slot ``name`` goes."""
        parts = _SLOT.split(rendered)
        self._static = parts[::2]
        self._slots = [slots[name] for name in parts[1::2]]
        self._places = {
            slot: [2 * n + 1 for n, other in enumerate(self._slots) if other is slot]
            for slot in self._slots
        }
        self.links_plain = all(slot.plain for slot in self._slots if slot.name == LINK)
        self.size = sum(len(part.encode()) for part in self._static)
        """Octets of the decoded text without its slots."""

    def text(self, values: Mapping[str, str]) -> str:
        """Decoded, with a value in each slot."""
        filled = [slot.text(values[slot.name]) for slot in self._slots]
        return "".join(_alternate(self._static, filled))

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
        return _alternate(static, [b""] * len(self._slots))


def _alternate(first: list[T], second: list[T]) -> list[T]:
    """One of each in turn; the first list is longer by one."""
    mixed = first + second
    mixed[::2], mixed[1::2] = first, second
    return mixed


def quoted_printable(text: str) -> bytes:
    """``text`` encoded with CRLF line ends; the last line ends too, softly if it did not.

    No line is longer than 76 octets, begins with a dot or with ``From ``.
    """
    if not text:
        return b""
    if _PLAIN.fullmatch(text):
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        if not any(line.startswith((".", "From ")) for line in lines):
            return "=\r\n".join([*lines, ""]).encode()
    octets = text.encode().decode("latin-1")
    quoted = quoprimime.body_encode(octets, maxlinelen=_LINE, eol="\r\n")
    if not text.endswith("\n"):
        quoted += "=\r\n"
    return re.sub(r"(?m)^(?:\.|F(?=rom ))", lambda m: f"={ord(m[0]):02X}", quoted).encode()
