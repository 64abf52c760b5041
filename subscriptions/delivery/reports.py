"""What comes back about a message: who it is about, and what it says."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    HARD = "hard"
    """The address cannot be mailed, now or later."""
    SOFT = "soft"
    """It was not taken this time; later it may be."""
    COMPLAINT = "complaint"
    """Its owner called the message spam, or wants no more (RFC 5965)."""
    AUTOREPLY = "autoreply"
    """A program answered for its owner (RFC 3834)."""
    DELIVERED = "delivered"
    UNKNOWN = "unknown"
    """Nothing that this site can read."""


@dataclass(frozen=True)
class Report:
    """What one message that came back says of one recipient."""

    address: str
    """As it is named there; empty where it is not."""
    kind: Kind
    status: str = ""
    """RFC 3463, ``5.1.1``; empty where none is told."""
    reason: str = ""
    """In a few words, with what the server said; at most 500 characters, not masked."""
    ours: bool = False
    """Whether it was refused for what this site is or sent: not the fault of the address."""
    trying: bool = False
    """SOFT, and not even a failure yet: delivery is delayed, the server goes on trying."""
