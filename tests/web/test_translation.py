"""Every word that a reader sees is marked for translation."""

import ast
import re
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType

from tests.conftest import ROOT

TEMPLATES = sorted(
    path
    for folder in ("web", "email")
    for path in (ROOT / "templates" / folder).rglob("*")
    if path.suffix in (".html", ".txt") and not path.name.startswith("inbox")
)
NAMES = re.compile(r"Paper Round|BibTeX|arXiv|PDF|Hugging Face")
"""Names, which are the same in every language."""
ATTRIBUTES = re.compile(r"""\b(?:title|alt|aria-label|placeholder|content)="([^"]*)\"""")
META = re.compile(r"<meta (?!name=\"description\"|property=\"og:(?:title|description)\")[^>]*>")


def unmarked(source: str) -> list[str]:
    """What of a template's text is outside of ``translate`` and ``blocktranslate``."""
    inside, text = False, ""
    for token in Lexer(source).tokenize():
        words = token.contents.split()
        if token.token_type == TokenType.BLOCK and words:
            if words[0] == "comment":
                inside = True
            inside = {"blocktranslate": True, "endblocktranslate": False, "endcomment": False}.get(
                words[0], inside
            )
        elif token.token_type == TokenType.TEXT and not inside:
            text += f"{token.contents}\n"
    text = re.sub(r"<!--.*?-->|<style.*?</style>|<svg.*?</svg>", " ", text, flags=re.DOTALL)
    text = META.sub(" ", text)
    text = f"{re.sub('<[^>]*>', ' ', text)} {' '.join(ATTRIBUTES.findall(text))}"
    text = re.sub(r"&#?\w+;|\w+/\s|width=[\w-]+|device-width|initial-scale", " ", text)
    return re.findall(r"[^\W\d_]{2,}", NAMES.sub(" ", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_words_of_a_template_are_marked(path: Path) -> None:
    assert unmarked(path.read_text(encoding="utf-8")) == []


def test_what_is_not_marked_is_found() -> None:
    source = '{% load i18n %}<p title="Hello">{% translate "Marked" %} Plain {{ value }}</p>'
    assert unmarked(source) == ["Plain", "Hello"]
    assert unmarked("{% blocktranslate %}All {{ x }} of it{% endblocktranslate %}, 3!") == []


@pytest.mark.parametrize("name", ["forms", "fields", "guards", "account_forms"])
def test_what_forms_say_is_marked(name: str) -> None:
    """Each text with a space in it is an argument of a gettext function, or a docstring."""
    tree = ast.parse((ROOT / "subscriptions" / "web" / f"{name}.py").read_text(encoding="utf-8"))
    marked = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "gettext", "gettext_lazy", "ngettext", "warning")
        or isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        and call.func.attr == "warning"
        for argument in ast.walk(call)
    }  # fmt: skip
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    plain = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and re.search(r"[a-z] [a-z]", node.value)
        and id(node) not in marked | docs
    ]  # fmt: skip
    assert plain == []
