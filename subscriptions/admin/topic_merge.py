"""Two topics are made one: what that does is said before it is done."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from subscriptions.flows.topics import merge, overlap
from subscriptions.models import Topic

from .topic_workbench import FOLDER, WorkbenchPage


class IntoForm(forms.Form):
    into = forms.ModelChoiceField(Topic.objects.none(), label="Into", empty_label="Choose a topic")

    def __init__(self, source: Topic, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        others = Topic.objects.offered().exclude(pk=source.pk).order_by("name")
        self.fields["into"].queryset = others  # type: ignore[attr-defined]


class MergePage(WorkbenchPage):
    """Base of the topics' admin: the page where one is merged into another."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.merge)
        name = "subscriptions_topic_merge"
        return [path("<int:pk>/merge/", view, name=name), *super().get_urls()]

    def merge(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A GET counts who would move; the POST does it."""
        source = get_object_or_404(Topic.objects.select_related("merged_into"), pk=pk)
        may = self.has_change_permission(request) and self.has_delete_permission(request)
        if not may:
            raise PermissionDenied
        form = IntoForm(source, request.POST or request.GET or None)
        target: Topic | None = form.cleaned_data["into"] if form.is_valid() else None
        if target and request.method == "POST":
            return self._merge(request, source, target)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Merge {source} into another topic",
            "source": source,
            "target": target,
            "form": form,
            "overlap": overlap(source, target) if target else None,
        }
        return TemplateResponse(request, f"{FOLDER}/merge.html", context)

    def _merge(self, request: HttpRequest, source: Topic, target: Topic) -> HttpResponse:
        moved = merge(source.pk, target.pk)
        if moved is None:
            said = f"Nothing was merged: {source} or {target} was retired, merged or deleted."
            self.message_user(request, said, messages.ERROR)
            return redirect("admin:subscriptions_topic_changelist")
        self.log_change(
            request,
            source,
            f"Merged into {target}: {moved.followers} followers, {moved.both} of whom followed"
            " both; retired.",
        )
        came = moved.followers - moved.both
        self.log_change(request, target, f"{source} was merged into this: {came} followers came.")
        self.message_user(request, f"{source} is merged into {target}.", messages.SUCCESS)
        return redirect("admin:subscriptions_topic_change", target.pk)
