"""Opening a session, by a link that is mailed and works once, and closing it."""

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from limits import RateLimitItemPerHour

from subscriptions import links
from subscriptions.flows import sign_in as flow
from subscriptions.masking import mask_email
from subscriptions.tasks import mail_sign_in
from subscriptions.web.account_forms import AddressForm
from subscriptions.web.enqueue import enqueue
from subscriptions.web.guards import allowed, network
from subscriptions.web.readers import reader_of
from subscriptions.web.session import close_session, local_path, open_session

from .errors import link_problem, too_many

MAILS = RateLimitItemPerHour(30, namespace="sign-in")
"""Requests of one network."""


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """A form for an address; the answer is the same whoever's it is."""
    next_page = local_path((request.POST or request.GET).get("next", ""))
    form = AddressForm(request.POST or None)
    context = {"form": form, "next": next_page, "sent": "sent" in request.GET}
    if form.is_valid():
        if allowed(MAILS, network(request)):
            return _mailed(form.cleaned_data["email"], next_page)
        form.add_error(None, _("Too many links were asked for from here. Try again in an hour."))
        return too_many(render(request, "web/sign_in.html", context), MAILS)
    return render(request, "web/sign_in.html", context, status=422 if form.errors else 200)


@require_POST
def ask_from_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Mail the link to the reader whose preferences these are."""
    reader = reader_of(request, links.PREFERENCES, token)
    if isinstance(reader, HttpResponse):
        return reader
    return _mailed(reader.email, "")


def _mailed(email: str, next_page: str) -> HttpResponse:
    enqueue(mail_sign_in, flow.receive(email, next_page, timezone.now()))
    return redirect(f"{reverse('sign-in')}?sent")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; its POST uses up the link and opens the session."""
    try:
        pk = links.SIGN_IN.read(token)
    except BadSignature as error:
        return link_problem(request, error, again="sign-in")
    found = flow.use(pk) if request.method == "POST" else flow.find(pk)
    if found is None:
        return link_problem(request, None, again="sign-in")
    if request.method == "POST":
        open_session(request, found.subscriber)
        return redirect(local_path(found.next) or "account")
    masked = mask_email(found.subscriber.email)
    return render(request, "web/sign_in_link.html", {"masked": masked})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    close_session(request)
    return redirect("signup")
