"""What becomes of mail to each kind of reader, and what the site must make of it."""

from collections.abc import Mapping
from typing import NamedTuple

FULL = 5_000
"""Readers of the full size."""


class Kind(NamedTuple):
    name: str
    readers: int
    """Of ``FULL``; 0: all the rest."""
    status: str = "active"
    """After two weeks."""
    suppressed: str = ""
    """For which reason; empty where not."""
    events: Mapping[str, int] = {}
    """What is noted of each, by kind of event."""
    digests: Mapping[str, int] = {"sent": 2}
    """How many of each were begun in the two weeks, by what became of them."""
    daily: bool = False
    domain: str = "readers.example"


HARD, OURS, SOFT, SPAM = {"hard": 1}, {"ours": 2}, {"soft": 2}, {"complaint": 1}
FAILED, ONE = {"failed": 1}, {"sent": 1}
BOUNCED = "bounced", "bounce"
LEFT: tuple[str, str, Mapping[str, int], Mapping[str, int]] = "unsubscribed", "", {}, ONE

KINDS = (
    Kind("fine", 0),
    # Refused while it is handed over.
    Kind("gone", 30, *BOUNCED, HARD, FAILED),
    Kind("nodomain", 20, *BOUNCED, HARD, FAILED),
    Kind("busy", 20),
    Kind("spammy", 20, events=OURS, digests={"failed": 2}),
    Kind("large", 10, events=OURS, digests={"failed": 2}),
    Kind("blocked", 120, events={"ours": 1}, digests={"failed": 1, "deferred": 1},
         domain="blocking.example"),
    # Taken, and then sent back by Postfix, as the next server refuses it.
    Kind("lost", 30, *BOUNCED, HARD, ONE),
    Kind("moved", 10, *BOUNCED, HARD, ONE),
    Kind("hostless", 10, *BOUNCED, HARD, ONE),
    Kind("twice", 10, *BOUNCED, HARD, ONE),
    Kind("policy", 20, events=OURS),
    Kind("full", 20, events=SOFT),
    Kind("expired", 20, events=SOFT),
    Kind("overfull", 20, *BOUNCED, {"soft": 8}, {"sent": 8}, daily=True),
    Kind("refilled", 20, events={"soft": 5}, digests={"sent": 14}, daily=True),
    Kind("regular", 300, digests={"sent": 14}, daily=True),
    # Taken by a person or a program that answers.
    Kind("forwarded", 10, *BOUNCED, HARD, ONE),
    Kind("delayed", 10),
    Kind("garbled", 10),
    Kind("vacation", 50),
    Kind("forged", 50),
    Kind("rehoused", 10),
    Kind("complain", 5, "complained", "complaint", SPAM, ONE),
    Kind("angry", 300, domain="angry.example"),
    Kind("angered", 6, "complained", "complaint", SPAM, ONE, domain="angry.example"),
    Kind("oneclick", 20, *LEFT),
    Kind("mailto", 20, *LEFT),
    Kind("reply", 20, *LEFT),
    Kind("asking", 5),
)  # fmt: skip

AT_RCPT = {
    "gone": "550 5.1.1 no such user",
    "nodomain": "550 5.1.2 there is no such domain",
    "large": "552 5.3.4 the message is larger than this mailbox takes",
    "blocked": "554 5.7.1 your address is on a blocklist",
}
ON_THE_FIRST_DAY = {"busy": "450 4.7.1 greylisted, come back in a while"}
AT_END = {"spammy": "5.7.1 this looks like spam"}
LATER = {
    "lost": "550 5.1.1 The email account that you tried to reach does not exist",
    "moved": "551 5.1.6 this user has moved and left no address",
    "hostless": "550 5.4.4 the host of this address was not found",
    "twice": "550 5.1.1 user unknown",
    "policy": "550 5.7.1 refused by a rule of this company",
    "full": "452 4.2.2 the mailbox is full",
    "expired": "451 4.4.7 delivery time expired",
    "overfull": "552 5.2.2 the mailbox is over its quota",
    "refilled": "452 4.2.2 the mailbox is full",
}
REFILLED_ON = (0, 1, 2, 9, 10)
"""The days on which a mailbox of that kind is full: never for long enough."""
ANSWERING = (
    "forwarded", "delayed", "garbled", "vacation", "forged", "rehoused", "complain", "angered",
    "oneclick", "mailto", "reply", "asking",
)  # fmt: skip


def readers(scale: float) -> dict[str, int]:
    """How many readers of each kind there are at a part of the full size, one at least."""
    counts = {kind.name: max(round(kind.readers * scale), 1) for kind in KINDS}
    if scale < 1:  # enough for what looks at whole domains
        counts |= {"angry": 10, "angered": 6, "blocked": 10}
    counts["fine"] = max(round(FULL * scale) - sum(counts.values()) + 1, 1)
    return counts
