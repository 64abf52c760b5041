"""Subscribers from files and to files: the pages of import and export.

django-import-export gives their addresses, permissions, links on the list, and what of the list
is exported in which columns. Its way of importing is left out: it knows two answers, all rows
or none, where a reader's own choices and consent ask for one each.
"""

import csv
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from import_export.admin import ImportExportMixin

from subscriptions.flows import import_files
from subscriptions.flows.import_files import FileGone, Imported
from subscriptions.flows.importing import NEW, Fate, Plan
from subscriptions.flows.reader_columns import FIELDS
from subscriptions.flows.reader_file import MAX_BYTES, UnreadableFile, safe
from subscriptions.masking import mask
from subscriptions.models import ImportFile, Subscriber
from subscriptions.sources.records import clean

from .subscriber_columns import SubscriberResource

MOST_TOLD = 20
"""Rows named in a message."""


class ConsentForm(forms.Form):
    consent_source = forms.CharField(
        label="Where they agreed",
        max_length=200,
        help_text="Kept with each reader, as evidence: “Form on our website, kept at Mailchimp”.",
    )
    agreed = forms.BooleanField(
        label="These people have agreed to get this mail",
        required=False,
        help_text="Without it, only rows with the date of a confirmation become active.",
    )


class UploadForm(ConsentForm):
    file = forms.FileField(
        label="File",
        help_text="CSV, with commas, semicolons or tabs; at most 20 MB and 200,000 rows.",
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    field_order = ("file", "consent_source", "agreed")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 20 MB: divide it.")
        return file


class PlanForm(ConsentForm):
    """What each column is taken for."""

    def __init__(self, file: ImportFile, data: Any = None) -> None:
        plan = Plan.from_json(file.plan)
        initial = {"consent_source": plan.consent_source, "agreed": plan.agreed}
        super().__init__(data, initial=initial, label_suffix="")
        fields = [("", "(not used)"), *((name, name.replace("_", " ")) for name in FIELDS)]
        self.columns = [f"column-{n}" for n in range(len(plan.columns))]
        for n, (name, taken) in enumerate(zip(file.seen["names"], plan.columns, strict=True)):
            self.fields[self.columns[n]] = forms.ChoiceField(
                label=name, choices=fields, required=False, initial=taken
            )
        self.samples = [
            ", ".join(filter(None, (cells[n] for cells in file.seen["samples"])))
            for n in range(len(plan.columns))
        ]

    def mapping(self) -> list[tuple[forms.BoundField, str]]:
        """The choice for each column, and the first cells in it."""
        return [(self[name], cells) for name, cells in zip(self.columns, self.samples, strict=True)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        taken = [data.get(name, "") for name in self.columns]
        for name, field in zip(self.columns, taken, strict=True):
            if field and taken.count(field) > 1:
                self.add_error(name, f"Two columns are taken for {field.replace('_', ' ')}.")
        if "email" not in taken:
            self.add_error(None, "Choose the column that has the email addresses.")
        return data

    def plan(self) -> Plan:
        data = self.cleaned_data
        columns = tuple(data[name] for name in self.columns)
        return Plan(columns, data["consent_source"], data["agreed"])


class SubscriberFiles(ImportExportMixin):
    """What ``SubscriberAdmin`` takes for files."""

    resource_classes = (SubscriberResource,)

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """The file is asked for, then shown row by row; ``check`` looks at its rows anew."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if "file" in request.GET:
            return self._looked_at(request, request.GET["file"])
        if "check" in request.POST:
            return self._look_again(request, request.POST["check"])
        form = UploadForm(request.POST or None, request.FILES or None, label_suffix="")
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                pk = import_files.keep(
                    file.read(),
                    clean(file.name, 100),
                    form.cleaned_data["consent_source"],
                    form.cleaned_data["agreed"],
                    timezone.now(),
                )
                return self._to_file(pk)
            except UnreadableFile as error:
                form.add_error("file", f"The file {error}")
        return self._page(request, "import", "Import readers", form=form)

    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        """Bring in what the page showed; where its form says otherwise by now, show it first."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        file = _file(request.POST.get("check", ""))
        if file is None:
            return self._gone(request)
        form = PlanForm(file, request.POST)
        if not form.is_valid():
            return self._page_of_file(request, file, form)
        if form.plan() != Plan.from_json(file.plan):
            messages.warning(request, "You changed the form: see what becomes of the rows now.")
            return self._look_again(request, str(file.pk))
        try:
            with transaction.atomic():  # none comes in that the log does not tell of
                done = import_files.bring_in(file.pk, timezone.now())
                told = _told(file, done)
                _log(request, ADDITION, told)
        except FileGone:
            return self._gone(request)
        except IntegrityError:  # the database looks at the end only whether each topic is there
            told = (
                "Nobody came in: a topic was deleted meanwhile, or someone signed up. Look again."
            )
            messages.warning(request, told)
            return self._look_again(request, str(file.pk))
        messages.success(request, told)
        if done.dropped:
            messages.warning(request, _left_out(done))
        return redirect("admin:subscriptions_subscriber_changelist")

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        """Asked for by GET, given by POST: the readers of the list as it is filtered."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            readers = self.get_export_queryset(request)
        except IncorrectLookupParameters:
            return redirect("admin:subscriptions_subscriber_export")
        if request.method != "POST":
            context = {
                "filtered": request.GET,
                "columns": SubscriberResource().get_export_headers(),
            }
            return self._page(request, "export", "Export readers", **context)
        _log(request, CHANGE, f"Exported {_readers(readers.count())}.")
        name = f"readers-{timezone.now():%Y-%m-%d}.csv"
        return _csv(SubscriberResource().lines(readers), name)

    def _look_again(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        file = _file(pk)
        if file is None:
            return self._gone(request)
        form = PlanForm(file, request.POST)
        if form.is_valid():
            try:
                import_files.look(file, form.plan(), timezone.now())
                return self._to_file(file.pk)
            except UnreadableFile as error:
                form.add_error(None, f"The file {error}")
        return self._page_of_file(request, file, form)

    def _looked_at(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        file = _file(pk)
        if file is None:
            return self._gone(request)
        if "bad" in request.GET and file.seen["bad"]:
            return _csv(import_files.bad_rows(file, timezone.now()), "bad-rows.csv")
        return self._page_of_file(request, file, PlanForm(file))

    def _page_of_file(self, request: HttpRequest, file: ImportFile, form: PlanForm) -> HttpResponse:
        counts = {fate: file.seen["counts"].get(fate.name, 0) for fate in Fate}
        new = sum(counts[fate] for fate in NEW)
        more_bad = counts[Fate.BAD] - len(file.seen["bad"])
        return self._page(
            request,
            "import_rows",
            f"Import readers from {file.name}",
            form=form,
            file=file,
            looked="email" in file.plan["columns"],
            counts=[(fate.value, f"{n:,}") for fate, n in counts.items() if n],
            new=_readers(new) if new else "",
            waiting=counts[Fate.WAITS],
            more_bad=f"{more_bad:,}" if more_bad else "",
        )

    def _page(
        self, request: HttpRequest, name: str, title: str, **context: Any
    ) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        template = f"admin/subscriptions/subscriber/{name}.html"
        return TemplateResponse(request, template, shared | context)

    def _to_file(self, pk: uuid.UUID) -> HttpResponse:
        return redirect(f"{reverse('admin:subscriptions_subscriber_import')}?file={pk}")

    def _gone(self, request: HttpRequest) -> HttpResponse:
        told = "That file is not here any more: it was imported, or uploaded more than a day ago."
        messages.error(request, told)
        return redirect("admin:subscriptions_subscriber_import")


def _file(pk: str) -> ImportFile | None:
    try:
        return ImportFile.objects.defer("content").filter(pk=uuid.UUID(pk)).first()
    except ValueError:
        return None


def _readers(count: int) -> str:
    return f"{count:,} reader{'' if count == 1 else 's'}"


def _told(file: ImportFile, done: Imported) -> str:
    fates = ", ".join(f"{done.counts[fate]:,} {fate.value}" for fate in NEW if done.counts[fate])
    count = _readers(done.counts.total())
    return f"Imported {count} from {file.name}" + (f" ({fates})." if fates else ".")


def _left_out(done: Imported) -> str:
    named = [f"line {one.row.line}, {one.fate.value}" for one in done.dropped[:MOST_TOLD]]
    if more := len(done.dropped) - len(named):
        named.append(f"and {more:,} more, which you see if you upload the file again")
    return f"Left out, as it changed since you looked: {'; '.join(named)}."


def _log(request: HttpRequest, flag: int, told: str) -> None:
    """An entry in the admin's own log, of no reader in particular."""
    LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(Subscriber),
        object_repr="Readers in a file",
        action_flag=flag,
        change_message=mask(told),
    )


class _Echo:
    """What csv writes to and gets each line back from."""

    def write(self, line: str) -> str:
        return line


def _csv(rows: Iterator[list[str]], name: str) -> StreamingHttpResponse:
    """Rows as a download, made as it is sent; no cell is a formula."""

    def blocks() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff"  # else Excel takes it for another encoding
        while block := list(islice(rows, 500)):
            yield "".join(writer.writerow([safe(cell) for cell in row]) for row in block)

    return StreamingHttpResponse(
        blocks(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
