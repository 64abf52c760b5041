"""What a refusal says of the address: one table for SMTP answers and bounces."""

import re
from typing import NamedTuple

from ..reports import Kind


class Verdict(NamedTuple):
    kind: Kind
    ours: bool
    """Refused for what this site is or sent."""
    reason: str
    """In a few words of ours: ``user unknown``."""


def verdict(code: str, status: str, text: str) -> Verdict:
    """What an SMTP reply code, an RFC 3463 status and what the server said mean together.

    Each may be empty. The kind is HARD, SOFT or, for a success, DELIVERED.
    """
    if status.startswith("2") or (not status and code.startswith("2")):
        return Verdict(Kind.DELIVERED, False, "delivered")
    if status.startswith("4") or (not status and code.startswith("4")):
        return Verdict(Kind.SOFT, False, "temporary")
    if re.search(r"spam|block|reputation|policy|relay", text, re.IGNORECASE):
        return Verdict(Kind.SOFT, True, "policy")
    if status in ("5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.4.4"):
        return Verdict(Kind.HARD, False, "user unknown")
    return Verdict(Kind.SOFT, False, "undelivered")
