"""What every page sends along, and what no page may ask a browser to fetch or to run."""

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from lxml import html

from subscriptions.web.urls import urlpatterns
from tests.conftest import ROOT
from tests.pages import NO_PAGE, Site

CSP = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}  # fmt: skip
A_MAIL = re.compile(
    "default-src 'none'; style-src( 'sha256-[A-Za-z0-9+/]{43}=')+; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
"""A mail shown as a page has its own styles, each named by its hash, and nothing else."""
HEADERS = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
FETCHED = (
    "//@src | //@srcset | //@poster | //object/@data"
    " | //link[not(@rel='canonical' or @rel='alternate')]/@href"
)
INLINE = "//script[not(@src)][not(@type='application/ld+json')] | //*[@style]"


def test_every_address_has_a_page_here_or_a_reason_why_not(site: Site) -> None:
    named = {name.partition(".")[0] for name in site.pages} | set(NO_PAGE)
    assert {pattern.name for pattern in urlpatterns} <= named


def test_pages_are_what_their_names_say(site: Site) -> None:
    odd = {
        "confirm.problem": 404, "not-found": 404, "server-error": 500, "sign-in-link.used": 410,
    }  # fmt: skip
    answers = {name: site.client.get(path).status_code for name, path in site.pages.items()}
    assert answers == {name: odd.get(name, 200) for name in site.pages}


def test_every_page_has_the_headers_and_nothing_inline_or_foreign(site: Site) -> None:
    """Each page, and each page that one of them links to."""
    waiting, seen = list(site.pages.values()), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = site.client.get(path)
        sent = {name: answer.headers.get(name) for name in HEADERS}
        assert sent == HEADERS, path
        policy, text = answer.headers["Content-Security-Policy"], answer.content.decode()
        if path == site.pages["digest"]:
            assert A_MAIL.fullmatch(policy), path
        else:
            assert set(policy.split("; ")) == CSP, path
            assert "<style" not in text, path
        if text and answer.headers["Content-Type"].startswith("text/html"):
            waiting += _checked(text, path)
    assert len(seen) > len(site.pages)


def test_a_form_without_its_cookie_is_explained(site: Site) -> None:
    answer = Client(enforce_csrf_checks=True).post(site.pages["preferences"])
    assert answer.status_code == 403
    assert "reload the page" in answer.text and "<style" not in answer.text


def _checked(text: str, path: str) -> list[str]:
    """The pages of this site that a page links to, once it was looked through."""
    page = html.fromstring(text)
    assert page.xpath(INLINE) == [], path
    handlers = [name for tag in page.iter("*") for name in tag.attrib if _runs(str(name))]
    assert handlers == [], path
    for url in page.xpath(FETCHED):
        assert url.startswith("/") and not url.startswith("//"), f"{path} fetches {url}"
    links = [urljoin(path, url).partition("#")[0] for url in page.xpath("//a/@href")]
    assert not [url for url in links if url.lower().startswith("javascript:")], path
    here = (url.removeprefix(settings.SITE_URL) for url in links)
    return [url for url in here if url.startswith("/") and not url.startswith("//")]


def _runs(name: str) -> bool:
    return name.startswith(("on", "hx-on", "data-hx-on"))


@pytest.mark.parametrize("name", ["site.css", "admin.css"])
def test_a_style_sheet_fetches_nothing_from_elsewhere(name: str) -> None:
    found = finders.find(f"paper-round/{name}")
    css = Path(str(found)).read_text(encoding="utf-8")
    assert "@import" not in css
    assert not re.findall(r"url\(\s*[\"']?(?:\w+:)?//", css)


def test_every_kind_of_mail_is_among_those_that_are_checked(site: Site) -> None:
    kinds = {path.parent.name for path in (ROOT / "templates" / "email").glob("*/body.html")}
    assert set(site.mails) == kinds
