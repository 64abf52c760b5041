"""A composed message: pieces and the reader's own values, joined as each transport wants them."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from django.core.mail import EmailMultiAlternatives

from subscriptions.delivery import mime
from subscriptions.delivery.mime import quoted_printable

from .pieces import ENCODED_NUMBER, LINK, NUMBER, REASON, Piece, alternate

BUDGET = 90_000
"""Octets of HTML that a message keeps below: Gmail shows no more than 102 KB."""
MOST_PAPERS = 30
LONGEST_ESCAPE = 6
"""Octets of ``&quot;``: what one character can become in HTML."""

CARDS = [f"card {n}" for n in range(MOST_PAPERS)]
_LINK_MARK = b"\2"
"""No octet of quoted-printable."""


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
    left_out: int = 0
    """Papers that did not fit, and are on the web only."""

    @property
    def html(self) -> str:
        return self._decoded(self.frame.html, [card.html for card in self.cards])

    @property
    def text(self) -> str:
        unnumbered = self._decoded(self.frame.text, [card.text for card in self.cards])
        return "".join(alternate(unnumbered.split(NUMBER), map(str, self._numbers())))

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
        head = mime.head(self.recipient, self.subject, self.headers)
        links = [f"{self.feedback_url}{place}/" for place in self.places]
        start = quoted_printable(self.feedback_url)
        ready = [b"%s%d/=\r\n" % (start, place) for place in self.places]
        urls = {name: quoted_printable(url) for name, url in self.urls.items()}

        def encoded(frame: Piece, cards: Sequence[Filled]) -> list[bytes]:
            done = map(Filled.encoded, cards, links, ready)
            return frame.encoded(self.urls, urls | dict(zip(CARDS, done, strict=False)))

        unnumbered = b"".join(encoded(self.frame.text, [card.text for card in self.cards]))
        numbers = map(b"%d".__mod__, self._numbers())
        text = alternate(unnumbered.split(ENCODED_NUMBER), numbers)
        html = None
        if not self.text_only:
            html = encoded(self.frame.html, [card.html for card in self.cards])
        return mime.message(head, self.boundary, text, html)

    def _numbers(self) -> list[int]:
        """Of the links of the text, in the order in which they stand there."""
        frame = self.frame.text
        opening, closing = frame.numbers[: frame.opening], frame.numbers[frame.opening :]
        numbers = [n + 1 for n in opening]
        first = before = max(numbers, default=0) + 1
        for card in self.cards:
            piece = card.text.piece
            numbers += [n + first for n in piece.numbers]
            first += piece.links
        return numbers + [n + 1 + first - before for n in closing]

    def _decoded(self, frame: Piece, cards: Sequence[Filled]) -> str:
        links = [f"{self.feedback_url}{place}/" for place in self.places]
        done = map(Filled.text, cards, links)
        return frame.text(self.urls | dict(zip(CARDS, done, strict=False)))


def fits(frame: Pair, cards: Sequence[Card], link: int) -> bool:
    """Whether the HTML with links of ``link`` characters is surely within the budget."""
    fixed = frame.html.size + sum([card.size for card in cards])
    return fixed + 4 * (link + 3) * (len(cards) + 1) < BUDGET
