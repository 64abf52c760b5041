"""Styles put into a Django template, not into what it renders.

A compiled template is taken apart into its static texts and what stands between them. The
texts, with a mark for each thing between, go through premailer as one document; what comes
out goes back to the same places. Conditions, loops and filters stay Django's.
"""

import re
from collections.abc import Iterator

from django.template import Context, Engine
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    TextNode,
    TokenType,
    VariableNode,
)
from django.template.defaulttags import IfNode, LoadNode, WithNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.templatetags.i18n import BlockTranslateNode
from django.utils.safestring import SafeString, mark_safe

from subscriptions import emails

from .pieces import CLOSE, OPEN

_MARK = re.compile(r"<!--T(\d+)T-->|__T(\d+)T__")
_NAMED_BY_CSS = re.compile(r"""\b(class|id|style)\s*=\s*(?:"[^"]*|'[^']*|[^\s"'>]*)$""")
_NEIGHBOURS = re.compile(r":(?:first|last|only|nth|empty)[\w-]*|[^{};]*[+~][^{};]*(?=\{)")


class CannotCut(Exception):
    """A template does something that cannot be compiled; the message names the place."""


class CardNode(Node):
    """The place of one paper's card; the card itself is rendered on its own."""

    child_nodelists = ("nodelist",)

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        return mark_safe(f"{OPEN}card {context['item'].index}{CLOSE}")  # noqa: S308 # a number


class Flat:
    """The nodes of a template with those of its parents, blocks and includes in their places.

    Where it includes ``card`` there is a CardNode. Raises CannotCut for what is only known
    when the template is rendered.
    """

    def __init__(self, engine: Engine, name: str, card: str) -> None:
        """``engine`` keeps no templates: these are changed."""
        self._engine, self._card = engine, card
        self._blocks: dict[str, BlockNode] = {}
        self.name = name
        self.nodes = self._template(name)

    def _template(self, name: str) -> NodeList:
        nodes = self._engine.get_template(name).nodelist
        child = next((node for node in nodes if isinstance(node, ExtendsNode)), None)
        if child is None:
            return self._expand(nodes, name)
        self._blocks = {**child.blocks, **self._blocks}
        return self._template(_constant(child.parent_name, name))

    def _expand(self, nodes: NodeList, name: str) -> NodeList:
        flat = NodeList()
        for node in nodes:
            if isinstance(node, BlockNode):
                block = self._blocks.get(str(node.name), node)
                flat.extend(self._expand(block.nodelist, str(block.origin.template_name)))
            elif isinstance(node, IncludeNode):
                flat.append(self._include(node, name))
            elif not isinstance(node, LoadNode):  # done by now; before the doctype it has no place
                for children in children_of(node):
                    children[:] = self._expand(children, name)
                flat.append(node)
        return flat

    def _include(self, node: IncludeNode, name: str) -> Node:
        if node.isolated_context:
            raise CannotCut(f"{name}, line {line(node)}: “include … only” is not supported")
        included = _constant(node.template, name)
        nodes = self._template(included)
        if included == self._card:
            nodes = NodeList([CardNode(nodes)])
        return WithNode(None, None, nodes, node.extra_context)

    def inline(self) -> None:
        """Put premailer's work into the static texts."""
        parts = list(_in_order(self.nodes))
        document, between = self._document(parts)
        _refuse_neighbours(document, self.name)
        first, *pieces = _MARK.split(emails.inline(document))
        marks = [int(a or b) for a, b in zip(pieces[::3], pieces[1::3], strict=True)]
        for n, node in enumerate(between):
            if marks[n : n + 1] != [n]:
                raise CannotCut(f"{self.name}: {node}, line {line(node)}, is lost by inlining")
        left, following = first, iter(pieces[2::3])
        for part in parts:
            if isinstance(part, TextNode):
                part.s, left = left, ""
            else:
                if left.strip():
                    raise CannotCut(f"{self.name}: inlining moved “{left.strip()}” before {part}")
                left = next(following)

    def _document(self, parts: list[Node]) -> tuple[str, list[Node]]:
        """The static texts with marks between them, and the nodes that the marks stand for."""
        document = ""
        between: list[Node] = []
        for part in parts:
            if isinstance(part, TextNode):
                document += part.s
                continue
            if found := _NAMED_BY_CSS.search(document[document.rfind("<") :]):
                where = f"{self.name}: {part}, line {line(part)}"
                raise CannotCut(f"{where}: the {found[1]} of an element cannot vary")
            if isinstance(part, BlockTranslateNode) and _has_markup(part):
                where = f"{self.name}: blocktranslate, line {line(part)}"
                raise CannotCut(f"{where}: elements in a translated sentence get no styles")
            visible = isinstance(part, VariableNode) or _comment_would_show(document)
            document += f"__T{len(between)}T__" if visible else f"<!--T{len(between)}T-->"
            between.append(part)
        return document, between


def children_of(node: Node) -> list[NodeList]:
    if isinstance(node, IfNode):
        return [nodelist for _, nodelist in node.conditions_nodelists]
    named = (getattr(node, attribute, None) for attribute in node.child_nodelists)
    return [nodelist for nodelist in named if nodelist is not None]


def line(node: Node) -> str:
    return str(node.token.lineno) if node.token else "?"


def _constant(expression: FilterExpression | Node, name: str) -> str:
    if not isinstance(expression, FilterExpression) or not isinstance(expression.var, str):
        raise CannotCut(f"{name}: the name of a template must be a constant, not {expression}")
    return expression.var


def _in_order(nodes: NodeList) -> Iterator[Node]:
    """Every node where it begins, and those with children again where each of them ends."""
    for node in nodes:
        yield node
        for children in children_of(node):
            yield from _in_order(children)
            yield node


def _has_markup(node: BlockTranslateNode) -> bool:
    tokens = [*node.singular, *(node.plural or ())]
    return any("<" in token.contents for token in tokens if token.token_type == TokenType.TEXT)


def _comment_would_show(document: str) -> bool:
    """Whether the document ends within a tag, a title or a style, where no comment can be."""
    return document.rfind("<") > document.rfind(">") or any(
        document.rfind(f"<{name}") > document.rfind(f"</{name}") for name in ("title", "style")
    )


def _refuse_neighbours(document: str, name: str) -> None:
    """Rules that look at an element's neighbours would see all alternatives at once."""
    for style in re.findall(r"<style>(.*?)</style>", document, re.DOTALL):
        if found := _NEIGHBOURS.search(style):
            raise CannotCut(f"{name}: “{found[0].strip()}” depends on what else is shown")
