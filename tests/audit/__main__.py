"""Lighthouse on a phone's settings, over the demo as it would be deployed: ``make audit``.

Exit code 1 where a score is below ``LEAST``. ``PORT`` and ``INBOX_PORT`` as for the demo.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.chromium import CHROMIUM, QUIET
from tests.node import NODE, installed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEAST = 95
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PRIVATE = {"preferences"}
"""Pages that must not be indexed; for them Lighthouse does not ask whether they can be."""


@contextmanager
def running_demo() -> Iterator[tuple[str, str]]:
    """The demo with collected static files; the addresses of its site and its inbox."""
    with tempfile.TemporaryDirectory() as folder:
        environ = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.audit.settings",
            "AUDIT_STATIC_ROOT": folder,
        }
        manage = [sys.executable, "manage.py"]
        collect = [*manage, "collectstatic", "--noinput", "--verbosity=0"]
        subprocess.run(collect, cwd=ROOT, env=environ, check=True)
        demo = subprocess.Popen(
            [*manage, "demo"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
        )
        try:
            assert demo.stdout
            ready = next((line for line in demo.stdout if line.startswith("ready ")), "")
            if not ready:
                sys.exit("the demo did not start; its message is above")
            words = dict(word.split("=") for word in ready.split()[1:])
            yield words["site"].rstrip("/"), words["inbox"].rstrip("/")
        finally:
            demo.terminate()
            demo.wait()


def pages(site: str, inbox: str) -> dict[str, str]:
    """Names and addresses; the reader's own page is taken from a digest in the inbox."""
    front = fetch(f"{site}/")
    day = _first(r'href="(/archive/[\d-]+/)"', front)
    paper = _first(r'href="(/papers/\d+/)"', front)
    mails = json.loads(fetch(f"{inbox}/api/messages"))
    texts = (fetch(f"{inbox}/messages/{mail['id']}.txt") for mail in mails)
    own = next(
        found[0] for text in texts if (found := re.search(r"http\S+/preferences/\S+/", text))
    )
    return {
        "front page": f"{site}/",
        "preferences": own,
        "day": f"{site}{day}",
        "paper": f"{site}{paper}",
    }


def fetch(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"nothing like {pattern}"
    return found[1]


def lighthouse(url: str, private: bool) -> dict[str, Any]:
    """Lighthouse's report on a page, with the settings it has for phones."""
    cli = installed(HERE) / "lighthouse" / "cli" / "index.js"
    command = [
        *NODE, str(cli), url, "--output=json", "--quiet", "--no-enable-error-reporting",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={' '.join(['--headless=new', *QUIET])}",
    ]  # fmt: skip
    if private:
        command.append("--skip-audits=is-crawlable")
    environ = os.environ | {"CHROME_PATH": str(CHROMIUM)}
    run = subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True)
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def main() -> int:
    print(f"{'':14}" + "".join(f"{name:>16}" for name in (*CATEGORIES, "kilobytes")))
    notes, least = [], 100
    with running_demo() as (site, inbox):
        for name, url in pages(site, inbox).items():
            fetch(url)  # the first visit to a page reads its templates
            report = lighthouse(url, name in PRIVATE)
            scores = [round(100 * report["categories"][key]["score"]) for key in CATEGORIES]
            weight = report["audits"]["total-byte-weight"]["numericValue"] / 1000
            mark = "*" if name in PRIVATE else ""
            print(
                f"{name + mark:14}" + "".join(f"{score:16}" for score in scores) + f"{weight:16.1f}"
            )
            notes += [f"{name}: {line}" for line in _lost(report)]
            least = min(least, *scores)
    print("* must not be indexed: is-crawlable was left out", *notes, sep="\n")
    return 0 if least >= LEAST else 1


def _lost(report: dict[str, Any]) -> Iterator[str]:
    """The audits that cost a page points."""
    for category in report["categories"].values():
        for ref in category["auditRefs"]:
            audit = report["audits"][ref["id"]]
            if ref["weight"] and audit["score"] is not None and audit["score"] < 1:
                yield f"{category['title']}: {audit['title']} {audit.get('displayValue', '')}"


if __name__ == "__main__":
    sys.exit(main())
