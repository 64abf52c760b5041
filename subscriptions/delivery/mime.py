"""A message as RFC 5322 and RFC 2045 have it, joined from encoded parts.

Quoted-printable, not base64: pieces of any length follow each other without padding, English
text grows by a few per cent and not by a third, and no line can begin with a dot, so that SMTP's
dot-stuffing has nothing to do. All of it is 7-bit, so that no server on the way encodes it anew,
which would break a signature; only a local part that is not ASCII stays UTF-8 (RFC 6532).
"""

import re
from collections.abc import Iterable, Mapping
from email import quoprimime
from email.charset import BASE64, Charset
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import lru_cache

from django.conf import settings
from django.utils.encoding import punycode

CRLF = "\r\n"
_LONGEST = 77
"""Characters of a header's line: below the 78 of RFC 5322 2.1.1."""
_LINE = 74
"""Two below RFC 2045's limit, for a first character that is quoted after folding."""
_PLAIN = re.compile("[ -<>-~]*[!-<>-~]")
_UTF_8 = Charset("utf-8")
_UTF_8.header_encoding = BASE64  # the shortest of both costs a millisecond to find
_PART = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
_TEXT = b'Content-Type: text/plain; charset="utf-8"\r\n' + _PART
_HTML = b'Content-Type: text/html; charset="utf-8"\r\n' + _PART


def head(recipient: str, subject: str, headers: Mapping[str, str]) -> bytes:
    """From (``DEFAULT_FROM_EMAIL``), To, Subject, then ``headers``: values of ASCII, unfolded."""
    lines = [
        f"From: {mailbox(settings.DEFAULT_FROM_EMAIL)}",
        f"To: {address(recipient)}",
        encoded("Subject", subject),
        *[folded(name, value) for name, value in headers.items()],
        "MIME-Version: 1.0",
        "",
    ]
    return CRLF.join(lines).encode()


def message(
    head: bytes, boundary: bytes, text: Iterable[bytes], html: Iterable[bytes] | None
) -> bytes:
    """A whole message of quoted-printable parts: ``text`` alone, or as the alternative of HTML."""
    if html is None:
        return b"".join([head, _TEXT, *text])
    line = b"--" + boundary
    return b"".join(
        [
            head, b'Content-Type: multipart/alternative; boundary="', boundary,
            b'"\r\n\r\n', line, b"\r\n", _TEXT, *text, b"\r\n", line, b"\r\n", _HTML, *html,
            b"\r\n", line, b"--\r\n",
        ]
    )  # fmt: skip


def address(email: str) -> str:
    """An address with its domain in A-labels (RFC 5890), as headers and the envelope have it.

    Raises UnicodeError for a domain that has none.
    """
    local, _, domain = email.rpartition("@")
    return email if domain.isascii() else f"{local}@{punycode(domain)}"


@lru_cache(16)
def mailbox(value: str) -> str:
    """``Name <address>`` as a header has it: the name in encoded words where it must be."""
    name, email = parseaddr(value)
    if name.isascii():
        return formataddr((name, address(email)))
    return f"{_words('From', name, _UTF_8)}{CRLF} <{address(email)}>"


@lru_cache(16)
def bare(mailbox: str) -> str:
    """The address alone of ``Name <address>``."""
    return parseaddr(mailbox)[1]


@lru_cache(4096)
def encoded(name: str, value: str) -> str:
    """A header of any text, folded and in encoded words (RFC 2047) where it must be."""
    return f"{name}: {_words(name, value, None if value.isascii() else _UTF_8)}"


def _words(name: str, value: str, charset: Charset | None) -> str:
    """Folded to lines of 76 and words of 75 characters (RFC 2047, section 2)."""
    return Header(value, charset, maxlinelen=76, header_name=name).encode(linesep=CRLF)


def folded(name: str, value: str) -> str:
    """A header of ASCII; a long one of RFC 2369 has each of its addresses on a line of its own.

    Others stay on one line, as readers of logs and Message-IDs expect.
    """
    if len(name) + len(value) + 2 <= _LONGEST or not name.startswith("List-"):
        return f"{name}: {value}"
    return f"{name}:{CRLF} {value.replace(', <', f',{CRLF} <')}"


def quoted_printable(text: str) -> bytes:
    """``text`` encoded with CRLF line ends; the last line ends too, softly if it did not.

    No line is longer than 76 octets, begins with a dot or with ``From ``.
    """
    if not text:
        return b""
    if _PLAIN.fullmatch(text):
        lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
        if not any(line.startswith((".", "From ")) for line in lines):
            return "=\r\n".join([*lines, ""]).encode()
    octets = text.encode().decode("latin-1")
    quoted = quoprimime.body_encode(octets, maxlinelen=_LINE, eol="\r\n")
    if not text.endswith("\n"):
        quoted += "=\r\n"
    return re.sub(r"(?m)^(?:\.|F(?=rom ))", lambda m: f"={ord(m[0]):02X}", quoted).encode()
