"""Pages for what went wrong."""

from django.core.signing import BadSignature, SignatureExpired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from limits import RateLimitItem


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "web/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "web/500.html", status=500)


def too_many(response: HttpResponse, limit: RateLimitItem) -> HttpResponse:
    """Make it the answer to who asks too often (RFC 6585, section 4)."""
    response.status_code = 429
    response["Retry-After"] = str(limit.get_expiry())
    return response


def link_problem(
    request: HttpRequest, error: BadSignature | None, *, again: str = "", token: str = ""
) -> HttpResponse:
    """What to do about a link that is too old or used up (410), or never made here (404).

    Without an error it was genuine. ``again`` names the view where a reader
    asks for another; of a reader's old ``token`` a button has a new one mailed.
    """
    expired = error is None or isinstance(error, SignatureExpired)
    return render(
        request,
        "web/link_problem.html",
        {"problem": "expired" if expired else "invalid", "again": again, "token": token},
        status=410 if expired else 404,
    )
