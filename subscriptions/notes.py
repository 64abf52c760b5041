"""Editors' Markdown, as HTML that is harmless and as text."""

import re
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

LONGEST = 2000
"""Characters of a note that are read; no field of the editors' holds more."""
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
    """Markdown as plain text: links as ``words (https://…)``, lists as lines with ``- ``."""
    return _text(text[:LONGEST])


@lru_cache(1024)
def _html(text: str) -> SafeString:
    harmless = nh3.clean(
        _MARKDOWN.render(clean(text)),
        tags=set(TAGS),
        attributes={"a": {"href"}, "ol": {"start"}, "*": set()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return mark_safe(harmless.strip())  # noqa: S308 # it has just been sanitised


@lru_cache(1024)
def _text(text: str) -> str:
    return "\n".join(_blocks(SyntaxTreeNode(_MARKDOWN.parse(clean(text)))))


def _blocks(node: SyntaxTreeNode, between: tuple[str, ...] = ("",)) -> list[str]:
    """The lines of the blocks in a node, with the lines ``between`` those."""
    lines: list[str] = []
    for child in node.children:
        if lines:
            lines += between
        if child.type == "inline":
            lines += _words(child).split("\n")
        elif child.type in ("bullet_list", "ordered_list"):
            number = int(child.attrs.get("start", 1))
            for n, item in enumerate(child.children, number):
                mark = "- " if child.type == "bullet_list" else f"{n}. "
                first, *rest = _blocks(item, between=()) or [""]
                lines += [mark + first, *(" " * len(mark) + line for line in rest)]
        elif child.type == "blockquote":
            lines += [f"> {line}".rstrip() for line in _blocks(child)]
        else:
            lines += _blocks(child)
    return lines


def _words(node: SyntaxTreeNode) -> str:
    """What stands in a line, without marks of emphasis."""
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    words = "".join(map(_words, node.children)) or node.content
    if node.type == "link":
        address = str(node.attrs["href"]).removeprefix("mailto:")
        return words if words == address else f"{words} ({address})".lstrip()
    return words


def _parser() -> MarkdownIt:
    """CommonMark without what turns plain text into something else, or loses it."""
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 12})
    parser.disable(["code", "fence", "hr", "lheading", "reference", "html_block"])
    parser.disable(["html_inline", "image", "entity"])
    parser.validateLink = lambda url: bool(_ABSOLUTE.match(url))  # type: ignore[method-assign]
    parser.add_render_rule("heading_open", lambda *_: "<p><strong>")
    parser.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    return parser


_MARKDOWN = _parser()
