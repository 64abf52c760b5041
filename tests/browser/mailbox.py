"""What a reader does with the mails of the ``inbox`` fixture."""

import json
import re
import urllib.request
from typing import Any

from playwright.sync_api import Page

from tests.services import wait_until


def mails(inbox: str) -> list[dict[str, Any]]:
    """The newest first."""
    with urllib.request.urlopen(f"{inbox}/api/messages") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def open_newest(page: Page, inbox: str, count: int) -> dict[str, Any]:
    """Open the newest mail's HTML, once ``count`` have arrived; what the inbox lists of it."""
    wait_until(lambda: len(mails(inbox)) == count, f"not {count} mails")
    newest = mails(inbox)[0]
    page.goto(f"{inbox}/messages/{newest['id']}.html")
    return newest


def follow(page: Page, name: str | re.Pattern[str]) -> None:
    """Open a link of a mail, here rather than in another tab."""
    address = page.get_by_role("link", name=name).first.get_attribute("href")
    assert address
    page.goto(address)
