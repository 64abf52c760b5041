import json

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from subscriptions.flows.health import source_health


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the database answers; for the container's health check."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The sources' states as JSON; 503 while one is late, stale or broken. For monitoring."""
    found = source_health(timezone.now())
    body = {health.name: {"state": health.state, "last_day": health.last_day} for health in found}
    trouble = any(health.state.is_trouble for health in found)
    return HttpResponse(
        json.dumps({"sources": body}, default=str) + "\n",
        status=503 if trouble else 200,
        content_type="application/json",
    )
