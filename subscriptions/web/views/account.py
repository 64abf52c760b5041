"""A reader's account: what is stored of them, and what they can do with it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from subscriptions import links
from subscriptions.masking import mask_email
from subscriptions.models import Subscriber
from subscriptions.web.session import reader_required


@require_safe
@reader_required
def account(request: HttpRequest, reader: Subscriber) -> HttpResponse:
    return render(
        request,
        "web/account.html",
        {
            "reader": reader,
            "masked": mask_email(reader.email),
            "preferences_url": links.PREFERENCES.url(reader.pk),
        },
    )
