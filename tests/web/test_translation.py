"""Every word that a reader sees is marked for translation."""

import ast
import re
from collections.abc import Iterator
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db.models import Choices
from django.template.base import Lexer, TokenType
from django.utils.functional import Promise
from django.utils.translation import override, trans_real
from lxml import html

from subscriptions import notes
from subscriptions.digests import compose
from subscriptions.models import (
    Edition,
    Feedback,
    Interest,
    Paper,
    Pick,
    Section,
    Subscriber,
    Topic,
)
from tests.conftest import ROOT
from tests.pages import Site

TEMPLATES = sorted(
    path
    for folder in ("web", "email")
    for path in (ROOT / "templates" / folder).rglob("*")
    if path.suffix in (".html", ".txt") and not path.name.startswith("inbox")
)
SUBSCRIPTIONS = ROOT / "subscriptions"
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


@pytest.mark.parametrize(
    "name",
    [
        *("web/forms", "web/fields", "web/guards", "web/account_forms", "web/proof", "web/feeds"),
        *(f"web/views/{path.stem}" for path in (SUBSCRIPTIONS / "web" / "views").glob("[a-z]*.py")),
        *("digests/interests", "digests/select", "digests/shelf", "digests/content"),
        *("flows/validation", "flows/subscribe"),
    ],
)
def test_what_python_says_is_marked(name: str) -> None:
    """Each text with a space in it is an argument of a gettext function, or a docstring."""
    tree = ast.parse((SUBSCRIPTIONS / f"{name}.py").read_text(encoding="utf-8"))
    marked = {
        id(argument)
        for call in ast.walk(tree)
        if (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "gettext", "gettext_lazy", "ngettext", "warning"))
        or (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        and call.func.attr == "warning")
        for argument in ast.walk(call)
    }  # fmt: skip
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    plain = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and re.search(r"[a-z] [a-z]{2}", node.value)
        and id(node) not in marked | docs
    ]  # fmt: skip
    assert plain == []


@pytest.mark.parametrize(
    "choices",
    [
        Feedback.Verdict,
        Interest.Kind,
        Interest.Weight,
        Section,
        Subscriber.Cadence,
        Subscriber.Weekday,
    ],
)
def test_what_pages_show_of_choices_is_marked(choices: type[Choices]) -> None:
    assert all(isinstance(choice.label, Promise) for choice in choices)


class Bracketed(NullTranslations):
    """A language in which everything is the English in brackets."""

    def gettext(self, message: str) -> str:
        return f"⟦{message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def language(self) -> str:
        return LANGUAGE

    to_language = language


LANGUAGE = "en-gb"


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(trans_real._translations, LANGUAGE, Bracketed())  # type: ignore[attr-defined]
    compose._subject.cache_clear()
    with override(LANGUAGE):
        yield
    compose._subject.cache_clear()


def test_every_word_of_pages_and_mails_is_translated(bracketed: None, site: Site) -> None:
    """What is not is a name, or data."""
    data = told()
    for name, path in site.pages.items():
        assert untranslated(visible(site.client.get(path).content.decode()), data) == [], name
    for name, body in site.mails.items():
        assert name == "source_health" or untranslated(visible(body), data) == [], name
    for message in mail.outbox:
        if message.to != ["staff@example.org"]:  # how sources do is told to staff, in English
            assert untranslated(f"{message.subject}\n{message.body}", data) == [], message.subject


def told() -> list[str]:
    """The texts of the site's papers, topics and editors, the longest first."""
    values: list[Any] = [settings.POSTAL_ADDRESS, "Daily Papers"]
    for rows in (
        Paper.objects.values_list("title", "abstract", "authors", "categories"),
        Topic.objects.values_list("name", "group", "description"),
    ):
        values += [value for row in rows for value in row]
    for words in (*Edition.objects.values_list("intro"), *Pick.objects.values_list("note")):
        values += html.fragment_fromstring(notes.html(*words), create_parent=True).itertext()
    single = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return sorted({" ".join(text.split()) for text in single if text}, key=len, reverse=True)


def visible(source: str) -> str:
    """What a page or an HTML mail says."""
    document = html.document_fromstring(source)
    for unread in document.xpath("//style|//script|//select[@name='timezone']|//comment()"):
        unread.drop_tree()
    named = document.xpath("//@title|//@alt|//@aria-label|//@placeholder")
    about = "@name='description' or @property='og:title' or @property='og:description'"
    meta = document.xpath(f"//meta[{about}]/@content")
    return " | ".join([*named, *meta, *document.itertext()])


def untranslated(text: str, data: list[str]) -> list[str]:
    """The words of a text that are in no brackets, without names and ``data``."""
    found = 1
    while found:
        text, found = re.subn("⟦[^⟦⟧]*⟧", " ", text)
    text = " ".join(re.sub(r"https?://\S+|\S+@\S+", " ", text).split())
    for known in data:
        text = text.replace(known, " ")
    return re.findall(r"[^\W\d_]{2,}", NAMES.sub(" ", text))


def test_what_is_not_translated_is_found() -> None:
    said = visible('<p title="Hello">⟦Read <b>⟦all⟧</b> of it⟧ now, by A. Lee<p>Topics: robots')
    assert untranslated(said, ["A. Lee", "robots"]) == ["Hello", "now", "by", "Topics"]
