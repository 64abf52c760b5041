"""A message that came back as its headers and texts, whatever is broken in it."""

import email
import re
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from itertools import islice

from .html import plain

MOST_BYTES, MOST_LINES, MOST_PARTS, DEEPEST = 400_000, 12_000, 60, 12
"""What is read: reports stand before the message they are about, and are small."""
LONGEST_HEADER = 2000
_MBOX = re.compile(rb"\A(\s*>?From [^\n]*\n)+")
_ENDS = re.compile(rb"\r\n|\r")
_STRUCTURE = re.compile(rb"^content-[a-z-]+:[^\n]*(?:\n[ \t][^\n]*)*", re.IGNORECASE | re.MULTILINE)
_NESTING = re.compile(rb"^content-type:\s{0,9}(multipart|message)/", re.IGNORECASE | re.MULTILINE)
_UNFOLDED = re.compile(rb";\s*\n(?=(?:boundary|charset|report-type)=)", re.IGNORECASE)
_JAPANESE = re.compile(rb"\x1b\$[@B]")
_REPORTS = {
    "message/delivery-status": "statuses",
    "message/global-delivery-status": "statuses",
    "message/feedback-report": "feedback",
    "message/disposition-notification": "dispositions",
    "message/global-disposition-notification": "dispositions",
}


@dataclass
class Letter:
    message: Message
    texts: list[str] = field(default_factory=list)
    """What it says for people and programs, without the message it is about."""
    statuses: list[str] = field(default_factory=list)
    """Its ``message/delivery-status`` parts (RFC 3464)."""
    feedback: list[str] = field(default_factory=list)
    """Its ``message/feedback-report`` parts (RFC 5965)."""
    dispositions: list[str] = field(default_factory=list)
    """Its ``message/disposition-notification`` parts (RFC 8098)."""
    returned: list[Message] = field(default_factory=list)
    """Messages in it: what it is about, or a report that somebody forwarded."""

    def header(self, name: str) -> str:
        return header(self.message, name)


def tidied(raw: bytes, most: int = MOST_BYTES) -> bytes:
    """The beginning, with lines that end in LF, without an mbox's first line.

    It ends where the parts are too many, which may stand in one another: the email package reads
    those by recursion. Long headers are cut that it reads in quadratic time.
    """
    whole = _MBOX.sub(b"", _ENDS.sub(b"\n", raw[:most]))
    lines = b"\n".join(whole.split(b"\n", MOST_LINES)[:MOST_LINES])
    nested = next(islice(_NESTING.finditer(lines), MOST_PARTS, None), None)
    lines = _UNFOLDED.sub(b"; ", lines[: nested.start()] if nested else lines)
    return _STRUCTURE.sub(lambda found: found[0][:LONGEST_HEADER], lines)


def read_letter(raw: bytes) -> Letter:
    return sorted_out(email.message_from_bytes(tidied(raw)))


def sorted_out(message: Message) -> Letter:
    """The parts of a message by what they are for."""
    letter = Letter(message)
    waiting = [(message, 0)]
    for _ in range(MOST_PARTS):
        if not waiting:
            break
        part, depth = waiting.pop(0)
        kind = part.get_content_type()
        if kind in _REPORTS:
            getattr(letter, _REPORTS[kind]).append(_report(part))
        elif kind == "message/rfc822" and part is not message and part.is_multipart():
            letter.returned += _parts(part)[:1]
        elif part.is_multipart() and depth < DEEPEST:
            waiting[:0] = [(each, depth + 1) for each in _parts(part)[:MOST_PARTS]]
        elif kind == "text/rfc822-headers":
            letter.returned.append(email.message_from_string(text_of(part)))
        elif kind.startswith(("text/", "multipart/")) or kind == "message/rfc822":
            letter.texts.append(text_of(part))
    return letter


def text_of(part: Message) -> str:
    """The text of a part, decoded, and of HTML without its tags."""
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        body = part.as_string().encode("utf-8", "replace")
    text = _decoded(body, part)
    return plain(text) if part.get_content_type() == "text/html" else text


def header(message: Message, name: str) -> str:
    """A header, decoded (RFC 2047, 6532), on one line; empty where there is none."""
    low = name.lower()
    value = next((str(raw) for of, raw in message.raw_items() if of.lower() == low), "")
    value = _utf8(value[:LONGEST_HEADER])
    with suppress(HeaderParseError, LookupError, ValueError):  # then it stays as it stands
        value = str(make_header(decode_header(value)))
    return " ".join(value.split())


def _parts(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if part.is_multipart() else []


def _report(part: Message) -> str:
    """The fields of a report, which the email package reads as headers of messages."""
    text = "\n".join(
        "".join(f"{name}: {_utf8(str(value))}\n" for name, value in each.raw_items())
        + f"\n{_body(each)}"
        for each in _parts(part)
    )
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding not in ("base64", "quoted-printable") and text.strip():
        return text
    encoded = Message()
    encoded["Content-Transfer-Encoding"] = encoding
    encoded.set_payload((text or _body(part)).strip())
    return f"{text_of(encoded)}\n{text}"


def _body(part: Message) -> str:
    payload = part.get_payload()
    return payload if isinstance(payload, str) else ""


def _decoded(body: bytes, part: Message) -> str:
    charset = part.get_content_charset() or "utf-8"
    tried = ["iso-2022-jp"] if _JAPANESE.search(body) else []
    for name in (*tried, charset, "utf-8"):
        with suppress(LookupError, ValueError):
            return body.decode(name)
    with suppress(LookupError, ValueError):
        return body.decode(charset, "replace")
    return body.decode("latin-1")


def _utf8(value: str) -> str:
    """A raw header; the email package has bytes that are not ASCII as halves of surrogate pairs."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
