"""A new link for a reader whose old one has expired."""

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from subscriptions import links
from subscriptions.flows import subscribe as flow
from subscriptions.models import READING, Subscriber
from subscriptions.tasks import answer_request
from subscriptions.web.enqueue import enqueue
from subscriptions.web.guards import network
from subscriptions.web.readers import owner_of

from .errors import link_problem


@csrf_exempt
@require_POST
def fresh(request: HttpRequest, token: str) -> HttpResponse:
    """Mail the reader of a link, however old, a new one; the page says no more than ever."""
    try:
        reader = _owner(token)
    except BadSignature as error:
        return link_problem(request, error)
    if reader and reader.status in READING:
        now = timezone.now()
        enqueue(answer_request, flow.receive_again(reader, network(request), now))
    return redirect("check-inbox")


def _owner(token: str) -> Subscriber | None:
    """Raises BadSignature for a link that is neither to preferences nor to a digest."""
    try:
        return owner_of(links.PREFERENCES, token, however_old=True)
    except BadSignature:
        return owner_of(links.DIGEST, token, however_old=True)
