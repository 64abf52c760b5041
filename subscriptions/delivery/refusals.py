"""What it says of an address that a mail server did not take a message for it."""

from .answers import enhanced_status
from .bounces import verdict
from .outcomes import Fault, Outcome
from .reports import Kind, Report


def refusal(outcome: Outcome, address: str) -> Report:
    """As what came back by mail would say it; of a message that will not be tried again.

    Only a server's word on the address itself is HARD: not what was tried in vain for hours, and
    not what is this site's fault, or failed before any server was asked.
    """
    code, _, text = outcome.reply.partition(" ")
    if code == "HTTP":  # a mail service's: its table says whose fault it is, the words do not
        # what it cannot write itself (RFC 6531) it calls not valid, too
        hard = outcome.fault is Fault.ADDRESS and address.rpartition("@")[0].isascii()
        kind = Kind.HARD if hard else Kind.SOFT
        return Report(address=address, kind=kind, reason=outcome.reply, ours=not hard)
    if not (code.isdecimal() and len(code) == 3):
        code, text = "", outcome.reply
    status = enhanced_status(text)
    found = verdict(code, status, text)
    hard = outcome.fault is Fault.ADDRESS and not found.ours and found.kind is Kind.HARD
    return Report(
        address=address,
        kind=Kind.HARD if hard else Kind.SOFT,
        status=status,
        reason=outcome.reply,
        ours=found.ours or outcome.fault in (Fault.OURS, None),
    )
