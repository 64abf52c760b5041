"""The digest's templates, inlined once, and cut where readers and papers differ.

Rendered with slots where the readers' own values go, a template's frame and card become
pieces that are kept: see ``compose``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.template import Context, Engine, Template, engines
from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Variable,
    VariableNode,
    render_value_in_context,
)
from django.template.defaulttags import FilterNode
from django.utils.safestring import SafeString, mark_safe

from .inlining import CannotCut, CardNode, Flat, children_of, line
from .pieces import CLOSE, LINK, OPEN, REASON, Piece, Slot

PERSONAL = frozenset({"preferences_url", "unsubscribe_url", "web_url", REASON, LINK})
"""The variables of the templates whose values are each reader's own."""
PRESENT = "\x02personal\x03"
"""Stands for a personal value that is not empty, where a template asks whether it is there."""

_UNDEFINED = "\x02undefined %s\x03"


class CardPlace:
    """All that a frame may know of a paper: the number of its card."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __getitem__(self, name: str) -> Any:
        if name == "index":
            return self.index
        raise CannotCut(
            f"item.{name} stands outside the card; only _card.html and _card.txt know it"
        )


class _SlotNode(Node):
    """Where a personal value goes."""

    def __init__(self, slot: str) -> None:
        self.slot = slot

    def render(self, context: Context) -> SafeString:
        return mark_safe(f"{OPEN}{self.slot}{CLOSE}")  # noqa: S308 # of the template, no value


@dataclass(frozen=True)
class Body:
    """One compiled body, HTML or text: its frame and, within it, its card."""

    name: str
    engine: Engine
    frame: NodeList
    card: NodeList
    slots: Mapping[str, Slot]

    def render_frame(self, context: Mapping[str, Any]) -> Piece:
        """The body without its papers, and a slot ``card N`` for each of them."""
        rendered = self._render(self.frame, context)
        papers = sum(len(section["items"]) for section in context["digest"]["sections"])
        cards = {f"card {n}": Slot(f"card {n}") for n in range(papers)}
        return Piece(rendered.strip() + "\n", {**self.slots, **cards})

    def render_card(self, context: Mapping[str, Any]) -> Piece:
        return Piece(self._render(self.card, context), self.slots)

    def _render(self, nodes: NodeList, values: Mapping[str, Any]) -> str:
        template = Template("", engine=self.engine, name=self.name)
        context = Context(dict(values), autoescape=self.engine.autoescape)
        with context.render_context.push_state(template), context.bind_template(template):
            rendered = str(nodes.render(context))
        if PRESENT in rendered:
            raise CannotCut(f"{self.name}: a personal value is used other than as {{{{ value }}}}")
        if found := re.search("\x02undefined ([^\x03]*)", rendered):
            raise CannotCut(f"{self.name}: {{{{ {found[1]} }}}} is not known where it stands")
        return rendered


def compile_body(name: str, card: str, engine_name: str) -> Body:
    """The body in template ``name``, which includes the template ``card`` for each paper.

    Raises CannotCut, with the place named, where it cannot be compiled.
    """
    configured: Engine = engines[engine_name].engine  # type: ignore[attr-defined]
    engine = Engine(
        dirs=configured.dirs,
        loaders=["django.template.loaders.filesystem.Loader"],
        libraries=configured.libraries,
        autoescape=configured.autoescape,
        string_if_invalid=_UNDEFINED,
    )
    flat = Flat(engine, name, card)
    if engine.autoescape:
        flat.inline()
    slots: dict[str, Slot] = {}
    _put_slots(flat.nodes, slots, engine.autoescape, name)
    cards = [node for node in _all(flat.nodes) if isinstance(node, CardNode)]
    if len(cards) != 1:
        raise CannotCut(f"{name} includes {card} {len(cards)} times; it must once, in a loop")
    return Body(name, engine, flat.nodes, cards[0].nodelist, slots)


def _all(nodes: NodeList) -> Iterator[Node]:
    for node in nodes:
        yield node
        for children in children_of(node):
            yield from _all(children)


def _put_slots(
    nodes: NodeList, slots: dict[str, Slot], autoescape: bool, name: str, filtered: bool = False
) -> None:
    """Replace personal variables by slots; ``slots`` gets them."""
    for place, node in enumerate(nodes):
        if isinstance(node, VariableNode) and (variable := _personal(node.filter_expression)):
            if filtered:
                raise CannotCut(f"{name}, line {line(node)}: {node} stands in a filter block")
            key = str(node.filter_expression)
            if key not in slots:
                render = _renderer(node.filter_expression, variable, autoescape)
                slots[key] = Slot(variable, render, plain=not node.filter_expression.filters)
            nodes[place] = _SlotNode(key)
        for children in children_of(node):
            _put_slots(children, slots, autoescape, name, filtered or isinstance(node, FilterNode))


def _personal(expression: FilterExpression) -> str:
    """The name of a personal variable; empty for any other."""
    lookups = expression.var.lookups if isinstance(expression.var, Variable) else None
    name = ".".join(lookups or ())
    return name if name in PERSONAL else ""


def _renderer(
    expression: FilterExpression, variable: str, autoescape: bool
) -> Callable[[str], str]:
    """What Django makes of ``{{ expression }}`` for a value of its variable."""
    *path, last = variable.split(".")

    def render(value: str) -> str:
        values: Any = {last: value}
        for key in reversed(path):
            values = {key: values}
        context = Context(values, autoescape=autoescape)
        return str(render_value_in_context(expression.resolve(context), context))

    return render
