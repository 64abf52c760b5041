"""The addresses that mail services tell events at: django-anymail's, where nobody else can."""

import warnings
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from anymail import urls
from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailInsecureWebhookWarning,
    AnymailNotSupportedWarning,
)
from anymail.signals import inbound, tracking
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from subscriptions.flows import webhooks

_told: ContextVar[list[Any]] = ContextVar("told")
"""The events of the request that is being answered."""

warnings.filterwarnings("ignore", category=AnymailInsecureWebhookWarning)  # it is not served
warnings.filterwarnings("ignore", category=AnymailNotSupportedWarning)  # a system check says so


@receiver([tracking, inbound])
def collect(event: Any, **kwargs: Any) -> None:
    _told.get().append(event)


def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """One of anymail's views, served only where it asks for a secret or a signature.

    The events of a request are taken together, after all of it was checked and read.
    """
    kind: Any = view.view_class  # type: ignore[attr-defined]

    @csrf_exempt
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _check(kind)
        told: list[Any] = []
        token = _told.set(told)
        try:
            response = view(request, *args, **kwargs)
        finally:
            _told.reset(token)
        try:
            webhooks.take(kind.esp_name, told, timezone.now())
        except ConnectionError:  # a mail of a person, which staff cannot be sent now
            return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return response

    return answer


def _check(kind: Any) -> None:
    """Raises Http404 where a stranger could tell events: nothing secret is configured for it."""
    try:
        view = kind()
    except ImportError as error:  # boto3; a system check says so
        raise Http404("a package is missing") from error
    except AnymailConfigurationError as error:  # a key of its own, which is not set
        raise Http404(str(error)) from error
    if view.warn_if_no_basic_auth and not view.basic_auth:
        raise Http404("ANYMAIL_WEBHOOK_SECRET is not set, nor a key of this service")


app_name = "anymail"
urlpatterns = [
    URLPattern(one.pattern, guarded(one.callback), one.default_args, one.name)
    for one in urls.urlpatterns
]
