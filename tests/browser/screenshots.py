"""Pictures of a running demo's pages and mails: ``python -m tests.browser.screenshots FOLDER``.

Needs ``make demo`` running; ``PORT`` and ``INBOX_PORT`` say where. To look at, and for the
README.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import CHROMIUM, QUIET

SITE = f"http://localhost:{os.environ.get('PORT', '8000')}"
INBOX = f"http://localhost:{os.environ.get('INBOX_PORT', '1080')}"


def newest_digest() -> int:
    with urllib.request.urlopen(f"{INBOX}/api/messages") as answer:
        return int(json.load(answer)[0]["id"])


def pages(browser: Browser) -> dict[str, str]:
    """Names and addresses, the personal ones taken from the newest digest."""
    mail = newest_digest()
    page = browser.new_page()
    page.goto(f"{INBOX}/messages/{mail}.html")
    links = [link.get_attribute("href") or "" for link in page.get_by_role("link").all()]
    page.close()
    found = {
        "signup": f"{SITE}/",
        "check-inbox": f"{SITE}/check-inbox/",
        "archive": f"{SITE}/archive/",
        "edition": next(link for link in links if "/archive/" in link),
        "paper": next(link for link in links if "/papers/" in link),
        "preferences": next(link for link in links if "/preferences/" in link),
        "feedback": next(link for link in links if "/more/" in link),
        "unsubscribe": next(link for link in links if "/u/" in link),
        "privacy": f"{SITE}/privacy/",
        "not-found": f"{SITE}/nowhere/",
        "inbox": f"{INBOX}/",
        "inbox-message": f"{INBOX}/messages/{mail}/",
    }
    return found | {"email": f"{INBOX}/messages/{mail}.html"}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        for name, address in pages(browser).items():
            for width in (1280, 390):
                for scheme in ("light", "dark"):
                    context = browser.new_context(
                        viewport={"width": width, "height": 900},
                        color_scheme="dark" if scheme == "dark" else "light",
                    )
                    page = context.new_page()
                    page.goto(address)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
                    context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
