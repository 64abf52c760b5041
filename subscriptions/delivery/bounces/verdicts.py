"""What a refusal says of the address: one table for SMTP answers and bounces."""

import re
from functools import lru_cache
from typing import NamedTuple

from ..answers import ACCOUNT, CLIENT, RELAY, enhanced_status
from ..reports import Kind
from .phrases import either, folded, table

LONGEST = 3000
"""Characters of a text that are read."""


class Verdict(NamedTuple):
    kind: Kind
    ours: bool
    """Refused for what this site is or sent."""
    reason: str
    """In a few words of ours: ``user unknown``."""


def _soft(reason: str) -> Verdict:
    return Verdict(Kind.SOFT, False, reason)


def _ours(reason: str) -> Verdict:
    return Verdict(Kind.SOFT, True, reason)


_TABLE = table("refusals.toml")
_MADE = {"hard": lambda reason: Verdict(Kind.HARD, False, reason), "soft": _soft, "ours": _ours}
_WORDS = _TABLE["words"] | {"relay": RELAY, "client": CLIENT, "sending": ACCOUNT}
FAMILIES = tuple(
    (either(each["phrases"], _WORDS), _MADE[each["kind"]](each["reason"]))
    for each in _TABLE["family"]
)
USER_UNKNOWN = Verdict(Kind.HARD, False, "user unknown")
HOST_UNKNOWN = Verdict(Kind.HARD, False, "domain unknown or without mail")
TEMPORARY = _soft("temporary")
UNDELIVERED = _soft("undelivered")

STATUSES = tuple(
    (re.compile(pattern), verdict)
    for pattern, verdict in (
        (r"5\.1\.[16]", USER_UNKNOWN),
        (r"5\.1\.2|5\.1\.10|5\.4\.4", HOST_UNKNOWN),
        (r"5\.1\.[78]", _ours("our address")),
        (r"5\.2\.1", _soft("mailbox disabled")),
        (r"5\.2\.2", _soft("mailbox full")),
        (r"5\.(2\.3|3\.4)", _ours("too large")),
        (r"5\.4\.[67]|5\.4\.1", TEMPORARY),
        (r"5\.5\..*", _ours("protocol")),
        (r"5\.6\..*", _ours("form of the message")),
        (r"5\.7\..*", _ours("policy")),
        (r"5\.3\..*", _soft("system error")),
    )
)
"""RFC 3463 and its registry, where the text says nothing."""

_OTHERWISE = re.compile(r"5\.(1\.[78]|2\.[23]|3\.4|4\.7|5\.[1-9]|6\.\d+)")
"""Statuses that no words make a final refusal of an address."""

_NO_MAIL = {"521", "556"}
"""The host, or the domain, takes no mail at all (RFC 7504)."""
_NOT_WORDS = re.compile(
    r"https?://|(?<=[\w.])/\S+|[\w.!#$%&'*+/=?^`{|}~\"-]{1,64}@[\w.-]+"
    r"|(?<![\d.])[245]\d\d[- ](?=[245]\.\d+\.\d)|(?<![\d.])5\d\d-(?=\s|[A-Za-z])"
)
_STAGES = {
    "RCPT": re.compile(
        r"(?<!need )\brcpt(_to)?\b(?! first| \(recip| to: (?!<|[45]\d\d\b))"
        r"|does not like recipient|rejected recipient"
    ),
    "MAIL": re.compile(
        r"(to|after|following|in) (the )?(mail from|e?helo|connect|initial)|\[mail_from\]"
        r"|our (mail from|e?helo)|refused to talk to me|not like our (mail|e?helo)"
    ),
    "DATA": re.compile(
        r"(to|after|following|of|in) (the )?(end of )?(data|text) |after (i|we) sent|our data"
        r"|\[data\]|smtp command:? data|end of (data|message)|\[eod\]"
    ),
}


def verdict(code: str, status: str, text: str) -> Verdict:
    """What an SMTP reply code, an RFC 3463 status and what the server said mean together.

    Each may be empty; what they lack is looked for in ``text``. Words count more than codes: a
    full mailbox is one whatever its status. The kind is HARD, SOFT or, for a success, DELIVERED.
    An answer is taken as one to RCPT unless the text says otherwise ("in reply to end of DATA
    command").
    """
    status = status or enhanced_status(text)
    first = (status or code)[:1]
    if first == "2":
        return Verdict(Kind.DELIVERED, False, "delivered")
    found = said(f"{status} {text}") or by_status(code, status)
    if code in _NO_MAIL and first == "5" and not found.ours:
        return HOST_UNKNOWN
    if found.kind is Kind.HARD:
        if first == "4" or code[:1] == "4":
            return TEMPORARY
        if _OTHERWISE.fullmatch(status):
            return by_status(code, status)
        command = stage(text)
        if command == "MAIL":
            return _ours("our address")
        if command == "DATA" and found == USER_UNKNOWN and not status.startswith("5.1."):
            return _soft("refused after it was read")
    return found


@lru_cache(maxsize=64)  # what is asked of one message
def said(text: str) -> Verdict | None:
    """What the words alone say; None where they say nothing."""
    words = folded(_NOT_WORDS.sub(" ", text[:LONGEST]))
    return next((found for family, found in FAMILIES if family.search(words)), None)


def by_status(code: str, status: str) -> Verdict:
    """What the numbers alone say."""
    if (status or code)[:1] == "4":
        return TEMPORARY
    return next((found for each, found in STATUSES if each.fullmatch(status)), UNDELIVERED)


def stage(text: str) -> str:
    """The command that a notice says was answered: RCPT, MAIL (or before), DATA, or empty."""
    words = folded(text[:LONGEST])
    return next((name for name, pattern in _STAGES.items() if pattern.search(words)), "")
