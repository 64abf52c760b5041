"""Mail scanners and crawlers open every link, often twice: nothing may change by it."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

from django.apps import apps
from django.core import mail, serializers
from django.test import Client

from subscriptions.models import Delivery, Subscriber
from tests.pages import Site

MOST = 600
"""Pages that one crawl may reach; the small site has fewer."""


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = ("href", "action", "formaction", "src", "data-hx-post", "data-proof")
        self.found += [value for name, value in attrs if name in names and value]


def addresses(html: str, page: str = "/") -> list[str]:
    """The addresses of this site that a text names, as paths with their queries."""
    parser = _Addresses()
    parser.feed(html)
    found = []
    for address in parser.found:
        parts = urlsplit(address.removeprefix("http://localhost:8000"))
        path = parts.path or page.partition("?")[0]
        if parts.scheme or parts.netloc or path.startswith("/static/"):
            continue
        if path.startswith("../"):
            path = page.rpartition("/")[0].rpartition("/")[0] + path[2:]
        if path.startswith("/"):
            found.append(f"{path}?{parts.query}" if parts.query else path)
    return found


def whole_database() -> str:
    rows = [
        row
        for model in apps.get_models(include_auto_created=True)
        for row in model._default_manager.order_by("pk")
    ]
    return str(serializers.serialize("json", rows))


def crawl(client: Client, start: list[str]) -> set[str]:
    """Open everything that can be reached, twice, and ask for its head; what was opened."""
    waiting, seen = list(start), set[str]()
    while waiting and len(seen) < MOST:
        path = waiting.pop()
        if path in seen or path.startswith("/admin/"):
            continue
        seen.add(path)
        for _ in range(2):
            answer = client.get(path)
            assert answer.status_code < 500 or path == "/broken/", path
            client.head(path)
        if answer.get("Content-Type", "").startswith("text/html"):
            waiting += addresses(answer.text, path)
    return seen


def test_a_scanner_that_opens_everything_changes_nothing(site: Site) -> None:
    starts = [*site.pages.values(), "/sitemap.xml", "/robots.txt", "/feeds/daily.atom"]
    reader = Subscriber.objects.get(email="ada@example.org")
    for message in mail.outbox:
        starts += addresses(site_links(str(message.body)))
    starts += [path for html in site.mails.values() for path in addresses(html)]
    outbox, before = len(mail.outbox), whole_database()
    seen = crawl(Client(raise_request_exception=False), starts)
    crawl(site.client, starts)  # with a reader's session
    kinds = ("confirm", "preferences", "u", "digest", "sign-in", "new-address", "papers", "topics")
    for kind in kinds:
        assert any(path.startswith(f"/{kind}/") for path in seen), kind
    assert 100 < len(seen) < MOST
    assert whole_database() == before and len(mail.outbox) == outbox
    assert Delivery.objects.filter(subscriber=reader).exists()


def site_links(text: str) -> str:
    """The addresses of a plain text, as HTML has them."""
    words = (word for word in text.split() if word.startswith("http://localhost:8000/"))
    return "".join(f'<a href="{word}"></a>' for word in words)


def test_a_change_would_be_seen(site: Site) -> None:
    before = whole_database()
    Subscriber.objects.filter(email="ada@example.org").update(hour=3)
    assert whole_database() != before
