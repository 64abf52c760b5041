"""Whom a notice is about, and which of its lines are about each."""

import email
import logging
import re
from dataclasses import dataclass
from email.utils import parseaddr

from flufl.bounce import all_failures

from .letter import Letter, header, tidied
from .phrases import either, table

MOST_RECIPIENTS, LINES_EACH = 50, 12
logging.getLogger("flufl.bounce").disabled = True  # it logs what it also raises
_FLUFL_BYTES = 24_000
"""Its detectors read every line some forty times, and long ones in quadratic time."""
_LONG = re.compile(rb"[^\n]{250}(?=[^\n])")

_PLAIN = r"[^\s<>,;:()\[\]'\"@]{1,64}@[^\s<>,;:()\[\]'\"@]{1,255}"
_ANY = re.compile(r"[^\s<>,;:()\[\]'\"=@]{1,64}@[\w.-]{1,255}")
_LABELS = either(table("notices.toml")["labels"]).pattern
_LABELLED = re.compile(
    rf"\b(?:{_LABELS})[^\w@<]{{1,12}}(?:is |was |smtp:|rfc822;)?<?'?(?P<it>{_PLAIN})", re.IGNORECASE
)
_LEADING = re.compile(
    rf"^[\s>*|•-]{{0,20}}<?(?P<it>{_PLAIN})>?(\s*$|\s*[:;(\[.<]|\s+(on|-|—|\d{{3}}|\w+ ))"
)
_GENERATED = re.compile(rf"generated from ({_PLAIN})\)")
_TRANSCRIBED = re.compile(rf"^[45]\d\d (?:[45]\.\d\.\d )?<({_PLAIN})>\.\.\.", re.MULTILINE)
_COMMAND = re.compile(r"^[\s>]*>>> ?(RCPT|DATA|MAIL|EHLO|HELO|QUIT|BDAT)", re.IGNORECASE)
_HEADER = re.compile(
    r"^[\s>]*(from|reply-to|message-?id|sender|date|received|return-path|cc|bcc|mail from|by"
    r"|x-[\w-]+|references|in-reply-to|subject|contact|for further|please)\b",
    re.IGNORECASE,
)
_NO_READERS = re.compile(
    r"(mailer-?daemon|post_?master|abuse|root|helpdesk|support)@", re.IGNORECASE
)


@dataclass
class Mention:
    """A recipient, and the lines that are about it."""

    address: str
    text: str


def mentions(letter: Letter, text: str, raw: bytes, *, of_a_daemon: bool) -> list[Mention]:
    """The recipients that a notice names, in its order, with what ``text`` says of each.

    What no mail system seems to have written is one only if flufl.bounce knows its form.
    """
    named = recipients(letter, text, raw, every_way=of_a_daemon)[:MOST_RECIPIENTS]
    about = lines_about(text, [{each.lower()} for each in named])
    return [Mention(each, lines) for each, lines in zip(named, about, strict=True)]


def lines_about(text: str, people: list[set[str]]) -> list[str]:
    """For each, known by some addresses in lower case, the lines from one that names it on.

    They end where another is named. Sendmail's transcripts have the command first, then the
    answers; there the last command before is among the lines.
    """
    transcript = "ranscript of" in text
    kept: list[list[str]] = [[] for _ in people]
    command, current, left = "", None, 0
    for line in text.split("\n"):
        if _COMMAND.match(line):
            command = line
        low = line.lower() if "@" in line else ""
        here = [n for n, names in enumerate(people) if low and any(name in low for name in names)]
        if here:
            current = here[0] if len(here) == 1 else None
            left = 0 if transcript and _TRANSCRIBED.match(line) else LINES_EACH
        for n in here:
            if command and command not in kept[n]:
                kept[n].append(command)
            kept[n].append(line)
        if not here and current is not None and left > 0:
            kept[current].append(line)
        left -= 1
    return ["\n".join(lines) for lines in kept]


def recipients(letter: Letter, text: str, raw: bytes, *, every_way: bool) -> list[str]:
    """The addresses that a notice is about, by the surest of the ways that finds any."""
    lines = text.split("\n")
    ways = (
        lambda: _within(text, _by_flufl(raw)),
        lambda: _ANY.findall(letter.header("X-Failed-Recipients")),
        lambda: [found["it"] for found in _LABELLED.finditer(text)],
        lambda: [found["it"] for line in lines if (found := _LEADING.match(line))],
        lambda: _ANY.findall("\n".join(line for line in lines if not _HEADER.match(line))),
        lambda: _originally_to(letter),
    )
    ours = {
        each.lower()
        for name in ("From", "To", "Reply-To")
        for each in _ANY.findall(letter.header(name))
    }
    for way in ways if every_way else ways[:1]:
        found = [each.strip(".'\"<>") for each in way()]
        if kept := [each for each in found if each.lower() not in ours | set(_daemons(each))]:
            return _complete(text, kept)
    return []


def _daemons(address: str) -> list[str]:
    return [address.lower()] if _NO_READERS.match(address) else []


def _complete(text: str, found: list[str]) -> list[str]:
    """Each once; without what it was expanded from, with what only a transcript names."""
    once = {each.lower(): each for each in reversed(found + _TRANSCRIBED.findall(text))}
    sources = {each.lower() for each in _GENERATED.findall(text)}
    kept = [each for low, each in reversed(once.items()) if low not in sources]
    return kept or list(once.values())


def _within(text: str, addresses: list[str]) -> list[str]:
    """Those that stand before the returned message, if any does."""
    low = text.lower()
    return [each for each in addresses if each.lower() in low] or addresses


def _originally_to(letter: Letter) -> list[str]:
    """Whom the returned message was to, where that is one."""
    to = _ANY.findall(header(letter.returned[0], "To")) if letter.returned else []
    return to if len(to) == 1 else []


def _by_flufl(raw: bytes) -> list[str]:
    """What flufl.bounce finds; for much that is broken it raises, and logs that itself."""
    short = _LONG.sub(lambda found: found[0] + b"\n", tidied(raw, _FLUFL_BYTES))
    message = email.message_from_bytes(short)
    sender = parseaddr(header(message, "From"))[1]
    if not sender or not str(message["From"]).isascii():  # its detectors need it, and of ASCII
        del message["From"]
        message["From"] = sender if sender.isascii() and sender else "mailer-daemon@invalid"
    try:
        temporary, permanent = all_failures(message)
    except (AttributeError, LookupError, TypeError, ValueError):
        return []
    return sorted(each.decode("utf-8", "replace") for each in temporary | permanent)
