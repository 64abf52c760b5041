"""The commands that announce a message."""

import re
from collections.abc import Mapping

from . import mime
from .message import Message

Commands = tuple[bytes, bytes, bytes]

_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0<>\u2028\u2029\ud800-\udfff]")


class Unsendable(Exception):
    """This server can never be asked to take this message."""


def commands(message: Message, content: bytes, offers: Mapping[str, str]) -> Commands:
    """MAIL, RCPT and DATA, with SIZE (RFC 1870), 8BITMIME (RFC 6152) and SMTPUTF8 (RFC 6531).

    Raises Unsendable.
    """
    sender, recipient = _path(message.sender), _path(message.recipient)
    options = ""
    if "size" in offers:
        limit = offers["size"]
        if limit.isdecimal() and 0 < int(limit) < len(content):
            raise Unsendable(f"{len(content)} octets are more than the {limit} of the mail server")
        options = f" SIZE={len(content)}"
    if not content.isascii():
        if "8bitmime" not in offers:
            raise Unsendable("the mail server does not offer 8BITMIME")
        options += " BODY=8BITMIME"
    if not (sender.isascii() and recipient.isascii()):
        if "smtputf8" not in offers:
            raise Unsendable("the mail server does not offer SMTPUTF8")
        options += " SMTPUTF8"
    mail = f"MAIL FROM:<{sender}>{options}\r\n"
    return mail.encode(), f"RCPT TO:<{recipient}>\r\n".encode(), b"DATA\r\n"


def _path(email: str) -> str:
    local, _, domain = email.rpartition("@")
    if not (local and domain) or _UNSAFE.search(email):
        raise Unsendable("an address of the envelope is not valid")
    try:
        return mime.address(email)
    except UnicodeError as error:
        raise Unsendable("a domain of the envelope is not valid") from error
