"""Editors' Markdown, as HTML that is harmless and as text."""

import re
import textwrap
from bisect import bisect_left
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.tree import SyntaxTreeNode

from subscriptions.numbering import MARK

LONGEST = 2000
"""Characters of a note that are read; no field of the editors' holds more."""
WIDTH = 72
"""Characters of a line of plain mail."""
TAGS = frozenset({"p", "br", "em", "strong", "code", "a", "ul", "ol", "li", "blockquote"})
SCHEMES = frozenset({"http", "https", "mailto"})

_UNSEEN = {
    **{code: " " for code in (*range(32), *range(127, 160)) if code != ord("\n")},
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
}
_ABSOLUTE = re.compile(r"(?:https?://|mailto:)[^\s/?#]", re.IGNORECASE)


def clean(text: str) -> str:
    """Without control characters, which HTML cannot hold, and without those that turn the
    direction of all that follows; line ends are ``\\n``.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_UNSEEN)


def html(text: str) -> SafeString:
    """Markdown as HTML of TAGS only, whose links go to SCHEMES only.

    HTML in it is shown as it was written, and every line end breaks the line, so that text
    without Markdown looks as it was typed.
    """
    return _html(text[:LONGEST])


def text(text: str) -> str:
    """Markdown as plain text in lines of WIDTH: links as ``words [MARK]``, lists with ``- ``.

    A link that is called by its address stands there as it is, without a number.
    """
    return _text(text[:LONGEST])


@lru_cache(1024)
def links(text: str) -> list[str]:
    """Where the links that ``text`` has numbers for go, in their order."""
    found = (node for node in _parsed(text[:LONGEST]).walk() if node.type == "link")
    return [str(node.attrs["href"]) for node in found if MARK in _words(node)]


@lru_cache(1024)
def shortened(text: str, octets: int) -> str:
    """Markdown whose HTML is at most ``octets``: the whole, or its beginning and an ellipsis."""
    whole = text[:LONGEST]

    def size(length: int) -> int:
        return len(html(_beginning(whole, length)).encode())

    if len(text) <= LONGEST and size(len(whole)) <= octets:
        return text
    length = bisect_left(range(1, LONGEST), octets + 1, key=size)
    while size(length) > octets:  # some beginnings make more of it than the whole
        length = length * 3 // 4
    return _beginning(whole, length)


@lru_cache(1024)
def _html(text: str) -> SafeString:
    harmless = nh3.clean(
        _MARKDOWN.render(clean(text)),
        tags=set(TAGS),
        attributes={"a": {"href"}, "ol": {"start"}, "*": set()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer",
    )
    return mark_safe(harmless.strip())  # noqa: S308 # it has just been sanitised


@lru_cache(1024)
def _text(text: str) -> str:
    return "\n".join(_blocks(_parsed(text), WIDTH))


def _parsed(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(_MARKDOWN.parse(clean(text)))


def _beginning(text: str, length: int) -> str:
    """``length`` characters of a text that is longer, cut after a word where there is one."""
    if length >= len(text):
        return text
    cut = text[:length]
    words = re.match(r"(?s).*\S(?=\s)", cut)
    return f"{words[0] if words and len(words[0]) > length // 2 else cut}…"


def _blocks(node: SyntaxTreeNode, width: int, between: tuple[str, ...] = ("",)) -> list[str]:
    """The lines of the blocks in a node, with the lines ``between`` those."""
    lines: list[str] = []
    for child in node.children:
        if lines:
            lines += between
        if child.type == "inline":
            for line in _words(child).split("\n"):
                lines += _wrapped(line, width)
        elif child.type in ("bullet_list", "ordered_list"):
            number = int(child.attrs.get("start", 1))
            for n, item in enumerate(child.children, number):
                mark = "- " if child.type == "bullet_list" else f"{n}. "
                first, *rest = _blocks(item, width - len(mark), between=()) or [""]
                lines += [mark + first, *(" " * len(mark) + line for line in rest)]
        elif child.type == "blockquote":
            lines += [f"> {line}".rstrip() for line in _blocks(child, width - 2)]
        else:
            lines += _blocks(child, width)
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    lines = textwrap.wrap(
        line, width, replace_whitespace=False, break_long_words=False, break_on_hyphens=False
    )
    return lines or [""]


def _words(node: SyntaxTreeNode) -> str:
    """What stands in a line, without marks of emphasis."""
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    words = "".join(map(_words, node.children)) or node.content
    if node.type == "link" and words != node.attrs["href"]:
        return f"{words} [{MARK}]".lstrip()
    return words


def _without_empty_links(state: StateCore) -> None:
    """Keep the words of ``[words]()``, which goes nowhere."""
    for block in state.tokens:
        opened, kept = [], []
        for token in block.children or ():
            if token.type == "link_open":
                opened.append(bool(token.attrs["href"]))
            if token.type not in ("link_open", "link_close") or opened[-1]:
                kept.append(token)
            if token.type == "link_close":
                opened.pop()
        block.children = kept


def _parser() -> MarkdownIt:
    """CommonMark without what turns plain text into something else, or loses it."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 12})
    parser.disable(["code", "fence", "hr", "lheading", "reference", "html_block"])
    parser.disable(["html_inline", "image", "entity"])
    parser.validateLink = lambda url: bool(_ABSOLUTE.match(url))  # type: ignore[method-assign]
    parser.core.ruler.push("without_empty_links", _without_empty_links)
    parser.add_render_rule("heading_open", lambda *_: "<p><strong>")
    parser.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    return parser


_MARKDOWN = _parser()
