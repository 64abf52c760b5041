"""The topics workbench: a topic is edited beside what it would have matched."""

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from subscriptions.digests import workbench
from subscriptions.digests.topics import MONTH_DAYS
from subscriptions.digests.workbench import Bench, Found, Precision, Trial
from subscriptions.flows.topics import followers, mark, new_slug
from subscriptions.models import Paper, Topic, TopicMark

from .history import History
from .stale import StaleSave

FOLDER = "admin/subscriptions/topic"
FIELDS = ["name", "group", "description", "phrases", "categories"]
MATCHED = FIELDS[2:]
WIDGETS = {
    "group": {"list": "groups"},
    "description": {"rows": 5},
    "phrases": {"rows": 9},
    "categories": {"rows": 3},
}
SHOWN = 50
"""So many papers are shown of each list."""
MARKED = {"": "All", "right": "Marked right", "wrong": "Marked wrong", "none": "Not marked"}

_MARK = re.compile(rf"(\d{{1,18}}):({'|'.join(TopicMark.Verdict.values)}|)", re.ASCII)


class Row(NamedTuple):
    """A paper as it is shown."""

    found: Found
    paper: Paper
    told: str
    verdict: str


class Group(NamedTuple):
    """One of the lists of papers, shown as far as it goes."""

    name: str
    says: str
    rows: list[Row]
    total: int


class WorkbenchPage(StaleSave, History):
    """Base of the topics' admin: the page of one topic, and that of a new one."""

    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "subscriptions_topic_workbench"
        return [
            path("<int:pk>/workbench/", view(self.workbench), name=name),
            path("workbench/", view(self.workbench), name=f"{name}_new"),
            *super().get_urls(),
        ]

    def workbench(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """A GET shows the form at once; what it brings is posted for, and stored only by Save."""
        if pk is None and not self.has_add_permission(request):
            raise PermissionDenied
        if not self.has_view_permission(request):
            raise PermissionDenied
        if "save" in request.POST:
            return self._save(request, pk)
        stored = get_object_or_404(Topic, pk=pk) if pk else None
        form = self._form(request, stored)
        context: dict[str, Any] = {}
        if request.method == "POST":
            self._mark(request, stored)
            context = _tried(form, stored, request.POST)
        if request.headers.get("HX-Request"):
            context |= {"topic": stored, "days": MONTH_DAYS}
            return TemplateResponse(request, f"{FOLDER}/_trial.html", context)
        return self.workbench_page(request, stored, form, context)

    def workbench_page(
        self, request: HttpRequest, stored: Topic | None, form: Any, context: dict[str, Any]
    ) -> HttpResponse:
        """The whole page."""
        found = followers()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Workbench: {stored}" if stored else "Workbench: a new topic",
            "topic": stored,
            "form": form,
            "may_save": self._may_save(request, stored),
            "followed": found.counts.get(stored.pk, 0) if stored else 0,
            "about": found.about,
            "marked_choices": MARKED.items(),
            "days": MONTH_DAYS,
            "group_names": sorted(set(Topic.objects.values_list("group", flat=True))),
            **context,
        }
        return TemplateResponse(request, f"{FOLDER}/workbench.html", context)

    def _form(self, request: HttpRequest, stored: Topic | None) -> Any:
        form = self.get_form(request, stored, fields=FIELDS)
        data = request.POST if request.method == "POST" else None
        made = form(data, instance=copy.copy(stored))  # a form writes into what it is given
        for name, attrs in WIDGETS.items():
            made.fields[name].widget.attrs |= attrs
        return made

    def _may_save(self, request: HttpRequest, stored: Topic | None) -> bool:
        if stored is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, stored)

    def _save(self, request: HttpRequest, pk: int | None) -> HttpResponse:
        with transaction.atomic():
            self._lock([str(pk)] if pk else [])
            stored = get_object_or_404(Topic, pk=pk) if pk else None
            if not self._may_save(request, stored):
                raise PermissionDenied
            form = self._form(request, stored)
            saved = self._store(request, stored, form) if form.is_valid() else None
        if saved is None:
            return self.workbench_page(request, stored, form, {})
        self.message_user(request, f"“{saved}” is saved.", messages.SUCCESS)
        return redirect("admin:subscriptions_topic_workbench", saved.pk)

    def _store(self, request: HttpRequest, stored: Topic | None, form: Any) -> Topic:
        topic: Topic = form.save(commit=False)
        if stored is None:
            last = Topic.objects.aggregate(last=Max("position"))["last"]
            topic.slug, topic.position = new_slug(topic.name), (last or 0) + 1
        self.save_model(request, topic, form, stored is not None)
        said = self.construct_change_message(request, form, None, stored is None)
        (self.log_change if stored else self.log_addition)(request, topic, said)
        return topic

    def _mark(self, request: HttpRequest, stored: Topic | None) -> None:
        """By ``mark``: a paper and a verdict, which is empty to take one back."""
        if "mark" not in request.POST:
            return
        if not self.has_change_permission(request, stored):
            raise PermissionDenied
        said = _MARK.fullmatch(request.POST["mark"])
        paper = Paper.objects.filter(pk=said[1]).first() if said else None
        if not (said and paper and stored):
            raise Http404
        mark(stored, paper.pk, said[2], request.user, timezone.now())
        words = f"Marked {said[2]}" if said[2] else "No longer marked"
        self.log_change(request, stored, f"{words}: “{paper.title[:100]}”.")


def _tried(form: Any, stored: Topic | None, given: QueryDict) -> dict[str, Any]:
    """What the form's topic brings; that of fields that are wrong is as it is stored."""
    form.is_valid()
    bench = workbench.bench(look="look" in given)
    if bench is None:
        return {"reading": True}
    typed = {name: form.cleaned_data.get(name) for name in MATCHED}
    wrong = {form.fields[name].label: form.errors[name] for name in MATCHED if name in form.errors}
    before = stored or Topic()
    edited = Topic(**{n: getattr(before, n) if v is None else v for n, v in typed.items()})
    trial = bench.try_out(edited, stored)
    marks = dict(stored.marks.values_list("paper", "verdict")) if stored else {}
    wanted = given.get("marked", "")
    return {
        "bench": bench,
        "trial": trial,
        "wrong": wrong,
        "marked": wanted if wanted in MARKED else "",
        "sides": _sides(bench, trial, marks),
        "groups": _groups(bench, trial, marks, wanted),
        "floors": [round(floor, 1) for floor in bench.floors],
    }


def _sides(bench: Bench, trial: Trial, marks: Mapping[int, str]) -> list[dict[str, Any]]:
    sides = [("As edited" if trial.stored else "New", trial.edited), ("Stored", trial.stored)]
    return [
        {
            "name": name,
            "count": len(side.papers),
            "a_week": len(side.papers) / bench.weeks,
            "precision": _percent(side.precision(marks)),
            "first": _percent(side.precision_of_first(marks)),
        }
        for name, side in sides
        if side
    ]


def _percent(found: Precision) -> str:
    if not found.marked:
        return "none marked"
    return f"{found.right / found.marked:.0%} ({found.right} of {found.marked} marked)"


def _groups(bench: Bench, trial: Trial, marks: Mapping[int, str], wanted: str) -> list[Group]:
    def kept(papers: Iterable[Found]) -> list[Found]:
        verdicts = {"": None, "none": ""}.get(wanted, wanted)
        return [f for f in papers if verdicts is None or marks.get(f.paper, "") == verdicts]

    lists = [
        ("Came", "matched as edited, and not as stored", trial.came, trial.edited),
        ("Left", "matched as stored, and not as edited", trial.left, trial.stored),
        ("Stayed", "matched both ways", trial.stayed, trial.edited),
    ]
    if trial.stored is None:
        lists = [("Matches", "", trial.came, trial.edited)]
    filtered = [(name, says, kept(found), side) for name, says, found, side in lists]
    pks = [one.paper for _, _, found, _ in filtered for one in found[:SHOWN]]
    papers = Paper.objects.only("title", "arxiv_id", "doi", "url").in_bulk(pks)
    groups = []
    for name, says, found, side in filtered:
        shown = [one for one in found[:SHOWN] if one.paper in papers]
        told = bench.told(side.topic, [one.paper for one in shown]) if side else {}
        rows = [
            Row(one, papers[one.paper], told[one.paper], marks.get(one.paper, "")) for one in shown
        ]
        groups.append(Group(name, says, rows, len(found)))
    return groups
