"""A reader's account: what is stored of them, to move, to take along, or to erase."""

from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from subscriptions import links
from subscriptions.flows import address, erase
from subscriptions.flows.export import export
from subscriptions.masking import mask_email
from subscriptions.models import READING, AddressChange, Subscriber
from subscriptions.tasks import mail_address_change
from subscriptions.web import guards
from subscriptions.web.account_forms import NewAddressForm
from subscriptions.web.enqueue import enqueue
from subscriptions.web.session import close_session, owner_required, reader_required

from .errors import link_problem

NEWEST = 100
"""So many votes and submissions are shown; the copy has them all."""


@require_safe
@owner_required
def account(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    waiting = reader.address_changes.filter(status=AddressChange.Status.ASKED)
    change = waiting.first()
    return render(
        request,
        "web/account.html",
        {
            "reader": reader,
            "left": reader.status not in READING,
            "masked": mask_email(reader.email),
            "moving_to": mask_email(change.email) if change else "",
            "votes": reader.upvotes.select_related("paper").order_by("-pk")[:NEWEST],
            "submissions": reader.submissions.select_related("paper").order_by("-pk")[:NEWEST],
            "preferences_url": links.PREFERENCES.url(reader.pk),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def change_address(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """A form for the new address; the answer is the same whoever's it is.

    So it is where others have had mail sent there all day; then none is.
    """
    form = NewAddressForm(reader.email, request.POST or None)
    if form.is_valid():
        email = form.cleaned_data["email"]
        if not guards.allowed(guards.OF_ADDRESS, email):
            return redirect(f"{request.path}?sent")
        asked = address.ask(reader, email, timezone.now())
        if not isinstance(asked, address.TooOften):
            enqueue(mail_address_change, asked)
            return redirect(f"{request.path}?sent")
        form.add_error("email", _problem(asked))
    context = {"form": form, "masked": mask_email(reader.email), "sent": "sent" in request.GET}
    return render(request, "web/change_address.html", context, status=422 if form.errors else 200)


def _problem(asked: address.TooOften) -> str:
    if asked is address.TooOften.NOW:
        return _("A link was mailed just now. Try again in five minutes.")
    return _("That is enough for a day. Please come back tomorrow.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_address(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button for the owner of the new address; its POST moves the subscription."""
    try:
        pk = links.NEW_ADDRESS.read(token)
    except BadSignature as error:
        return link_problem(request, error, again="new-address")
    change = address.find(pk)
    if change is None:
        return link_problem(request, None, again="new-address")
    reader = change.subscriber
    context = {"new": change.email, "old": mask_email(reader.email), "feed": reader.feed_key}
    if request.method != "POST":
        return render(request, "web/new_address.html", context)
    became = address.confirm(pk, timezone.now())
    if became is address.Confirmed.GONE:
        return link_problem(request, None, again="new-address")
    if became is address.Confirmed.DONE:
        enqueue(mail_address_change, pk)
    status = 409 if became is address.Confirmed.TAKEN else 200
    return render(
        request, "web/new_address.html", {**context, "became": became.value}, status=status
    )


@require_POST
@owner_required
def take_along(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """All that is stored of a reader, as a file."""
    now = timezone.now()
    response = JsonResponse(
        export(reader, now), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    response["Content-Disposition"] = f'attachment; filename="paper-round-{now:%Y-%m-%d}.json"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@owner_required
def erase_all(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    """A page that says what will be gone, with a button; its POST erases."""
    if request.method == "POST":
        erase.erase(reader.pk, timezone.now())
        close_session(request)
        return render(request, "web/erase.html", {"done": True})
    return render(request, "web/erase.html", {"masked": mask_email(reader.email)})
