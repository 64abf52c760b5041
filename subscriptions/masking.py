"""Keep addresses and link tokens out of logs and lists."""

import logging
import re

_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"  # RFC 5321: atext, and the dots between
_ADDRESS = re.compile(rf"(?<!{_LOCAL}){_LOCAL}+@[\w-]+(?:\.[\w-]+)+")
_TOKEN = re.compile(
    r"(/(?:confirm|preferences|fresh|u|digest|sign-in|new-address|feeds/mine)/)[^/\s\"']+"
)

LONGEST = 500
"""Characters of what ``tidy`` returns, at most."""


def mask_email(email: str) -> str:
    """``ada@example.org`` as ``a…@e….org``: enough to recognise, too little to use."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain[:1]}….{domain.rpartition('.')[2]}"


def mask(text: str) -> str:
    """A text with the addresses in it masked, and the tokens of signed links left out."""
    return _TOKEN.sub(r"\1…", _ADDRESS.sub(lambda found: mask_email(found[0]), text))


def tidy(text: str) -> str:
    """What a stranger's server said, as it may be stored: one masked line of ``LONGEST``."""
    text = text[: 4 * LONGEST]
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return mask(" ".join(text.split()))[:LONGEST]


class MaskingFormatter(logging.Formatter):
    """Log lines and tracebacks without addresses and tokens."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))
