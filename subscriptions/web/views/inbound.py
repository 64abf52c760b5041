from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from subscriptions.flows.inbound import LARGEST, receive

TOO_LARGE = 25_000_000
"""Bytes of a body that is not even begun to be read."""


@csrf_exempt
@require_POST
def inbound(request: HttpRequest) -> HttpResponse:
    """Take one message (RFC 5322, the body as it is) that a mail server hands over.

    ``Authorization: Bearer INBOUND_SECRET``; the envelope recipient is in ``X-Recipient`` or
    ``?recipient=``. 411 without its length; 503 where it cannot be taken now: come again.
    """
    if not settings.INBOUND_SECRET:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.INBOUND_SECRET}"):
        return _refused(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
    length = str(request.META.get("CONTENT_LENGTH", ""))
    if not length.isdecimal():  # of a body in chunks nothing would be read
        return _refused(HTTPStatus.LENGTH_REQUIRED)
    if int(length) > TOO_LARGE:
        return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    recipient = request.headers.get("X-Recipient") or request.GET.get("recipient")
    try:
        taken = receive(request.read(LARGEST), recipient, timezone.now())
    except (OperationalError, InterfaceError, ConnectionError):
        return _refused(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "300"})
    return HttpResponse(f"{taken.value}\n", content_type="text/plain")


def _refused(status: HTTPStatus, headers: dict[str, str] | None = None) -> HttpResponse:
    text = f"{status.phrase}\n"
    return HttpResponse(text, status=status, headers=headers, content_type="text/plain")
