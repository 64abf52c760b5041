"""What is wrong with a page for those who do not see it, or not all of it at once."""

from collections.abc import Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Look = tuple[int, Literal["light", "dark"]]
LOOKS: list[Look] = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
DESK: list[Look] = [(820, "dark"), (1280, "light")]
"""The pages of the staff are for screens of 820 px and more."""
STOCK = "empty-table-header", "label-title-only"
"""Left out where the admin's own pages have it: a search box named by a picture, a bare corner."""

_AXE = Axe().axe_script
_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_SETTLED = "Promise.all(document.getAnimations().map((one) => one.finished))"
_RUN = "options => axe.run(options).then(found => found.violations)"


def faults(page: Page, *left_out: str, looks: Sequence[Look] = LOOKS) -> list[str]:
    """What axe finds at each width in its scheme, and what does not fit there, a line each."""
    options = {
        "resultTypes": ["violations"],
        "iframes": False,
        "rules": {name: {"enabled": False} for name in left_out},
    }
    page.evaluate(_AXE)
    lines = []
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if page.evaluate(_TOO_WIDE):
            lines.append(f"{width}: scrolls sideways")
        page.evaluate(_SETTLED)
        for fault in page.evaluate(_RUN, options):
            places = [node["target"] for node in fault["nodes"]]
            lines.append(f"{width} {scheme}: {fault['id']} at {places[:3]}")
    return lines
