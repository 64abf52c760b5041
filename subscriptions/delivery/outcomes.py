"""What became of handing a message to a mail server."""

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    SENT = "sent"
    """The server has taken responsibility for it."""
    NOT_TRIED = "not tried"
    """No server was asked about it."""
    RETRY_SOON = "retry soon"
    """The line ended before it was taken; nothing is wrong with it."""
    RETRY_LATER = "retry later"
    """Not taken now; may be after a while."""
    REFUSED = "refused"
    """Never will be."""
    IN_DOUBT = "in doubt"
    """It may have been taken: the line ended before the answer came."""


class Fault(Enum):
    """Who must change something before such a message is taken."""

    ADDRESS = "address"
    """The recipient: no such mailbox, no such domain, full, closed."""
    OURS = "ours"
    """This site: its sender, credentials, reputation, or the message."""
    TEMPORARY = "temporary"
    """Nobody."""


@dataclass(frozen=True)
class Outcome:
    result: Result
    reply: str
    """What the server or the line said: one masked line of at most 500 characters."""
    fault: Fault | None = None


Outcomes = dict[int, Outcome]
"""By the key of the message."""


class Unavailable(Exception):
    """There is no usable connection for what is left; the text is a masked reply."""


class Stopped(Unavailable):
    """The server refuses this site, or cannot be trusted: every message would fare alike."""


def unencoded(error: Exception) -> Outcome:
    """Of a message that could not even be written."""
    return Outcome(Result.REFUSED, f"not encoded: {type(error).__name__}", Fault.OURS)
