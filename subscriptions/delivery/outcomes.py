"""What became of one attempt to hand a message to a mail server."""

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    SENT = "sent"
    NOT_TRIED = "not tried"
    """There was no connection to hand it over on."""
    RETRY = "retry"
    """Not taken now; may be later."""
    REFUSED = "refused"
    """Never will be, for this address."""
    IN_DOUBT = "in doubt"
    """The line broke while it was being handed over."""


@dataclass(frozen=True)
class Outcome:
    result: Result
    reply: str
