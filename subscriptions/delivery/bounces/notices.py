"""Notices of failure that are written for people: how they are known, and what they say."""

import re
from email.message import Message

from .letter import Letter, header
from .phrases import either, folded, table

MOST_TEXT, MOST_LINES, LONGEST_LINE, MOST_PARTS = 64_000, 600, 1000, 3

_TABLE = table("notices.toml")
_DAEMON = either(_TABLE["daemon"])
_FAILED = either(_TABLE["failed"])
_RETURNED = either(_TABLE["returned"])
_TOLD = either(_TABLE["told"])
_MACHINE = re.compile("no-?reply|do-?not-?reply")
_TRYING = either(_TABLE["trying"])
_QUOTED = re.compile(r"^(>(?!>>) ?)+")
_HEADER = re.compile(r"(return-path|received|dkim-signature|x-[\w-]+|message-id):", re.IGNORECASE)
_FIELD = re.compile(
    r"[\s>*]{0,20}(subject|betreff|objet|asunto|assunto|oggetto|onderwerp|тема|主[题題旨]|件名"
    r"|(mail )?from|sender|sent( date)?|date|message-?id)\s?[:\uff1a]",
    re.IGNORECASE,
)
"""Of the returned message, told among the words: no words of the server."""
_SHORTEST = 20


def is_from_a_daemon(letter: Letter) -> bool:
    """Whether a mail system wrote it, by its sender, subject or first words."""
    sender, subject = folded(letter.header("From")), folded(letter.header("Subject"))
    if letter.message.get("X-Failed-Recipients") or _DAEMON.search(sender):
        return True
    if letter.header("Return-Path") == "<>" or _MACHINE.search(sender):
        return bool(_FAILED.search(subject) or _TOLD.search(folded(notice(letter)[:1000])))
    return bool(_FAILED.match(subject))


def looks_like_one(message: Message) -> bool:
    return bool(_FAILED.search(folded(header(message, "Subject"))))


def notice(letter: Letter) -> str:
    """The text of a notice up to the message that it returns."""
    lines: list[str] = []
    read = 0
    for text in letter.texts[:MOST_PARTS]:
        for raw in text[:MOST_TEXT].splitlines()[:MOST_LINES]:
            line = _QUOTED.sub("", raw[:LONGEST_LINE])
            if read > _SHORTEST and (_HEADER.match(line) or _RETURNED.search(folded(line))):
                return "\n".join(lines).strip()
            if not _FIELD.match(line):
                lines.append(line)
            read += len(line)
    return "\n".join(lines).strip()


def goes_on(text: str) -> bool:
    """Whether it says that the server goes on trying."""
    return bool(_TRYING.search(folded(text)))
