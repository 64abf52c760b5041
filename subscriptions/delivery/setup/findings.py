"""What a look at one part of the mail setup found."""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    level: Level
    about: str
    """SPF, DKIM, DMARC, MX, bounces, reverse DNS, TLS or settings."""
    text: str
    advice: str = ""
    """Words, or ``Add:`` or ``Replace it by:`` and a line of a zone file, or ``Set:`` and of .env.

    Beside a record that is wrong a second one helps nobody: two of SPF are none (RFC 7208 4.5).
    """


def txt(name: str, text: str) -> str:
    """A TXT record as a zone file has it: strings of at most 255 octets (RFC 1035 3.3.14)."""
    parts = [text[start : start + 255] for start in range(0, len(text), 255)]
    return f"{name}. IN TXT " + " ".join(f'"{part}"' for part in parts)
