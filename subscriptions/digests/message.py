"""A composed message: pieces and the reader's own values, joined as each transport wants them."""

from collections.abc import Sequence
from email.charset import BASE64, Charset
from email.header import Header
from email.utils import formataddr, parseaddr
from functools import cached_property, lru_cache
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.encoding import punycode

from .pieces import LINK, REASON, Piece, quoted_printable

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


class Filled:
    """A card's piece with its reason: many readers have it, each with links of their own."""

    def __init__(self, piece: Piece, reason: str) -> None:
        self.piece, self.reason = piece, reason

    def text(self, link: str) -> str:
        """Decoded, with the reader's link."""
        return self.piece.text({REASON: self.reason, LINK: link})

    def encoded(self, link: str, ready: bytes) -> bytes:
        """Encoded, with the reader's link, that is ``ready`` in quoted-printable too."""
        if self.piece.links_plain:
            return ready.join(self._around_links)
        return b"".join(self.piece.encoded({REASON: self.reason, LINK: link}, {}))

    @cached_property
    def _around_links(self) -> list[bytes]:
        marked = self.piece.encoded({REASON: self.reason}, {LINK: _LINK_MARK})
        return b"".join(marked).split(_LINK_MARK)


class Card(NamedTuple):
    """One paper and why it is there, as HTML and text."""

    html: Filled
    text: Filled
    size: int
    """Octets of the HTML without its links, at most."""


def filled(pieces: Pair, reason: str) -> Card:
    """The card of a paper with its reason."""
    size = pieces.html.size + LONGEST_ESCAPE * len(reason)
    return Card(Filled(pieces.html, reason), Filled(pieces.text, reason), size)


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
    places: Sequence[int]
    """Of each card's paper among the items of the delivery."""
    urls: dict[str, str]
    feedback_url: str

    @property
    def html(self) -> str:
        return self._decoded(self.frame.html, [card.html for card in self.cards])

    @property
    def text(self) -> str:
        return self._decoded(self.frame.text, [card.text for card in self.cards])

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
        links = [f"{self.feedback_url}{place}/" for place in self.places]
        start = quoted_printable(self.feedback_url)
        ready = [b"%s%d/=\r\n" % (start, place) for place in self.places]
        urls = {name: quoted_printable(url) for name, url in self.urls.items()}

        def encoded(frame: Piece, cards: Sequence[Filled]) -> list[bytes]:
            done = map(Filled.encoded, cards, links, ready)
            return frame.encoded(self.urls, urls | dict(zip(CARDS, done, strict=False)))

        text = encoded(self.frame.text, [card.text for card in self.cards])
        if self.text_only:
            return b"".join([*lines, _TEXT, *text])
        html = encoded(self.frame.html, [card.html for card in self.cards])
        line = b"--" + self.boundary
        return b"".join(
            [
                *lines, b'Content-Type: multipart/alternative; boundary="', self.boundary,
                b'"\r\n\r\n', line, b"\r\n", _TEXT, *text, b"\r\n", line, b"\r\n", _HTML, *html,
                b"\r\n", line, b"--\r\n",
            ]
        )  # fmt: skip

    def _decoded(self, frame: Piece, cards: Sequence[Filled]) -> str:
        links = [f"{self.feedback_url}{place}/" for place in self.places]
        done = map(Filled.text, cards, links)
        return frame.text(self.urls | dict(zip(CARDS, done, strict=False)))


def fits(frame: Pair, cards: Sequence[Card], link: int) -> bool:
    """Whether the HTML with links of ``link`` characters is surely within the budget."""
    fixed = frame.html.size + sum([card.size for card in cards])
    return fixed + 4 * (link + 3) * (len(cards) + 1) < BUDGET


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
