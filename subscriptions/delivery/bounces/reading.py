"""Reads a message that came back."""

import email

from flufl.bounce import all_failures

from ..reports import Kind, Report


def parse(message: bytes) -> list[Report]:
    """What one message that came back says, one Report per recipient. Never raises.

    An ordinary mail gives an empty list.
    """
    try:
        temporary, permanent = all_failures(email.message_from_bytes(message))
    except Exception:
        return []
    return [
        Report(address.decode("utf-8", "replace"), kind)
        for kind, addresses in ((Kind.SOFT, temporary), (Kind.HARD, permanent))
        for address in sorted(addresses)
    ]
