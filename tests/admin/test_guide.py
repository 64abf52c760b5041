"""The editor's guide names no button and no page that is not there."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from lxml import html

from subscriptions.models import Topic
from tests.desk_pages import desk_pages
from tests.pages import Site

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "editor.md"
CONTROLS = (
    "//button | //a | //option | //label | //summary | //legend | //th | //dt"
    " | //h1 | //h2 | //h3 | //h4"
)


def sections() -> dict[str, str]:
    """The guide's text by heading."""
    _, *parts = re.split(r"^## (.+)$", GUIDE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def named(text: str) -> set[str]:
    """What a text sets in bold, which are pages and their parts, or in italics: buttons, fields."""
    text = re.sub(r"`[^`\n]+`", "", text)
    return {_said(name) for name in re.findall(r"\*{1,2}([^*]+)\*{1,2}", text)}


def shown(page: Any) -> set[str]:
    """The headings of a page, and what can be pressed or filled in on it."""
    said = [element.text_content() for element in page.xpath(CONTROLS)]
    said += page.xpath("//input[@type='submit' or @type='button']/@value")
    said += page.xpath("//@aria-label")
    words = {_said(text) for text in said}
    return words | {text.partition(":")[0] for text in words}


def _said(text: str) -> str:
    return re.sub(r"\d[\d,]*", "N", " ".join(text.split()).strip(" .:…?")).casefold()


@pytest.fixture
def everywhere(site: Site, admin_client: Client, admin_user: User) -> set[str]:
    """What is shown on the pages of the staff, all together."""
    pages = desk_pages(admin_client, admin_user)
    found = set()
    for name, path in pages.items():
        answer = admin_client.get(path)
        assert answer.status_code == 200, name
        page = html.fromstring(answer.content.decode())
        found |= shown(page)
        if name in ("workbench", "new topic"):  # what it brings is loaded by a script
            (form,) = (form for form in page.forms if "phrases" in form.fields)
            tried = admin_client.post(path, {**dict(form.form_values()), "try": "Try"})
            found |= shown(html.fromstring(tried.content.decode()))
        if name == "topic":  # saved over what another has changed meanwhile
            (form,) = (form for form in page.forms if "phrases" in form.fields)
            Topic.objects.filter(slug="robotics").update(phrases=["robot arms"])
            stale = admin_client.post(path, {**dict(form.form_values()), "phrases": "grasping"})
            found |= shown(html.fromstring(stale.content.decode()))
    return found


def test_each_name_is_on_a_page(everywhere: set[str]) -> None:
    missing = [
        f"{heading}: nothing says “{name}”"
        for heading, text in sections().items()
        for name in sorted(named(text) - everywhere)
    ]
    assert not missing, "\n".join(missing)
    assert len(set().union(*map(named, sections().values()))) > 80
