"""What a page weighs on the wire, served as after ``collectstatic``: little, and kept for ever."""

import gzip
from pathlib import Path
from typing import Any

from django.core.cache import caches
from django.core.management import call_command
from django.test import Client
from lxml import html

from tests.pages import Site

MOST = 150_000
RESOURCES = "//script/@src | //img/@src | //link[contains(@rel, 'icon') or @rel='stylesheet']/@href"


def test_pages_are_light_and_what_they_load_is_kept_for_ever(
    site: Site, tmp_path: Path, settings: Any
) -> None:
    settings.STATIC_ROOT, settings.WHITENOISE_USE_FINDERS = tmp_path / "static", False
    call_command("collectstatic", verbosity=0, interactive=False)
    caches["pages"].clear()  # the site's front page had the plain names
    client = Client(headers={"accept-encoding": "gzip"}, raise_request_exception=False)
    client.cookies = site.client.cookies
    weights: dict[str, int] = {}
    for name, path in site.pages.items():
        page = client.get(path)
        assert page.headers.get("Content-Encoding") == "gzip", name
        loaded = html.fromstring(gzip.decompress(page.content)).xpath(RESOURCES)
        assert len(loaded) >= 2 or name == "digest", name
        weights[name] = len(page.content) + sum(_kept(client, url) for url in set(loaded))
    assert max(weights.values()) < MOST, weights


def _kept(client: Client, url: str) -> int:
    """The size of a static file, which is compressed where that helps and kept for ever."""
    answer: Any = client.get(url)
    assert answer.status_code == 200, url
    assert answer.headers["Cache-Control"] == "max-age=315360000, public, immutable", url
    return len(b"".join(answer.streaming_content))
