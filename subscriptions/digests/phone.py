"""How a digest reads in the list of a phone's mail program: sender, subject, preheader."""

import re
import unicodedata
from email.utils import parseaddr
from typing import NamedTuple

from django.conf import settings
from lxml import html

from .message import Digest

WIDTH, TEXT = 390, 302
"""Of a common phone, and what is left of it beside the sender's picture, in CSS pixels."""
SIZE = 15
"""Of the letters, in CSS pixels."""
_FILLER = re.compile("[\u034f\u200b-\u200f\u2060\ufeff\u00a0\\s]+")
"""What base.html puts after a preheader, so that nothing of the body follows it."""

# Thousandths of the size, of Helvetica, which other phones' letters resemble.
_WIDTHS = {
    letter: width
    for width, letters in {
        222: "ijl'’|",
        278: " !,./:;I[]ft",
        333: "()-r“”„`",
        500: "cksvxyzJ",
        584: "+<=>~",
        611: "FTZ",
        667: "ABEKPSVXY&",
        722: "CDHNRUw",
        778: "GOQ",
        833: "Mm",
        889: "%",
        944: "W",
        1000: "—…@",
    }.items()
    for letter in letters
}
_OTHERS, _WIDE = 556, 1000


class Line(NamedTuple):
    """A text of one line, and how much of it a phone shows."""

    text: str
    shown: int
    """Characters, before an ellipsis where that is not all."""

    @property
    def cut(self) -> str:
        whole = self.shown == len(self.text)
        return self.text if whole else f"{self.text[: self.shown].rstrip()}…"


class Row(NamedTuple):
    """One mail in the list."""

    sender: Line
    subject: Line
    preheader: Line


def inbox_row(digest: Digest) -> Row:
    """The row of a digest, cut where a phone of ``WIDTH`` pixels cuts it."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return Row(line(name or address), line(digest.subject), line(_preheader(digest)))


def line(text: str) -> Line:
    """A text and how much of it fits, by the widths of its letters."""
    left = TEXT * 1000 / SIZE
    ends = [0.0]
    for letter in text:
        ends.append(ends[-1] + _width(letter))
    if ends[-1] <= left:
        return Line(text, len(text))
    room = left - _WIDTHS["…"]
    return Line(text, sum(1 for end in ends[1:] if end <= room))


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return _WIDE
    return _WIDTHS.get(letter, _OTHERS)


def _preheader(digest: Digest) -> str:
    if digest.text_only:
        return " ".join(digest.text.split())[:200]
    found = html.fromstring(digest.html).find_class("preheader")
    text = found[0].text_content() if found else ""
    return " ".join(_FILLER.sub(" ", text).split())
