"""A new topic drafted from example papers: these are named or searched for, then the workbench."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from subscriptions.digests import workbench
from subscriptions.flows.naming import paper_named
from subscriptions.flows.search import papers_in_order, search
from subscriptions.models import Paper

from .topic_workbench import FOLDER, WorkbenchPage

MOST = 20
"""So many example papers are read, and so many found are shown."""
LONGEST = 200
"""Characters of a line."""


class ExamplesForm(forms.Form):
    examples = forms.CharField(
        label="Example papers",
        required=False,
        widget=forms.Textarea({"rows": 6}),
        help_text=f"arXiv ids or links, one a line; at most {MOST}.",
    )
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=LONGEST,
        widget=forms.TextInput({"type": "search"}),
        help_text="In the papers of released days.",
    )


@dataclass
class Examples:
    """The papers that an address names, by ``paper`` (pks) and by ``examples`` (lines)."""

    papers: list[Paper]
    missing: list[str] = field(default_factory=list)
    """Lines that name no paper that is here."""

    @classmethod
    def of(cls, query: QueryDict) -> "Examples":
        pks = [pk for pk in query.getlist("paper") if pk.isdecimal() and len(pk) < 19][:MOST]
        ticked = Paper.objects.in_bulk([int(pk) for pk in pks])
        papers = dict(ticked)
        missing: list[str] = []
        for line in _lines(query.get("examples", "")):
            if paper := paper_named(line):
                papers[paper.pk] = paper
            else:
                missing.append(line)
        return cls(list(papers.values())[:MOST], missing)


def _lines(text: str) -> list[str]:
    lines = (line.strip()[:LONGEST] for line in text.replace("\0", "").splitlines())
    return list(dict.fromkeys(filter(None, lines)))[:MOST]


class DraftPage(WorkbenchPage):
    """Base of the topics' admin: choosing examples; the workbench of a new topic begins with
    what they have in common.
    """

    def get_urls(self) -> list[URLPattern]:
        draft = self.admin_site.admin_view(require_safe(self.draft))
        return [path("draft/", draft, name="subscriptions_topic_draft"), *super().get_urls()]

    def draft(self, request: HttpRequest) -> HttpResponse:
        """Which papers are named, which are not here, and what a search finds. Stores nothing."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ExamplesForm(request.GET or None)
        examples = Examples.of(request.GET)
        text = form.cleaned_data["q"] if form.is_bound and form.is_valid() else ""
        chosen = {paper.pk for paper in examples.papers}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Draft a topic from example papers",
            "form": form,
            "examples": examples,
            "found": [p for p in papers_in_order(search(text)[:MOST]) if p.pk not in chosen],
            "searched": text,
        }
        return TemplateResponse(request, f"{FOLDER}/draft.html", context)

    def workbench(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        examples = Examples.of(request.GET)
        if request.method == "POST" or pk or not (examples.papers or examples.missing):
            return super().workbench(request, pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        waits = "wait" in request.GET or request.headers.get("HX-Request")
        bench = workbench.bench() if waits else workbench.ready()
        form = self._form(request, None)
        context: dict[str, Any] = {"examples": examples, "drafting": bench is None}
        if bench:
            drafted = bench.draft(examples.papers)
            form.initial |= {"phrases": drafted.phrases, "categories": drafted.categories}
        else:
            again = [("paper", str(paper.pk)) for paper in examples.papers]
            again += [("examples", "\n".join(examples.missing))]
            address = reverse("admin:subscriptions_topic_workbench_new")
            context["address"] = f"{address}?{urlencode(again)}"
        return self.workbench_page(request, None, form, context)
