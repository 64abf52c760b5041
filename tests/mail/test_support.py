"""What mail programs support, as caniemail.com has found: nothing that matters is missing."""

import json
import subprocess
from email.message import EmailMessage
from pathlib import Path

from tests.node import NODE

INLINED = "what matters is in style attributes; what is not is for small screens and dark mode"
ALLOWED = {
    "<style> element": INLINED,
    "@media": INLINED,
    "Class selector": INLINED,
    "Type selector": INLINED,
    "Descendant combinator": INLINED,
    "color-scheme meta tag": "the program darkens the colours of light mode in its own way",
    "color-scheme CSS property": "the program darkens the colours of light mode in its own way",
    "<body> element": "the outer table has the same background",
    "display:none": "the preheader is a line of 1 px",
    "word-break": "a word longer than the screen makes it scroll",
    "border-radius": "the button has sharp corners",
    "text-decoration-color": "the underline has the colour of its words",
    "role attribute": "a layout table is read as a table, in the same order",
    "aria-hidden attribute": "the dot beside the name is read",
    "aria-label attribute": "the link follows its paper's title, a heading in the same cell",
}
"""What some do not support, and what is there instead."""


def test_what_is_not_supported_has_something_in_its_place(
    sent: list[EmailMessage], node_modules: Path
) -> None:
    assert len(ALLOWED) <= 15
    module = node_modules / "caniemail" / "dist" / "index.js"
    command = [*NODE, str(Path(__file__).parent / "support.mjs"), module.as_uri()]
    found: dict[str, list[str]] = {}
    for message in sent:
        if part := message.get_body(("html",)):
            html = part.get_content()
            run = subprocess.run(command, input=html, capture_output=True, text=True, check=True)
            found |= json.loads(run.stdout)
    assert not {name: found[name] for name in found.keys() - ALLOWED.keys()}
    assert ALLOWED.keys() <= found.keys(), "each is still needed"
