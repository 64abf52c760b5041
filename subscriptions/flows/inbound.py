"""A mail arrived for an address of ours: what it says of a reader, or asks for, happens once."""

import datetime as dt
import email
import re
from email.message import Message
from email.utils import parsedate_to_datetime
from enum import Enum

from subscriptions import verp
from subscriptions.delivery.bounces import parse
from subscriptions.delivery.bounces.letter import tidied
from subscriptions.delivery.reports import Kind, Report
from subscriptions.models import MailEvent

from .bounces import apply_waiting
from .leaving import asks_to_leave, decoded
from .preferences import unsubscribe
from .to_staff import pass_on
from .whose import Owner, addressed, is_for_bare_address, owner, reported, same_address

LARGEST = 1_000_000
"""Bytes of a message that are looked at."""
MISDATED = dt.timedelta(days=1)
"""So far off may the ``Date`` of a true mail be: clocks and time zones go wrong."""
_MACHINES = re.compile(r"\b(mailer-?daemon|post_?master|no-?reply)\b", re.IGNORECASE)


class Taken(Enum):
    """What became of a mail, in words for the log."""

    NOTED = "what came back was noted"
    UNSUBSCRIBED = "the reader was unsubscribed"
    NOTHING = "an automatic mail that changes nothing"
    FOR_STAFF = "a person wrote"
    NOT_OURS = "not for an address that this site signed"


def receive(message: bytes, recipient: str | None, now: dt.datetime) -> Taken:
    """Take a mail that is kept nowhere else: what a person wrote is passed on to staff.

    Raises what the database raises where it is away, and ``ConnectionError`` where staff cannot
    be mailed now: whoever brought it keeps it and comes again.
    """
    message = message[:LARGEST]
    taken = take(message, recipient, now)
    if taken is Taken.FOR_STAFF:
        pass_on(message, recipient, now)
    if taken is Taken.NOTED:
        apply_waiting(now)
    return taken


def take(message: bytes, recipient: str | None, now: dt.datetime) -> Taken:
    """Note what a mail says about a message of ours, and let who asks for it leave.

    ``recipient``: of the envelope, where the mail server tells it. Events are noted for
    ``bounces.apply_waiting``; the same mail again, by whatever way, changes nothing.
    """
    message = message[:LARGEST]
    mail = email.message_from_bytes(tidied(message, LARGEST))
    reports = parse(message)
    found = addressed(mail, recipient)
    about = found and owner(*found)
    kind = found and found[0]
    automatic = _is_automatic(mail) or any(map(_is_certain, reports))
    if kind is verp.Kind.UNSUBSCRIBE:
        wanted = not _is_sent_back(mail) if _is_from_our_link(mail) else not automatic
        return _unsubscribed(about, mail, now) if wanted else Taken.NOTHING
    if complaint := _complaint(mail, reports):
        return _complained(message, mail, complaint, found, now)
    if kind is None:
        is_personal = not (automatic or reports) and is_for_bare_address(mail, recipient)
        return Taken.FOR_STAFF if is_personal else Taken.NOT_OURS
    if kind is verp.Kind.REPLY and automatic:
        return Taken.NOTHING
    if kind is not verp.Kind.REPLY and (automatic or reports):
        return _came_back(message, mail, reports, about, now)
    if about and asks_to_leave(mail):
        return _unsubscribed(about, mail, now)
    return Taken.FOR_STAFF


def _unsubscribed(about: Owner | None, mail: Message, now: dt.datetime) -> Taken:
    if about is None:  # erased: there is nothing to leave
        return Taken.NOTHING
    written, confirmed = _written_at(mail), about.reader.confirmed_at
    if written and confirmed and written < confirmed - MISDATED:  # they came back since
        return Taken.NOTHING
    unsubscribe(about.reader.pk, now)
    return Taken.UNSUBSCRIBED


def _is_certain(report: Report) -> bool:
    """Whether a program wrote what says this; a person's answer may quote much the same."""
    return bool(report.status) or report.kind in (Kind.HARD, Kind.AUTOREPLY)


def _is_from_our_link(mail: Message) -> bool:
    """It has the subject that ``List-Unsubscribe`` gives it.

    Mail programs write such mails for their user, and may mark them as automatic.
    """
    return decoded(mail.get("Subject")).strip().lower() == "unsubscribe"


def _is_automatic(mail: Message) -> bool:
    """A program sent it of its own accord or in answer, whether or not what it says is known."""
    precedence = str(mail.get("Precedence", "")).strip().lower()
    return (
        _is_sent_back(mail)
        or _submitted(mail) != "no"
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or "List-Id" in mail
    )


def _is_sent_back(mail: Message) -> bool:
    """A program answers what it was sent (RFC 3834, RFC 5321 4.5.5, RFC 6522)."""
    path = "".join(str(mail.get("Return-Path", "?")).split())
    return (
        _submitted(mail) == "auto-replied"
        or mail.get_content_type() == "multipart/report"
        or path in ("<>", "<MAILER-DAEMON>")  # the latter as Postfix writes it to a pipe
        or bool(_MACHINES.search(str(mail.get("From", ""))))
    )


def _submitted(mail: Message) -> str:
    return str(mail.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()


def _complaint(mail: Message, reports: list[Report]) -> Report | None:
    """What a feedback report says. What Apple Mail's unsubscribe button writes is none."""
    if _is_from_our_link(mail) and mail.get_content_type() != "multipart/report":
        return None
    return next((report for report in reports if report.kind is Kind.COMPLAINT), None)


def _complained(
    message: bytes,
    mail: Message,
    report: Report,
    found: tuple[verp.Kind, int] | None,
    now: dt.datetime,
) -> Taken:
    """Whose envelope sender it names complained; who is known by their link alone only leaves."""
    about, was_sender = reported(mail, found)
    if about is None:
        return Taken.NOTHING if found else Taken.NOT_OURS
    moved = bool(about.reader.address_changed_at) and not about.delivery
    if moved and report.address and not same_address(report.address, about.reader.email):
        return Taken.NOTHING
    if not was_sender:
        return _unsubscribed(about, mail, now)
    return _note(message, mail, report, MailEvent.Kind.COMPLAINT, about, now)


def _came_back(
    message: bytes, mail: Message, reports: list[Report], about: Owner | None, now: dt.datetime
) -> Taken:
    report = about and _of_reader(reports, about)
    kind = report and _event_kind(report)
    if not about or not report or not kind or not about.still_at(report.address):
        return Taken.NOTHING
    return _note(message, mail, report, kind, about, now)


def _of_reader(reports: list[Report], about: Owner) -> Report | None:
    """What is said of this reader; a single recipient is them, by whatever address."""
    named = [one for one in reports if same_address(one.address, about.reader.email)]
    if named:
        return named[0]
    return reports[0] if len(reports) == 1 else None


def _event_kind(report: Report) -> MailEvent.Kind | None:
    """As events have it; None for what changes nothing. Complaints were told apart before."""
    if report.trying or report.kind in (Kind.AUTOREPLY, Kind.UNKNOWN, Kind.COMPLAINT):
        return None
    if report.ours and report.kind in (Kind.HARD, Kind.SOFT):
        return MailEvent.Kind.OURS
    return MailEvent.Kind(report.kind)


def _note(
    message: bytes,
    mail: Message,
    report: Report,
    kind: MailEvent.Kind,
    about: Owner,
    now: dt.datetime,
) -> Taken:
    event = about.event(
        kind,
        MailEvent.Way.MAIL,
        key=_key(message, mail, about, kind),
        now=now,
        happened_at=_written_at(mail),
        status=report.status,
        reason=report.reason,
    )
    MailEvent.objects.note([event])
    return Taken.NOTED


def _key(message: bytes, mail: Message, about: Owner, kind: str) -> str:
    """The same for the same mail by pipe and from the mailbox, whose servers add headers."""
    of = f"d{about.delivery.pk}" if about.delivery else f"s{about.reader.pk}"
    same = str(mail.get("Message-ID", "")).strip().encode()
    if not same:
        same = message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return f"mail {of} {kind} {same.decode('latin-1')}"


def _written_at(mail: Message) -> dt.datetime | None:
    """Its ``Date``, where that can be read."""
    try:
        written = parsedate_to_datetime(str(mail.get("Date", ""))[:100])
        return (written if written.tzinfo else written.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the latter at both ends of the calendar
        return None
