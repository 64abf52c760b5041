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

from subscriptions.flows.sign_in import ADMITTED
from subscriptions.models import READING, Subscriber

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
    """The reader whose session this is; nobody for one who has left."""
    owner = session_owner(request)
    return owner if owner and owner.status in READING else None


def session_owner(request: HttpRequest) -> Subscriber | None:
    """Whose session this is, also if they have left; it ends when they move to another address.

    For a visitor without a cookie, no query and no new cookie.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    pk, until = request.session.get("reader"), request.session.get("reader_until", 0)
    if not pk or until <= time.time():
        return None
    owner = Subscriber.objects.filter(pk=pk, status__in=ADMITTED).first()
    moved = owner.address_changed_at if owner else None
    return None if moved and until - LASTS < moved.timestamp() else owner


def owner_required(
    view: Callable[Concatenate[HttpRequest, Subscriber, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand a view whose session it is, also if they have left; anyone else signs in first."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        owner = session_owner(request)
        if owner is None:
            return redirect(sign_in_url(request.path if request.method == "GET" else ""))
        response = view(request, owner, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    return guarded


def reader_required(
    view: Callable[Concatenate[HttpRequest, Subscriber, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """As ``owner_required``, but who has left is sent to their account, which says so."""

    @wraps(view)
    def guarded(
        request: HttpRequest, owner: Subscriber, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if owner.status not in READING:
            return redirect("account")
        return view(request, owner, *args, **kwargs)

    return owner_required(guarded)


def sign_in_url(next_page: str) -> str:
    """Where to sign in, and then to come back to a page of this site."""
    return reverse("sign-in") + (f"?{urlencode({'next': next_page})}" if next_page else "")


def local_path(path: str) -> str:
    """A path of this site as it is; empty for anything else."""
    fits = path.startswith("/") and len(path) <= LONGEST_NEXT and path.isprintable()
    return path if fits and url_has_allowed_host_and_scheme(path, None) else ""
