"""HTML as text, in linear time whatever is in it: for reading, not for showing."""

import re

_HIDDEN = re.compile(r"<(style|script|head)\b", re.IGNORECASE)
_BREAK = re.compile(r"<(br|/p|/div|/tr|/h\d|/li|p|tr|li|hr)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z!][^<>@]{0,2000}>", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&quot;": '"', "&#39;": "'", "&amp;": "&"}


def plain(html: str) -> str:
    """Its lines of text; an address in angle brackets stays."""
    text = _TAG.sub("", _BREAK.sub("\n", _shown(html)))
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


def _shown(html: str) -> str:
    """Without style sheets and scripts; one that has no end goes to the end."""
    low = html.lower()
    kept, start = [], 0
    while found := _HIDDEN.search(html, start):
        kept.append(html[start : found.start()])
        start = low.find(f"</{found[1].lower()}", found.end())
        if start < 0:
            return "".join(kept)
    return "".join([*kept, html[start:]])
