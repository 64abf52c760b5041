"""What a record, or the lines of a notice, make of a recipient."""

import re

from ..answers import enhanced_status
from ..reports import Kind, Report
from .recipients import Mention
from .statuses import Record
from .verdicts import USER_UNKNOWN, Verdict, by_status, said, stage, verdict

LONGEST_REASON = 500
_CODE = re.compile(r"(?<![\d.:/#])[45]\d\d(?=[\s-])")
_CERTAIN = re.compile(r"5\.1\.([1236]|10)")
_VAGUE = re.compile(r"5\.0\.0|5\.1\.\d+|5\.4\.1|5\.5\.0")
_RELAYED = re.compile(
    r"original message was received|host\s{1,9}\S{1,300} said:\s{1,9}[45]\d\d\b"
    r"|does ?n.t have an? \S{1,100} account",
    re.IGNORECASE,
)
"""Of notices that tell the command where they know it, and of one that is sent after the data."""
_ACTIONS = {"delivered": Kind.DELIVERED, "relayed": Kind.DELIVERED, "expanded": Kind.DELIVERED}
_DOUBTED = Verdict(Kind.SOFT, False, "said to be unknown, perhaps only filtered")
_DELAYED = Verdict(Kind.SOFT, False, "delayed")


def of_record(record: Record, about: str) -> Report:
    """Of a notification (RFC 3464); ``about`` is what its words say of this recipient."""
    if kind := _ACTIONS.get(record.action):
        return Report(record.address, kind, record.status, record.action)
    trying = record.action == "delayed"
    found = verdict(record.code, record.status, record.text)
    if found.kind is Kind.DELIVERED and record.action != "failed":
        return Report(record.address, found.kind, record.status, _reason(found, record.text))
    if found.kind is Kind.DELIVERED or not said(record.text):
        found = _by_notice(record, about)
    if found == USER_UNKNOWN and not _is_certain(record, about):
        found = _DOUBTED
    if trying and found.kind is Kind.HARD:
        found = _DELAYED
    reason = _reason(found, record.text or about)
    return Report(record.address, found.kind, record.status, reason, found.ours, trying)


def of_mention(mention: Mention, text: str, trying: bool) -> Report:
    """Of a notice that has words only: those about the recipient, else all of them."""
    about, status, code = mention.text, _status(mention.text), _code(mention.text)
    found = verdict(code, status, about)
    if not said(f"{status} {about}"):
        status, code = status or _status(text), code or _code(text)
        whole = said(text)
        if whole and (whole.kind is Kind.SOFT or found.kind is not Kind.HARD):
            found, about = verdict(code, status, text), text
    if found == USER_UNKNOWN and not _is_certain_in_words(
        mention.address, code, status, about, text
    ):
        found = _DOUBTED
    if found.kind is Kind.DELIVERED or (trying and found.kind is Kind.HARD):
        found = _DELAYED
    return Report(mention.address, found.kind, status, _reason(found, about), found.ours, trying)


def _by_notice(record: Record, about: str) -> Verdict:
    """By the words of the notice; they guess, so an address is lost only where nothing else is."""
    by_numbers = by_status(record.code, record.status)
    told = said(about)
    if not told:
        return by_numbers
    alone = not record.text and by_numbers.kind is not Kind.HARD
    if told.kind is Kind.SOFT or alone:
        return verdict(record.code, record.status, about)
    return by_numbers


def _is_certain(record: Record, about: str) -> bool:
    """Whether a user that is said to be unknown is.

    Some servers say so of mail that a filter stopped, after they have read it. It is certain with
    the status for it, as the answer to RCPT, and, where the status is vague, in an answer that
    quotes the address.
    """
    if _CERTAIN.fullmatch(record.status):
        return True
    if command := stage(record.text) or stage(about):
        return command == "RCPT"
    if not _VAGUE.fullmatch(record.status):
        return False
    text = record.text.lower()
    return not record.code or any(alias in text for alias in record.aliases)


def _is_certain_in_words(address: str, code: str, status: str, about: str, text: str) -> bool:
    """As above for a notice without a record; without any code the server speaks for itself."""
    if _CERTAIN.fullmatch(status) or stage(about) == "RCPT":
        return True
    if status or stage(about) or _RELAYED.search(text):
        return False
    return not code or address in about.partition(code)[2].partition("\n\n")[0][:200]


def _status(text: str) -> str:
    status = enhanced_status(text)
    return "" if status.startswith("2") else status


def _code(text: str) -> str:
    found = _CODE.search(text)
    return found[0] if found else ""


def _reason(found: Verdict, words: str) -> str:
    return f"{found.reason}: {' '.join(words[:5000].split())}".rstrip(": ")[:LONGEST_REASON]
