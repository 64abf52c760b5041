"""What a reader says of a paper in a digest: a page with one button, by signed link."""

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from subscriptions import links
from subscriptions.flows import feedback as flow
from subscriptions.models import Delivery, Feedback, Subscriber

from .errors import link_problem


@require_safe
def digest(request: HttpRequest, token: str) -> HttpResponse:
    """The papers of one digest, each with what can be said of it."""
    delivery = _delivery(request, token)
    if isinstance(delivery, HttpResponse):
        return delivery
    papers = flow.papers_of(delivery)
    if not papers:
        raise Http404
    return render(
        request, "web/feedback_digest.html", {"papers": papers, "verdicts": Feedback.Verdict}
    )


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
    said = flow.find(delivery, place)
    if said is None:
        raise Http404
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
        },
    )


def _delivery(request: HttpRequest, token: str) -> Delivery | HttpResponse:
    """The digest behind a link, or the answer where its reader can say nothing."""
    try:
        pk = links.DIGEST.read(token)
    except BadSignature as error:
        return link_problem(request, error)
    found = get_object_or_404(Delivery.objects.select_related("subscriber"), pk=pk)
    reading = (Subscriber.Status.ACTIVE, Subscriber.Status.PAUSED)
    if found.subscriber.status not in reading:
        return render(request, "web/confirm.html", {"state": "gone"})
    return found
