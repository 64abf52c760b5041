"""Reads a message that came back: reports for programs first, then what is written for people."""

import logging
from dataclasses import replace

from ..reports import Kind, Report
from .autoreplies import autoreply
from .feedback import feedback
from .judging import of_mention, of_record
from .letter import Letter, read_letter, sorted_out
from .notices import goes_on, is_from_a_daemon, looks_like_one, notice
from .notifications import notified
from .recipients import Mention, lines_about, mentions
from .statuses import Record, records
from .verdicts import said

logger = logging.getLogger(__name__)

DEEPEST = 2


def parse(message: bytes) -> list[Report]:
    """What one message that came back says, one Report per recipient. Never raises.

    An ordinary mail gives an empty list; a notice that cannot be read gives one UNKNOWN report,
    and one that names nobody has an empty address. Where delivery is delayed, the report is SOFT
    with ``trying`` set: nothing has failed yet. Only the first 400 kB are read, and 50 recipients.
    """
    try:
        return _once(_read(read_letter(message), message))
    except Exception:  # a parser meets more than its tests; one message must not stop a mailbox
        logger.exception("a message that came back could not be read")
        return [Report("", Kind.UNKNOWN, reason="unreadable")]


def _once(reports: list[Report]) -> list[Report]:
    """The first report of each address, in text that can be stored and printed."""
    first = {each.address.lower(): each for each in reversed(reports)}
    return [
        replace(each, address=_clean(each.address)[:320], reason=_clean(each.reason))
        for each in reversed(first.values())
    ]


def _clean(text: str) -> str:
    """Without control characters and halves of surrogate pairs."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(each for each in whole if each.isprintable())


def _read(letter: Letter, raw: bytes, depth: int = 0) -> list[Report]:
    for way in (_statuses, _notifications, feedback):
        if reports := way(letter):
            return reports
    if depth < DEEPEST and (reports := _forwarded(letter, depth)):
        return reports
    if not is_from_a_daemon(letter):
        return autoreply(letter) or _notice(letter, raw, of_a_daemon=False)
    unknown = Report("", Kind.UNKNOWN, reason="a notice that says nothing")
    return _notice(letter, raw, of_a_daemon=True) or autoreply(letter) or [unknown]


def _statuses(letter: Letter) -> list[Report]:
    found = [each for text in letter.statuses for each in records(text)]
    if not found:
        found = [each for text in letter.texts[:3] if "ecipient:" in text for each in records(text)]
    return _judged(found, letter)


def _notifications(letter: Letter) -> list[Report]:
    bounced, reports = notified(letter)
    return reports or _judged(bounced, letter)


def _judged(found: list[Record], letter: Letter) -> list[Report]:
    text = notice(letter)
    about = lines_about(text, [set(each.aliases) for each in found])
    if len(found) == 1:
        about = [about[0] or text]
    return [of_record(record, lines) for record, lines in zip(found, about, strict=True)]


def _notice(letter: Letter, raw: bytes, *, of_a_daemon: bool) -> list[Report]:
    text = notice(letter)
    found = mentions(letter, text, raw, of_a_daemon=of_a_daemon)
    if not found and of_a_daemon and said(text):
        found = [Mention("", text)]
    return [of_mention(each, text, goes_on(text)) for each in found]


def _forwarded(letter: Letter, depth: int) -> list[Report]:
    """A report that somebody passed on, or that was itself returned."""
    for inner in letter.returned[:1]:
        if inner.get_content_type() == "multipart/report" or looks_like_one(inner):
            return _read(sorted_out(inner), inner.as_bytes(), depth + 1)
    return []
