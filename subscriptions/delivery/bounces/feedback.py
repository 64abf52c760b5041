"""Complaints: feedback reports (RFC 5965), and what Apple Mail sends for an unsubscribe button."""

import re

from ..reports import Kind, Report
from .letter import Letter, header
from .statuses import MOST_RECIPIENTS, address_in

_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]{1,40})[ \t]*:[ \t]*([^\n]{0,1000})", re.MULTILINE)
_COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list", "miscategorized", "complaint", "other"}
_ADDRESSES = (
    "original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient", "x-original-rcpt-to",
    "delivered-to", "redacted-address",
)  # fmt: skip
_COMPLAINT_SUBJECT = re.compile(
    r"complaint about message from|email feedback report", re.IGNORECASE
)
_UNSUBSCRIBE = re.compile("sent this email to unsubscribe", re.IGNORECASE)


def feedback(letter: Letter) -> list[Report]:
    """The reports of one message; empty if it is no feedback report.

    ``not-spam`` praises and ``auth-failure`` (RFC 6591) is about our DNS: neither is a complaint.
    """
    texts = letter.feedback or [each for each in letter.texts if "Feedback-Type:" in each[:20000]]
    if not texts:
        return _unsubscribed(letter) or _junk_mail_program(letter)
    fields: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(texts[0][:20000]):
        fields.setdefault(name.lower(), []).append(value.strip())
    kind = (fields.get("feedback-type") or [""])[0].lower()
    named = [address_in(value) for name in _ADDRESSES for value in fields.get(name, [])]
    originally = [address_in(header(each, "To")) for each in letter.returned[:1]]
    people = [each for each in dict.fromkeys(named) if each] or originally or [""]
    return [_report(address, kind) for address in people[:MOST_RECIPIENTS]]


def _report(address: str, kind: str) -> Report:
    reason = f"feedback: {kind[:40]}"
    if kind in _COMPLAINTS:
        return Report(address, Kind.COMPLAINT, reason=reason)
    if kind in ("auth-failure", "dmarc", "dkim", "virus"):
        return Report(address, Kind.SOFT, reason=reason, ours=True)
    return Report(address, Kind.UNKNOWN, reason=reason)


def _unsubscribed(letter: Letter) -> list[Report]:
    button = letter.header("Auto-Submitted") and letter.header("Subject").lower() == "unsubscribe"
    if not button or not _UNSUBSCRIBE.search(" ".join(letter.texts[:1])[:2000]):
        return []
    return [Report(address_in(letter.header("From")), Kind.COMPLAINT, reason="feedback: opt-out")]


def _junk_mail_program(letter: Letter) -> list[Report]:
    """Microsoft's reports are the message itself, with a header for its reader."""
    for each in letter.returned[:1]:
        reader = address_in(header(each, "X-HmXmrOriginalRecipient"))
        if reader or _COMPLAINT_SUBJECT.match(letter.header("Subject")):
            reader = reader or address_in(header(each, "To"))
            return [Report(reader, Kind.COMPLAINT, reason="feedback: junk mail report")]
    return []
