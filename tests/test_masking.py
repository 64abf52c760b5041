"""Logs hold no address and no token, whichever page it belongs to."""

import logging
import re

import pytest
from django.urls import URLPattern

from subscriptions.masking import MaskingFormatter, mask, tidy
from subscriptions.web.urls import urlpatterns

SECRET = "2-abc_DEF"


def secret_paths() -> list[str]:
    """A path of every page whose address holds a token or a key."""
    routes = [str(one.pattern) for one in urlpatterns if isinstance(one, URLPattern)]
    values = {"token": SECRET, "key": SECRET, "place": "3", "verdict": "more"}
    return [
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route)
        for route in routes
        if re.search(r"<(?:\w+:)?(?:token|key)>", route)
    ]


def logged(*args: str) -> str:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "Bad: %s for %s", args, None
    )
    return MaskingFormatter("%(message)s").format(record)


def test_the_paths_are_found() -> None:
    assert len(secret_paths()) >= 14
    assert f"/preferences/{SECRET}/saved.bib" in secret_paths()
    assert f"/feeds/mine/{SECRET}.atom" in secret_paths()


@pytest.mark.parametrize("path", secret_paths())
def test_no_token(path: str) -> None:
    line = logged(path, "ada@mail.example.org")
    assert SECRET not in line and path.partition(SECRET)[0] in line
    assert line.endswith(" for a…@m….org")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("o/dept=x!y@example.org", "o…@e….org"),
        ("<o'hara+papers@example.org>: unknown", "<o…@e….org>: unknown"),
        ("#$%&'*+/=?^_`{|}~-@example.org", "#…@e….org"),
        ("first.last@example.org,second@example.net", "f…@e….org,s…@e….net"),
        ("a@b@example.org", "a@b…@e….org"),
        ("no address @ all, nor @example", "no address @ all, nor @example"),
    ],
)
def test_all_of_an_address_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_reply_is_one_short_masked_line_that_a_database_takes() -> None:
    assert tidy("550 a\r\nb\0c\x1b[31m\t ada@example.org") == "550 a b c [31m a…@e….org"
    assert len(tidy("x" * 10_000)) == 500
    assert "example" not in tidy("x" * 490 + " ada@example.org")
