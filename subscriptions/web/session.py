"""A reader's session, opened by a mailed link; it ends after an hour.

It shares Django's cookie with the staff's login, and neither ends the other.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

from subscriptions.flows.sign_in import READING
from subscriptions.models import Subscriber

LASTS = 60 * 60
"""Seconds. Using it makes it no longer: a GET changes nothing, a session neither."""
LONGEST_NEXT = 200
P = ParamSpec("P")


def open_session(request: HttpRequest, reader: Subscriber) -> None:
    request.session.cycle_key()
    request.session["reader"] = reader.pk
    request.session["reader_until"] = time.time() + LASTS


def close_session(request: HttpRequest) -> None:
    for name in ("reader", "reader_until"):
        request.session.pop(name, None)
    if not request.session.keys():
        request.session.flush()


def current_reader(request: HttpRequest) -> Subscriber | None:
    """Whose session this is. For a visitor without a cookie, no query and no new cookie."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    pk, until = request.session.get("reader"), request.session.get("reader_until", 0)
    if not pk or until <= time.time():
        return None
    return Subscriber.objects.filter(pk=pk, status__in=READING).first()


def reader_required(
    view: Callable[Concatenate[HttpRequest, Subscriber, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand the reader to a view; anyone else is sent to sign in first."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        reader = current_reader(request)
        if reader is None:
            return redirect(sign_in_url(request.path if request.method == "GET" else ""))
        response = view(request, reader, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def sign_in_url(next_page: str) -> str:
    """Where to sign in, and then to come back to a page of this site."""
    return reverse("sign-in") + (f"?{urlencode({'next': next_page})}" if next_page else "")


def local_path(path: str) -> str:
    """A path of this site as it is; empty for anything else."""
    fits = path.startswith("/") and len(path) <= LONGEST_NEXT and path.isprintable()
    return path if fits and url_has_allowed_host_and_scheme(path, None) else ""
