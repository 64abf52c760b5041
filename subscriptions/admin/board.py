"""The board: the papers of some days, and the picks of one, curated with keys or buttons."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.validators import MaxLengthValidator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from subscriptions import notes
from subscriptions.flows import curating
from subscriptions.flows.curating import alone
from subscriptions.flows.refused import Refused
from subscriptions.models import Edition, Paper, Pick, Topic, WantedPaper

from .board_cards import Asked, cards, picks_day
from .board_changes import UNDO, do, is_pk, keep, named, need, tell
from .stale import version_of

FOLDER = "admin/subscriptions/paper"
NOTE = Pick._meta.get_field("note").max_length or 0
COMPARED = ["day", "note", "topics"]
DAY = dt.timedelta(days=1)


class PickForm(forms.Form):
    """What an editor says of a pick."""

    # Without maxlength, by which a browser would cut off what is pasted, and not say so.
    note = forms.CharField(
        label="Note",
        required=False,
        validators=[MaxLengthValidator(NOTE)],
        help_text="Markdown: *emphasis*, **strong**, [words](https://…), lists.",
        widget=forms.Textarea({"rows": 5}),
    )
    day = forms.DateField(label="Day", widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.none(),
        label="Only for followers of",
        required=False,
        help_text="None ticked: for everyone.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, pick: Pick, data: QueryDict | None = None) -> None:
        chosen = [topic.pk for topic in pick.topics.all()] if pick.pk else []
        initial = {"note": pick.note, "day": pick.day, "topics": chosen}
        super().__init__(data, initial=initial, auto_id=False)  # several are on a page
        fields: Any = self.fields
        offered = Q(status=Topic.Status.OFFERED) | Q(pk__in=chosen)
        fields["topics"].queryset = Topic.objects.filter(offered).only("name")


def urls(papers: admin.ModelAdmin[Paper]) -> list[URLPattern]:
    """The board's addresses, for the admin of papers to add to its own."""
    view, name = papers.admin_site.admin_view, "subscriptions_paper_board"

    def page(request: HttpRequest) -> HttpResponse:
        return board(request, papers.admin_site)

    def edit(request: HttpRequest) -> HttpResponse:
        return edit_pick(request, papers.admin_site)

    return [
        path("board/", view(require_GET(page)), name=name),
        path("board/change/", view(require_POST(change)), name=f"{name}_change"),
        path("board/pick/", view(edit), name=f"{name}_pick"),
        path("board/preview/", view(require_POST(preview)), name=f"{name}_preview"),
    ]


def board(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """The page; for a script, which says so by what it accepts, the next cards alone."""
    need(request, "view_paper")
    asked = Asked(request.GET, timezone.now().date())
    papers, more = asked.page()
    context: dict[str, Any] = {
        "cards": cards(papers, asked.picks_day),
        "next_page": _with(request.GET, after=more) if more else "",
        "back": request.GET.urlencode(),
    }
    if _is_script(request):
        return JsonResponse({"cards": _render(request, "_cards", context)})
    context |= {
        **site.each_context(request),
        **_picks(request.GET, asked.picks_day),
        "title": asked.title,
        "asked": asked,
        "first_page": _with(request.GET, after="") if "after" in request.GET else "",
        "undo": bool(request.session.get(UNDO)),
    }
    return TemplateResponse(request, f"{FOLDER}/board.html", context)


def change(request: HttpRequest) -> HttpResponse:
    """What a button does, with the selected papers or one of its own."""
    need(request, "view_paper")
    now = timezone.now()
    try:
        with transaction.atomic():
            papers, said = do(request, picks_day(_back(request), now.date()), now)
    except Refused as refused:
        return _answer(request, named(request), str(refused), now, done=False)
    return _answer(request, papers, said, now)


def edit_pick(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """The editor of a pick: its note, its day, and whom it is for; of a paper that is none yet,
    saving makes it one.
    """
    given, now = request.POST or request.GET, timezone.now()
    pk = given.get("paper", "")
    paper = get_object_or_404(Paper, pk=int(pk) if is_pk(pk) else 0)
    day = picks_day(given, now.date())
    need(request, "view_paper", "change_pick" if _pick(paper, day).pk else "add_pick")
    if request.method != "POST":
        pick = _pick(paper, day)
        return _editor(request, site, pick, PickForm(pick))
    try:
        with alone():
            pick = _pick(paper, day)
            form = PickForm(pick, request.POST)
            if not form.is_valid():
                return _editor(request, site, pick, form, status=422)
            if request.POST.get("version") != _version(pick):
                return _editor(request, site, pick, form, status=409)
            data = form.cleaned_data
            topics = [topic.pk for topic in data["topics"]]
            done, words = keep(
                request,
                curating.edit(paper.pk, day, data["day"], data["note"], topics, now.date()),
                f"pick for {curating.said(data['day'])} saved",
            )
    except Refused as refused:
        form.add_error(None, str(refused))
        return _editor(request, site, pick, form, status=422)
    return _answer(request, [paper.pk], tell([paper.pk], done, words), now)


def preview(request: HttpRequest) -> HttpResponse:
    """A note as readers will see it."""
    need(request, "view_paper")
    note = request.POST.get("note", "")
    if len(note) > NOTE:
        return JsonResponse({"said": f"{len(note):,} characters; a note has at most {NOTE:,}."})
    return JsonResponse({"html": notes.html(note), "said": f"{NOTE - len(note):,} left"})


def _editor(
    request: HttpRequest, site: admin.AdminSite, pick: Pick, form: PickForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "pick": pick,
        "form": form,
        "version": _version(pick),
        "changed_meanwhile": status == 409,
        "back": (request.POST or request.GET).get("back", ""),
    }
    if _is_script(request):
        return JsonResponse({"editor": _render(request, "_editor", context)}, status=status)
    title = "Edit pick" if pick.pk else "Pick with a note"
    context |= {**site.each_context(request), "title": title}
    return TemplateResponse(request, f"{FOLDER}/pick.html", context, status=status)


def _answer(
    request: HttpRequest, papers: Collection[int], said: str, now: dt.datetime, done: bool = True
) -> HttpResponse:
    """What is stored now, for a script to show; for a browser without one, the board again."""
    back = _back(request)
    if not _is_script(request):
        messages.add_message(request, messages.SUCCESS if done else messages.ERROR, said)
        place = f"#card-{min(papers)}" if papers else ""
        board = reverse("admin:subscriptions_paper_board")
        return redirect(f"{board}?{back.urlencode()}{place}")
    day = picks_day(back, now.date())
    shown = {
        card.paper.pk: _render(request, "_card", {"card": card, "back": back.urlencode()})
        for card in cards(papers, day)
    }
    answer = {
        "said": said,
        "cards": shown,
        "picks": _render(request, "_picks", _picks(back, day)),
        "undo": bool(request.session.get(UNDO)),
    }
    return JsonResponse(answer, status=200 if done else 422)


def _picks(query: QueryDict, day: dt.date) -> dict[str, Any]:
    """The picks of a day in their order, and the papers that are fetched to be picked."""
    picks = Pick.objects.filter(day=day).select_related("paper").prefetch_related("topics")
    return {
        "picks": picks.order_by("position", "pk"),
        "picks_day": day,
        "edition": Edition.objects.filter(day=day).first(),
        "wanted": WantedPaper.objects.filter(pick_day__isnull=False).order_by("-asked_at")[:20],
        "earlier": _with(query, picks=str(day - DAY)),
        "later": _with(query, picks=str(day + DAY)),
        "other": [item for item in query.items() if item[0] not in ("picks", "after")],
        "back": query.urlencode(),
    }


def _pick(paper: Paper, day: dt.date) -> Pick:
    """The pick of a paper for a day, or one that is not stored."""
    return Pick.objects.filter(paper=paper, day=day).first() or Pick(paper=paper, day=day)


def _version(pick: Pick) -> str:
    return version_of(pick, COMPARED) if pick.pk else "none"


def _back(request: HttpRequest) -> QueryDict:
    """The query of the board that a form was posted from."""
    return QueryDict(request.POST.get("back", ""))


def _with(query: QueryDict, **changes: str) -> str:
    changed = query.copy()
    for name, value in changes.items():
        changed[name] = value
        if not value:
            del changed[name]
    return changed.urlencode()


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"


def _render(request: HttpRequest, name: str, context: dict[str, Any]) -> str:
    return render_to_string(f"{FOLDER}/{name}.html", context, request)
