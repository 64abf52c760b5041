"""How much of the preview strangers may ask for: it is the page's most expensive part."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from limits import RateLimitItemPerMinute

from subscriptions.models import Edition, Paper
from subscriptions.web import guards
from tests.conftest import MONDAY
from tests.digests.week import Make
from tests.web.conftest import GOOD

HERE, ELSEWHERE = "151.101.1.7", "151.101.2.7"
MOST = 3


@pytest.fixture(autouse=True)
def paper(make_paper: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paper]:
    """One that everybody here asks for."""
    monkeypatch.setattr(guards, "PREVIEWS", RateLimitItemPerMinute(MOST, namespace="preview"))
    Edition.objects.roll(MONDAY)
    with time_machine.travel(MONDAY, tick=False):
        yield make_paper("Tides of two seas")


def ask(client: Client, path: str, network: str = HERE, **changes: Any) -> Any:
    return client.post(path, {**GOOD, **changes}, REMOTE_ADDR=network)


@pytest.mark.parametrize(("path", "changes"), [("/preview/", {}), ("/", {"preview": "1"})])
def test_a_network_may_ask_so_often(client: Client, path: str, changes: dict[str, str]) -> None:
    for _ in range(MOST):
        page = ask(client, path, **changes)
        assert page.status_code == 200 and "Your phrase “tides”" in page.text
    page = ask(client, path, **changes)
    assert page.status_code == 429 and page["Retry-After"] == "60"
    assert page.context["proposal"] is None
    assert "Your network asked for many previews." in page.text
    assert ask(client, path, ELSEWHERE, **changes).status_code == 200


def test_forms_that_cannot_be_taken_count_too(client: Client) -> None:
    for _ in range(MOST):
        page = ask(client, "/", email="x")
        assert page.status_code == 422 and "Your phrase “tides”" in page.text
    page = ask(client, "/", email="x")
    assert page.status_code == 422 and "not an email address" in page.text
    assert page.context["proposal"] is None
    assert ask(client, "/preview/").status_code == 429
    assert ask(client, "/").status_code == 302, "signing up needs no preview"


def test_forms_of_who_signs_up_too_often_count_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "SIGN_UPS", RateLimitItemPerMinute(1, namespace="sign-up"))
    ask(client, "/")
    found = [ask(client, "/") for _ in range(MOST + 1)]
    assert {page.status_code for page in found} == {429}
    assert [page.context["proposal"] is None for page in found] == [False] * MOST + [True]


def test_who_asks_for_nothing_is_never_refused(client: Client) -> None:
    for _ in range(MOST + 1):
        assert ask(client, "/preview/", phrases="").status_code == 200


def test_it_says_where_not_all_is_tried(client: Client) -> None:
    lines = {"phrases": "\n".join(f"tides {n}" for n in range(30)), "authors": "Wei Zhang"}
    assert "more lines than are tried here" in ask(client, "/preview/", **lines).text
    assert "more lines" not in ask(client, "/preview/", **lines | {"authors": ""}).text
