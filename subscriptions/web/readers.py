"""Whose link a page was opened by, and the answer where it opens nothing."""

from django.core.signing import BadSignature, SignatureExpired
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from subscriptions import links
from subscriptions.models import READING, Subscriber

from .views.errors import link_problem


def owner_of(link: links.Link, token: str, *, however_old: bool = False) -> Subscriber | None:
    """Whose a link with a date is, whatever their state; None for one who was erased.

    Raises ``BadSignature``; ``SignatureExpired`` also for a link from before the reader moved to
    another address, as it is in the old mailbox.
    """
    pk = link.read(token, however_old=however_old)
    found = {"deliveries": pk} if link is links.DIGEST else {"pk": pk}
    owner = Subscriber.objects.filter(**found).first()
    moved = owner.address_changed_at if owner else None
    if moved and not however_old and link.made_at(token) < moved.replace(microsecond=0):
        raise SignatureExpired("made before the address was changed")
    return owner


def reader_of(request: HttpRequest, link: links.Link, token: str) -> Subscriber | HttpResponse:
    """Who subscribes and opened this page by a link, or the answer where nobody does."""
    try:
        owner = owner_of(link, token)
    except BadSignature as error:
        return link_problem(request, error, token=token)
    if owner is None and link is links.DIGEST:
        raise Http404  # the digest is not kept any more; its reader may well be there
    if owner is None or owner.status not in READING:
        return render(request, "web/confirm.html", {"state": "gone"})
    return owner
