"""How many readers there were by day, and how many came and went."""

import datetime as dt
from collections import Counter

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from subscriptions.models import READING, Movement, Subscriber

from .charts import Row, Table, as_csv, shown

SPANS = (30, 90, 365)
"""In days."""
Kind = Movement.Kind
GONE = (Kind.LEFT, Kind.BOUNCED, Kind.COMPLAINED, Kind.ERASED)


def urls(model_admin: admin.ModelAdmin[Subscriber]) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path("growth/", view(growth), name="subscriptions_subscriber_growth"),
        path("growth.csv", view(growth_csv), name="subscriptions_subscriber_growth_csv"),
    ]


@require_GET
def growth(request: HttpRequest) -> HttpResponse:
    """The chart of the last 30, 90 or 365 days."""
    days = _span(request)
    table = _table(days, timezone.now())
    csv_url = reverse("admin:subscriptions_subscriber_growth_csv")
    context = {
        **admin.site.each_context(request),
        "opts": Subscriber._meta,
        "title": "Growth",
        "days": days,
        "spans": SPANS,
        "chart": shown(table, f"{csv_url}?days={days}"),
        **(_change(table) if table.rows else {}),
    }
    return TemplateResponse(request, "admin/subscriptions/subscriber/growth.html", context)


@require_GET
def growth_csv(request: HttpRequest) -> HttpResponse:
    days = _span(request)
    return as_csv(_table(days, timezone.now()), f"growth-{days}-days")


def _span(request: HttpRequest) -> int:
    if not request.user.has_perm("subscriptions.view_movement"):
        raise PermissionDenied
    asked = request.GET.get("days", "")
    return next((days for days in SPANS if asked == str(days)), SPANS[0])


def _table(days: int, now: dt.datetime) -> Table:
    """By day, how many readers there were at its end, and who came and went: three queries.

    Counted back from today, to the first day of which anything is known.
    """
    today = now.astimezone(dt.UTC).date()
    counted_since = Movement.objects.aggregate(day=Min("day"))["day"] or dt.date.max
    first = max(counted_since, today - dt.timedelta(days=days - 1))
    counts: Counter[tuple[dt.date, str]] = Counter()
    for day, kind, count in Movement.objects.filter(day__gte=first).values_list(
        "day", "kind", "count"
    ):
        counts[day, kind] = count
    readers = Subscriber.objects.filter(status__in=READING).count()
    rows = []
    day = today
    while day >= first:
        joined, *gone = (counts[day, kind] for kind in (Kind.JOINED, *GONE))
        rows.append(Row(f"{day}", (readers, joined, *gone)))
        readers = max(0, readers - joined + sum(gone))
        day -= dt.timedelta(days=1)
    return Table(
        slug="readers",
        title=f"Readers of the last {days} days",
        first="day",
        columns=("readers", *(kind.label.lower() for kind in (Kind.JOINED, *GONE))),
        rows=rows[::-1],
        empty="Nobody has joined or left since that is counted.",
        by_day=True,
    )


def _change(table: Table) -> dict[str, object]:
    """How many more there are than before the first day, and how many of those went."""
    readers, joined, *gone = table.rows[0].values
    before = readers - joined + sum(gone)
    change = table.rows[-1].values[0] - before
    went = sum(sum(row.values[2:]) for row in table.rows)
    return {
        "since": dt.date.fromisoformat(table.rows[0].label),
        "now": table.rows[-1].values[0],
        "more": max(0, change),
        "fewer": max(0, -change),
        "went": went,
        "churn": f"{100 * went / before:.1f}" if before > 0 else "",
    }
