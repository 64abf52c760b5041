"""Pages for what went wrong."""

from django.core.signing import BadSignature, SignatureExpired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "web/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "web/500.html", status=500)


def link_problem(request: HttpRequest, error: BadSignature) -> HttpResponse:
    """What to do about a link that is too old (410) or that this site never made (404)."""
    expired = isinstance(error, SignatureExpired)
    return render(
        request,
        "web/link_problem.html",
        {"problem": "expired" if expired else "invalid"},
        status=410 if expired else 404,
    )
