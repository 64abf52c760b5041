"""Every page and every mail is HTML as the standard has it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.conftest import ROOT, missing
from tests.pages import Site

CSS = ROOT / "subscriptions" / "static" / "paper-round" / "site.css"
MAIL_PROGRAMS = re.compile(
    r"mail\.[\w.]+\.html: ("
    r"CSS: “(mso-[a-z-]+|supported-color-schemes)”: Property"
    r"|Attribute “xmlns:[ov]” not allowed"
    r"|Element “meta” is missing .* 'x?[^']*<meta name=\"x-apple-disable-message-reformatting\">)"
)
"""What Outlook and Apple Mail ask for and no standard has."""


@pytest.fixture
def vnu(node_modules: Path) -> list[str]:
    """The Nu Html Checker, as a command."""
    if not shutil.which("java"):
        missing("there is no Java, which the HTML checker needs")
    return ["java", "-jar", str(node_modules / "vnu-jar" / "build" / "dist" / "vnu.jar")]


def test_pages_and_mails_have_no_error(site: Site, vnu: list[str], tmp_path: Path) -> None:
    for name, path in site.pages.items():
        kind = "mail" if name == "digest" else "page"
        (tmp_path / f"{kind}.{name}.html").write_bytes(site.client.get(path).content)
    (tmp_path / "page.signup.errors.html").write_bytes(site.client.post("/", {}).content)
    refused = Client(enforce_csrf_checks=True).post(site.pages["preferences"])
    assert refused.status_code == 403
    (tmp_path / "page.csrf.html").write_bytes(refused.content)
    for name, html in site.mails.items():
        (tmp_path / f"mail.{name}.mailed.html").write_text(html, encoding="utf-8")
    shutil.copy(CSS, tmp_path)
    options = ["--errors-only", "--also-check-css", "--format", "json", "--stdout"]
    run = subprocess.run([*vnu, *options, str(tmp_path)], capture_output=True, text=True)
    found = [_line(error) for error in json.loads(run.stdout)["messages"]]
    assert [line for line in found if not MAIL_PROGRAMS.match(line)] == []
    assert run.stderr == ""


def _line(error: dict[str, Any]) -> str:
    file = error["url"].rpartition("/")[2]
    return f"{file}: {error['message']} {error.get('lastLine')} {error.get('extract', '')!r}"
