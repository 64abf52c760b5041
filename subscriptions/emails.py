"""Render and inline: the one place that knows premailer."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.template import engines
from django.template.loader import render_to_string

os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "1024")  # read once, when premailer is imported

from premailer import Premailer

from subscriptions.numbering import number


@dataclass(frozen=True)
class Rendered:
    """One email: a subject of one line, plain text, and HTML with its CSS inlined."""

    subject: str
    text: str
    html: str


def render(name: str, context: Mapping[str, Any]) -> Rendered:
    """Fill ``templates/email/<name>/{subject.txt,body.txt,body.html}`` with one context."""
    values = dict(context)
    text = engines["text"].get_template(f"email/{name}/body.txt").render(values)
    return Rendered(
        subject=subject(name, values),
        text=number(text).strip() + "\n",
        html=inline(render_to_string(f"email/{name}/body.html", values)).strip() + "\n",
    )


def subject(name: str, context: Mapping[str, Any]) -> str:
    """The subject alone, in one line."""
    rendered = engines["text"].get_template(f"email/{name}/subject.txt").render(dict(context))
    return " ".join(rendered.split())


def inline(html: str) -> str:
    """Move the rules of ``<style>`` into style attributes; ``data-premailer=ignore`` stays."""
    inlined = str(
        Premailer(
            html,
            allow_network=False,
            disable_validation=True,
            cssutils_logging_level=logging.CRITICAL,
            remove_classes=False,
            keep_style_tags=False,
            disable_leftover_css=True,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        ).transform(pretty_print=False)
    )
    return inlined.replace(' data-premailer="ignore"', "")
