"""A reader puts a paper forward, or takes it back."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from subscriptions.flows import submissions as flow
from subscriptions.flows.submissions import Answer
from subscriptions.models import Subscriber
from subscriptions.web.account_forms import SubmissionForm
from subscriptions.web.session import reader_required


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def submit(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    form = SubmissionForm(request.POST or None)
    if form.is_valid():
        answer = flow.submit(reader, form.cleaned_data["paper"], timezone.now())
        if answer is Answer.TAKEN:
            return redirect(f"{request.path}?sent")
        form.add_error("paper", _problem(answer))
    context = {"form": form, "sent": "sent" in request.GET, "most": flow.A_DAY}
    return render(request, "web/submit.html", context, status=422 if form.errors else 200)


def _problem(answer: Answer) -> str:
    if answer is Answer.AGAIN:
        return _("You have put it forward already. Your account says what became of it.")
    if answer is Answer.LISTED:
        return _("Good find: it is in one of the newest editions already. You can vote for it.")
    return _("That is enough for a day. Please come back tomorrow.")


@require_POST
@reader_required
def withdraw(request: HttpRequest, reader: Subscriber, pk: int) -> HttpResponse:
    if not flow.withdraw(reader, pk):
        raise Http404
    return redirect("account")
