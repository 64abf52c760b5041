"""A composed message: pieces and the reader's own values, joined as each transport wants them."""

from collections.abc import Mapping, Sequence
from email.charset import BASE64, Charset
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.encoding import punycode

from .pieces import KEPT_VALUES, LINK, Piece, quoted_printable

BUDGET = 90_000
"""Octets of HTML that a message keeps below where shorter abstracts can do it."""
MOST_PAPERS = 30
LONGEST_ESCAPE = 6
"""Octets of ``&quot;``: what one character can become in HTML."""

CRLF = "\r\n"
_UTF_8 = Charset("utf-8")
_UTF_8.header_encoding = BASE64  # the shortest of both costs a millisecond to find
CARDS = [f"card {n}" for n in range(MOST_PAPERS)]
_LINK_MARK = b"\2"
"""No octet of quoted-printable."""
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
        head = [
            f"From: {mailbox(settings.DEFAULT_FROM_EMAIL)}",
            f"To: {address(self.recipient)}",
            header("Subject", self.subject),
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "MIME-Version: 1.0",
            "",
        ]
        lines = [CRLF.join(head).encode()]
        feedback = quoted_printable(self.feedback_url)
        links = [b"%s%d/=\r\n" % (feedback, card.place) for card in self.cards]
        urls = {name: quoted_printable(url) for name, url in self.urls.items()}
        text = self._encoded(self.frame.text, [c.pieces.text for c in self.cards], links, urls)
        if self.text_only:
            return b"".join([*lines, _TEXT, *text])
        html = self._encoded(self.frame.html, [c.pieces.html for c in self.cards], links, urls)
        line = b"--" + self.boundary
        return b"".join(
            [
                *lines, b'Content-Type: multipart/alternative; boundary="', self.boundary,
                b'"\r\n\r\n', line, b"\r\n", _TEXT, *text, b"\r\n", line, b"\r\n", _HTML, *html,
                b"\r\n", line, b"--\r\n",
            ]
        )  # fmt: skip

    def _decoded(self, frame: Piece, pieces: Sequence[Piece]) -> str:
        cards = {
            f"card {n}": piece.text(self._values(card))
            for n, (piece, card) in enumerate(zip(pieces, self.cards, strict=True))
        }
        return frame.text(self.urls | cards)

    def _encoded(
        self,
        frame: Piece,
        pieces: Sequence[Piece],
        links: Sequence[bytes],
        urls: Mapping[str, bytes],
    ) -> list[bytes]:
        ready = dict(urls)
        for n, (piece, card, link) in enumerate(zip(pieces, self.cards, links, strict=True)):
            if piece.links_plain:
                ready[CARDS[n]] = link.join(_around_links(piece, card.reason))
            else:
                ready[CARDS[n]] = b"".join(piece.encoded(self._values(card), {}))
        return frame.encoded(self.urls, ready)

    def _values(self, card: Card) -> dict[str, str]:
        return {"item.reason": card.reason, LINK: f"{self.feedback_url}{card.place}/"}


@lru_cache(KEPT_VALUES)
def _around_links(piece: Piece, reason: str) -> list[bytes]:
    """A card with a reason that many readers have, as what is around its links."""
    return b"".join(piece.encoded({"item.reason": reason}, {LINK: _LINK_MARK})).split(_LINK_MARK)


def fits(frame: Pair, cards: Sequence[Card], link: int) -> bool:
    """Whether the HTML with links of ``link`` characters is surely within the budget."""
    fixed = frame.html.size + sum([card.pieces.html.size for card in cards])
    reasons = LONGEST_ESCAPE * sum([len(card.reason) for card in cards])
    return fixed + reasons + 4 * (link + 3) * (len(cards) + 1) < BUDGET


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
def header(name: str, value: str) -> str:
    """A header folded and encoded as RFC 5322 and RFC 2047 have it."""
    charset = None if value.isascii() else _UTF_8
    return f"{name}: {Header(value, charset, header_name=name).encode(linesep=CRLF)}"
