"""What became of an edition, as charts, tables and files."""

import datetime as dt
from collections.abc import Iterable
from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from subscriptions import tasks
from subscriptions.digests.figures import SECTIONS, VERDICTS, Figures
from subscriptions.digests.progress import ORDER
from subscriptions.models import Delivery, Edition, Paper, Topic

from .charts import Row, Table, as_csv, shown

RESTS = dt.timedelta(minutes=1)
"""An edition that was counted since is not counted again."""
SHORT = ("more", "less", "saved")
VERDICT_NAMES = dict(zip(VERDICTS, ("More like this", "Less like this", "Saved"), strict=True))
CAME_BACK = {"bounced": "of all, bounced at once or later", "complained": "of all, called spam"}
LEFT_NAMES = {
    "unsubscribed": "Unsubscribed",
    "bounced": "Given up after bounces",
    "complained": "Complained",
}


def urls(model_admin: admin.ModelAdmin[Edition]) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path("<int:pk>/figures/", view(edition_figures), name="subscriptions_edition_figures"),
        path(
            "<int:pk>/figures/<slug:slug>.csv",
            view(edition_figures_csv),
            name="subscriptions_edition_figures_csv",
        ),
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def edition_figures(request: HttpRequest, pk: int) -> HttpResponse:
    """The charts of the last count; a POST counts again."""
    edition, figures = _found(request, pk)
    if request.method == "POST":
        _count_again(request, edition)
        return redirect("admin:subscriptions_edition_figures", pk)
    digests = sum(figures["deliveries"].values()) if figures else 0
    tables = _tables(figures) if figures and digests else []
    context = {
        **admin.site.each_context(request),
        "opts": Edition._meta,
        "title": f"Figures of {edition}",
        "edition": edition,
        "counted_at": figures and dt.datetime.fromisoformat(figures["counted_at"]),
        "digests": digests,
        "charts": [
            shown(table, reverse("admin:subscriptions_edition_figures_csv", args=[pk, table.slug]))
            for table in tables
        ],
    }
    return TemplateResponse(request, "admin/subscriptions/edition/figures.html", context)


@require_GET
def edition_figures_csv(request: HttpRequest, pk: int, slug: str) -> HttpResponse:
    """One table of the last count, whole."""
    edition, figures = _found(request, pk)
    for table in _tables(figures) if figures else ():
        if table.slug == slug:
            return as_csv(table, f"edition-{edition}-{slug}")
    raise Http404


def _found(request: HttpRequest, pk: int) -> tuple[Edition, Figures | None]:
    """The edition, and what was counted of it, if anything was."""
    if not request.user.has_perm("subscriptions.view_edition"):
        raise PermissionDenied
    edition = get_object_or_404(Edition.objects.select_related("report"), pk=pk)
    report = getattr(edition, "report", None)
    counted = report is not None and "counted_at" in report.figures
    return edition, report.figures if report and counted else None


def _count_again(request: HttpRequest, edition: Edition) -> None:
    now = timezone.now()
    report = getattr(edition, "report", None)
    if edition.status != Edition.Status.RELEASED:
        messages.warning(request, "There is nothing to count before the day is released.")
    elif report and "counted_at" in report.figures and report.made_at > now - RESTS:
        messages.info(request, "It was counted within the last minute.")
    else:
        count = partial(tasks.count_edition.delay, edition.pk, now.isoformat())
        transaction.on_commit(count, robust=True)
        messages.success(
            request, "It is counted again; of many digests that may take some minutes."
        )


def _tables(figures: Figures) -> list[Table]:
    """Two queries: the titles of papers and the names of topics."""
    papers = Paper.objects.filter(pk__in=[row["paper"] for row in figures["papers"]])
    titles = dict(papers.values_list("pk", "title"))
    topics = dict(Topic.objects.values_list("pk", "name"))
    of_papers = _rows(figures["papers"], "paper", titles)
    of_topics = _rows(figures["topics"], "topic", topics)
    got = [
        Row(label, (sum(row[name] for name in SECTIONS), *_values(row, SECTIONS)), url)
        for row, label, url in of_papers
    ]
    said = [Row(label, _values(row, VERDICTS), url) for row, label, url in of_papers]
    reached, after = ("readers", "papers"), (*VERDICTS, "left")
    brought = [Row(label, _values(row, reached), url) for row, label, url in of_topics]
    done = [Row(label, _values(row, after), url) for row, label, url in of_topics]
    none_sent = "No digest was sent yet whose newest day is this one."
    none_said = "No reader has said anything of these papers yet."
    return [
        Table(
            "digests", "What became of the digests", "state", ("digests",),
            list(_states(figures)), "No digest’s newest day is this one.",
        ),
        Table(
            "answers", "What readers did after it", "what", ("times",),
            list(_answers(figures)), none_sent,
        ),
        Table(
            "papers", "Who got which paper", "paper",
            ("readers", "as a pick", "as a match", "as trending"), got, none_sent,
        ),
        Table(
            "papers-answers", "What readers said of which paper", "paper", SHORT,
            _most(said), none_said,
        ),
        Table(
            "topics", "What topics brought", "topic", reached, brought,
            "No topic brought a paper.",
        ),
        Table(
            "topics-answers", "What readers did, by topic", "topic", (*SHORT, "left"),
            _most(done), "No reader has said anything yet of what a topic brought, or left.",
        ),
    ]  # fmt: skip


def _rows(
    rows: Iterable[dict[str, int]], key: str, names: dict[int, str]
) -> list[tuple[dict[str, int], str, str]]:
    """Those that are still here, each with its name and its page."""
    pages = reverse(f"admin:subscriptions_{key}_changelist")
    return [
        (row, names[row[key]], f"{pages}{row[key]}/change/") for row in rows if row[key] in names
    ]


def _values(row: dict[str, int], names: Iterable[str]) -> tuple[int, ...]:
    return tuple(row[name] for name in names)


def _most(rows: Iterable[Row]) -> list[Row]:
    """Without those of which there is nothing to say, the most first."""
    return sorted((row for row in rows if any(row.values)), key=lambda row: -sum(row.values))


def _states(figures: Figures) -> Iterable[Row]:
    for status in ORDER:
        if count := figures["deliveries"].get(status.value, 0):
            yield Row(status.label, (count,))
    for name, label in CAME_BACK.items():
        if count := figures.get(name, 0):  # reports made before complaints were known have none
            yield Row(label, (count,))


def _answers(figures: Figures) -> Iterable[Row]:
    if figures["deliveries"].get(Delivery.Status.SENT.value):
        for verdict, name in VERDICT_NAMES.items():
            yield Row(name, (sum(row[verdict] for row in figures["papers"]),))
        for status, name in LEFT_NAMES.items():
            yield Row(name, (figures["left"][status],))
