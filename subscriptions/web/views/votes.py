"""A reader votes for a paper, or takes the vote back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from subscriptions.flows import votes as flow
from subscriptions.models import READING, Paper, public_papers
from subscriptions.web.session import local_path, session_owner, sign_in_url


@require_POST
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Count it, or not any more where ``vote`` is ``no``, and go back to where they were."""
    paper_page = Paper(pk=pk).get_absolute_url()
    reader = session_owner(request)
    if reader is None:
        return redirect(sign_in_url(paper_page))
    if reader.status not in READING:
        return redirect("account")  # which says that they have left
    if request.POST.get("vote") == "no":  # even for one that was hidden since
        given = reader.upvotes.select_related("paper")
        flow.take_back(reader, get_object_or_404(given, paper=pk).paper)
    else:
        flow.give(reader, get_object_or_404(public_papers(), pk=pk), timezone.now())
    return redirect(local_path(request.POST.get("next", "")) or paper_page)
