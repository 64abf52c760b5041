"""How long others may keep what everybody gets alike."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

View = Callable[..., HttpResponse]
MINUTES = 5
"""For which a page may be shown as it was."""


def public(view: View) -> View:
    """Let proxies and browsers keep a page for some minutes, unless it is somebody's own.

    It is where a session's cookie came with the request, or one of a form goes with the answer.
    """

    @wraps(view)
    def kept(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        has_form = request.META.get("CSRF_COOKIE_NEEDS_UPDATE")
        if has_form or settings.SESSION_COOKIE_NAME in request.COOKIES:
            patch_cache_control(response, private=True, no_cache=True)
        elif response.status_code == 200:
            patch_cache_control(response, public=True, max_age=MINUTES * 60)
        patch_vary_headers(response, ["Cookie"])
        return response

    return kept
