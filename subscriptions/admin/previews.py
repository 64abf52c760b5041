"""A digest to look at: how it reads on a phone, what to look at, its HTML in frames, its text."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.views.decorators.clickjacking import xframe_options_sameorigin

from subscriptions.digests.phone import inbox_row
from subscriptions.digests.preview import Preview, in_scheme
from subscriptions.digests.review import review

with_frames = csp_update({"frame-src": [SELF]})
"""Decorates the view of a page that shows ``frame``."""
DARK = "dark"


def shown(request: HttpRequest, preview: Preview, topics: Any = ()) -> dict[str, Any]:
    """What ``admin/subscriptions/preview.html`` wants to know of a digest.

    ``?scheme=dark`` is for its frames; ``topics`` are those of a reader made up.
    """
    query, dark = request.GET.copy(), _is_dark(request)
    query.pop("scheme", None)
    in_light = query.urlencode()
    query["scheme"] = DARK
    return {
        "preview": preview,
        "row": inbox_row(preview.digest),
        "findings": review(preview, [topic.pk for topic in topics]),
        "dark": dark,
        "in_light": in_light,
        "in_dark": query.urlencode(),
        "query": query.urlencode() if dark else in_light,
    }


@xframe_options_sameorigin
def frame(request: HttpRequest, preview: Preview) -> HttpResponse:
    """The HTML alone, where nothing of it can run; light or dark whatever the browser is."""
    response = HttpResponse(in_scheme(preview.digest.html, dark=_is_dark(request)))
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self';"
        " sandbox allow-popups"
    )
    return response


def _is_dark(request: HttpRequest) -> bool:
    return request.GET.get("scheme") == DARK
