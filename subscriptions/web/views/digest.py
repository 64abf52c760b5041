"""One digest on the web, and what its reader says of its papers: all by one signed link."""

import re
from base64 import b64encode
from hashlib import sha256

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from subscriptions import links
from subscriptions.digests.web_version import web_version
from subscriptions.flows import feedback as flow
from subscriptions.flows.preferences import turn_down
from subscriptions.models import Delivery, Feedback, Interest, Section
from subscriptions.web.readers import reader_of

_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


@require_safe
def digest(request: HttpRequest, token: str) -> HttpResponse:
    """The digest as it was mailed, without what was hidden since."""
    delivery = _delivery(request, token)
    if isinstance(delivery, HttpResponse):
        return delivery
    response = HttpResponse(html := web_version(delivery))
    hashes = (b64encode(sha256(style.encode()).digest()) for style in _STYLE.findall(html))
    allowed = " ".join(f"'sha256-{found.decode()}'" for found in hashes)
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {allowed}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest, token: str, place: int, verdict: str) -> HttpResponse:
    """A GET marks the choice and changes nothing; the POST records it.

    No cookie and no CSRF token is asked for: the signature in the link is the proof.
    """
    delivery = _delivery(request, token)
    if isinstance(delivery, HttpResponse):
        return delivery
    if verdict not in Feedback.Verdict.values:
        raise Http404
    said = _said(delivery, place)
    if request.method == "POST":
        flow.give(said, Feedback.Verdict(verdict), timezone.now())
        return redirect(request.path)
    return render(
        request,
        "web/feedback.html",
        {
            "paper": said.paper,
            "verdict": verdict,
            "noted": verdict in said.verdicts,
            "others": [other for other in Feedback.Verdict if other != verdict],
            "saved_url": links.PREFERENCES.url(delivery.subscriber_id) + "saved/",
        },
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def why(request: HttpRequest, token: str, place: int) -> HttpResponse:
    """Which interest brought a paper; a POST turns that interest down."""
    delivery = _delivery(request, token)
    if isinstance(delivery, HttpResponse):
        return delivery
    said = _said(delivery, place)
    interest = Interest.objects.filter(
        pk__in=[said.interest], subscriber=delivery.subscriber_id, weight__gt=0
    ).select_related("topic", "paper").first()  # fmt: skip
    if request.method == "POST":
        if interest:
            turn_down(interest.pk, delivery.subscriber_id)
        return redirect(f"{request.path}?done")
    item = delivery.items[place]
    return render(
        request,
        "web/why.html",
        {
            "paper": said.paper,
            "reason": item["reason"],
            "section": Section(item["section"]),
            "interest": interest,
            "least": interest is not None and interest.weight == Interest.Weight.LESS,
            "done": "done" in request.GET,
            "preferences_url": links.PREFERENCES.url(delivery.subscriber_id),
        },
    )


def _said(delivery: Delivery, place: int) -> flow.Said:
    said = flow.find(delivery, place)
    if said is None:
        raise Http404
    return said


def _delivery(request: HttpRequest, token: str) -> Delivery | HttpResponse:
    """The digest behind a link, or the answer where its reader can say nothing."""
    reader = reader_of(request, links.DIGEST, token)
    if isinstance(reader, HttpResponse):
        return reader
    found: Delivery = get_object_or_404(reader.deliveries, pk=links.DIGEST.read(token))
    return found
