"""A composed message: pieces and the reader's own values, joined as each transport wants them."""

from collections.abc import Mapping, Sequence
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.encoding import punycode

from .pieces import Piece, quoted_printable

BUDGET = 90_000
"""Octets of HTML that a message keeps below where shorter abstracts can do it."""
LONGEST_ESCAPE = 6
"""Octets of ``&quot;``: what one character can become in HTML."""

CRLF = "\r\n"
_PART = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
_TEXT = b'Content-Type: text/plain; charset="utf-8"\r\n' + _PART
_HTML = b'Content-Type: text/html; charset="utf-8"\r\n' + _PART


class Pair(NamedTuple):
    """A piece of the HTML and its like of the text."""

    html: Piece
    text: Piece


class Card(NamedTuple):
    """One paper in one message, and what is the reader's own in it."""

    pieces: Pair
    reason: str
    place: int


class Digest(NamedTuple):
    """One message: a ``delivery.message.Message``."""

    sender: str
    recipient: str
    subject: str
    headers: dict[str, str]
    boundary: bytes
    text_only: bool
    frame: Pair
    cards: Sequence[Card]
    urls: dict[str, str]
    feedback_url: str

    @property
    def html(self) -> str:
        return self._decoded(self.frame.html, [card.pieces.html for card in self.cards])

    @property
    def text(self) -> str:
        return self._decoded(self.frame.text, [card.pieces.text for card in self.cards])

    def fits(self) -> bool:
        """Whether the HTML is within the budget."""
        if self.text_only:
            return True
        size = self.frame.html.size + sum(card.pieces.html.size for card in self.cards)
        links = 4 * len(self.feedback_url) * (len(self.cards) + 1)
        reasons = LONGEST_ESCAPE * sum(len(card.reason) for card in self.cards)
        return size + links + reasons < BUDGET or len(self.html.encode()) < BUDGET

    def email(self) -> EmailMultiAlternatives:
        """As Django's message, for backends that want decoded bodies."""
        message = EmailMultiAlternatives(
            self.subject, self.text, to=[self.recipient], headers=self.headers
        )
        if not self.text_only:
            message.attach_alternative(self.html, "text/html")
        return message

    def wire(self) -> bytes:
        """As RFC 5322 and 2045 have it: CRLF line ends, no line begins with a dot."""
        feedback = quoted_printable(self.feedback_url)
        values = self._values()
        ready = [{"item.feedback_url": b"%s%d/=\r\n" % (feedback, c.place)} for c in self.cards]
        head = b"".join(
            [
                f"From: {mailbox(settings.DEFAULT_FROM_EMAIL)}\r\n".encode(),
                f"To: {address(self.recipient)}\r\n".encode(),
                header("Subject", self.subject),
                *(b"%s: %s\r\n" % (n.encode(), v.encode()) for n, v in self.headers.items()),
                b"MIME-Version: 1.0\r\n",
            ]
        )
        text = self._encoded(self.frame.text, [c.pieces.text for c in self.cards], values, ready)
        if self.text_only:
            return b"".join([head, _TEXT, text])
        html = self._encoded(self.frame.html, [c.pieces.html for c in self.cards], values, ready)
        line = b"--" + self.boundary
        return b"".join(
            [
                head, b'Content-Type: multipart/alternative; boundary="', self.boundary,
                b'"\r\n\r\n', line, b"\r\n", _TEXT, text, b"\r\n", line, b"\r\n", _HTML, html,
                b"\r\n", line, b"--\r\n",
            ]
        )  # fmt: skip

    def _values(self) -> list[dict[str, str]]:
        """The personal values of each card."""
        return [
            {"item.reason": card.reason, "item.feedback_url": f"{self.feedback_url}{card.place}/"}
            for card in self.cards
        ]

    def _decoded(self, frame: Piece, pieces: Sequence[Piece]) -> str:
        cards = {
            f"card {n}": piece.text(values)
            for n, (piece, values) in enumerate(zip(pieces, self._values(), strict=True))
        }
        return frame.text(self.urls | cards)

    def _encoded(
        self,
        frame: Piece,
        pieces: Sequence[Piece],
        values: Sequence[Mapping[str, str]],
        ready: Sequence[Mapping[str, bytes]],
    ) -> bytes:
        cards = {
            f"card {n}": b"".join(piece.encoded(given, done))
            for n, (piece, given, done) in enumerate(zip(pieces, values, ready, strict=True))
        }
        return b"".join(frame.encoded(self.urls, cards))


def address(email: str) -> str:
    """An address as a header has it: the domain in A-labels (RFC 5890)."""
    local, _, domain = email.rpartition("@")
    return email if domain.isascii() else f"{local}@{punycode(domain)}"


@lru_cache(16)
def mailbox(value: str) -> str:
    """``Name <address>`` as a header has it: the name in encoded words where it must be."""
    name, email = parseaddr(value)
    return formataddr((name, address(email)))


@lru_cache(4096)
def header(name: str, value: str) -> bytes:
    """A header folded and encoded as RFC 5322 and RFC 2047 have it."""
    return f"{name}: {Header(value, header_name=name).encode(linesep=CRLF)}{CRLF}".encode()
